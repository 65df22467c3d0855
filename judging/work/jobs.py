"""What lanes work for, an AI judging run or a batch execution, as leases and rescue see either."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from judging.judging_runs import lifecycle
from judging.models import (
    ACTIVE_BATCH_STATUSES,
    ACTIVE_STATUSES,
    BatchExecution,
    EvaluationRun,
    EvaluatorResult,
    ItemStatus,
    JudgingItem,
    JudgingRun,
    Lane,
    ResultStatus,
)
from judging.responses import lifecycle as batch_lifecycle
from judging.work import queue


class Job(ABC):
    """Work that was cut into rows and is done by lanes."""

    def __init__(self, job_id: UUID) -> None:
        self.id = job_id

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    kind: str

    @abstractmethod
    def is_active(self) -> bool: ...

    @abstractmethod
    def hold(self) -> bool:
        """Hold the job's row until the transaction ends; tell whether it is active."""
        ...

    @abstractmethod
    def pending(self) -> "QuerySet[Any]":
        """Return the rows without an outcome, claimed ones included."""
        ...

    @abstractmethod
    def abandon(self, claimed: "QuerySet[Any]") -> None:
        """Settle claimed rows of a job that has ended."""
        ...

    @abstractmethod
    def close(self) -> None:
        """Complete the job when nothing is left of it, and set off what follows its end, however it ended."""
        ...

    @abstractmethod
    def lanes(self) -> "QuerySet[Lane]": ...

    def give_back(self, token: UUID) -> None:
        """Settle what a slice that is gone had claimed: pending again, unless the job has ended."""
        claimed = self.pending().filter(claim_token=token)
        with transaction.atomic():
            if self.hold():
                claimed.update(claim_token=None)
            else:
                self.abandon(claimed)

    def has_claimable(self) -> bool:
        return self.pending().filter(claim_token__isnull=True).exists()


class RunJob(Job):
    """An AI judging run."""

    kind = "judging run"

    def is_active(self) -> bool:
        return JudgingRun.objects.filter(pk=self.id, status__in=ACTIVE_STATUSES).exists()

    def hold(self) -> bool:
        return JudgingRun.objects.select_for_update(no_key=True).only("pk", "status").get(pk=self.id).is_active

    def pending(self) -> "QuerySet[JudgingItem]":
        return JudgingItem.objects.filter(judging_run_id=self.id, status=ItemStatus.PENDING)

    def abandon(self, claimed: "QuerySet[Any]") -> None:
        skip(self.id, claimed.values_list("pk", flat=True))

    def close(self) -> None:
        lifecycle.complete(self.id)
        run = JudgingRun.objects.select_related("evaluation_run__evaluation").get(pk=self.id)
        if not run.is_active:
            enqueue_stale_metrics(run.evaluation_run)

    def lanes(self) -> "QuerySet[Lane]":
        return Lane.objects.filter(judging_run_id=self.id)


class BatchJob(Job):
    """A batch execution."""

    kind = "batch"

    def is_active(self) -> bool:
        return BatchExecution.objects.filter(pk=self.id, status__in=ACTIVE_BATCH_STATUSES).exists()

    def hold(self) -> bool:
        return BatchExecution.objects.select_for_update(no_key=True).only("pk", "status").get(pk=self.id).is_active

    def pending(self) -> "QuerySet[EvaluatorResult]":
        return EvaluatorResult.objects.filter(batch_id=self.id, status=ResultStatus.PENDING)

    def abandon(self, claimed: "QuerySet[Any]") -> None:
        """Do nothing: the end of a batch settles its rows, in flight or not."""

    def close(self) -> None:
        batch_lifecycle.complete(self.id)

    def lanes(self) -> "QuerySet[Lane]":
        return Lane.objects.filter(batch_id=self.id)


def job_of(lane: Lane) -> Job:
    """Return what a lane works for."""
    if lane.judging_run_id is not None:
        return RunJob(lane.judging_run_id)
    assert lane.batch_id is not None  # a constraint
    return BatchJob(lane.batch_id)


def skip(judging_run_id: UUID, item_ids: Iterable[int]) -> None:
    """End items of an ended run that will not be asked any more, and count them."""
    skipped = JudgingItem.objects.filter(pk__in=list(item_ids), status=ItemStatus.PENDING).update(
        status=ItemStatus.SKIPPED, claim_token=None, finished_at=timezone.now()
    )
    if skipped:
        JudgingRun.objects.filter(pk=judging_run_id).update(skipped_count=F("skipped_count") + skipped)


def enqueue_stale_metrics(evaluation_run: EvaluationRun) -> None:
    """Queue the renewal of every unlocked run of the same corpus and scale that has stale metrics."""
    stale = EvaluationRun.objects.filter(
        evaluation__corpus_id=evaluation_run.evaluation.corpus_id,
        scale=evaluation_run.scale,
        is_locked=False,
        run_queries__has_stale_metrics=True,
    ).distinct()
    for run_id in stale.values_list("pk", flat=True):
        queue.enqueue_metrics(run_id)
