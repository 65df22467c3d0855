"""The lease of a lane: who works on it, until when, and what happens to what a dead holder left."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from judging import lifecycle, queue
from judging.execution.loop import LEASE_SECONDS
from judging.models import EvaluationRun, ItemStatus, JudgingItem, JudgingRun, Lane

LEASE = timedelta(seconds=LEASE_SECONDS)


@dataclass(frozen=True, slots=True)
class Lease:
    """A lane held by this slice."""

    lane_id: int
    judging_run_id: UUID
    token: UUID


def take(lane_id: int) -> Lease | None:
    """Take a lane that nobody holds, and give back what a dead holder had claimed. None: held, done or gone."""
    now = timezone.now()
    token = uuid.uuid4()
    with transaction.atomic():
        lane = Lane.objects.filter(pk=lane_id, is_done=False).first()
        if lane is None:
            return None
        taken = Lane.objects.filter(
            Q(lease_until__isnull=True) | Q(lease_until__lt=now),
            pk=lane_id,
            is_done=False,
            lease_token=lane.lease_token,
        ).update(lease_token=token, lease_until=now + LEASE, slice_count=F("slice_count") + 1)
        if not taken:
            return None
        if lane.lease_token is not None:
            give_back_claims(lane.judging_run_id, lane.lease_token)
    return Lease(lane_id, lane.judging_run_id, token)


def give_back_claims(judging_run_id: UUID, token: UUID) -> None:
    """Settle the items a slice that is gone had claimed: pending again, or skipped where the run has ended."""
    claimed = JudgingItem.objects.filter(judging_run_id=judging_run_id, claim_token=token, status=ItemStatus.PENDING)
    with transaction.atomic():
        run = JudgingRun.objects.select_for_update(no_key=True).only("pk", "status").get(pk=judging_run_id)
        if run.is_active:
            claimed.update(claim_token=None)
        else:
            skip(judging_run_id, claimed.values_list("pk", flat=True))


def skip(judging_run_id: UUID, item_ids: Iterable[int]) -> None:
    """End items of an ended run that will not be asked any more, and count them."""
    skipped = JudgingItem.objects.filter(pk__in=list(item_ids), status=ItemStatus.PENDING).update(
        status=ItemStatus.SKIPPED, claim_token=None, finished_at=timezone.now()
    )
    if skipped:
        JudgingRun.objects.filter(pk=judging_run_id).update(skipped_count=F("skipped_count") + skipped)


def hand_over(lease: Lease, **state: object) -> None:
    """Give the lane up at the end of a slice: to the next slice while there is work, else for good.

    `state` is what the next slice goes on from. Does nothing when the lease was lost.
    """
    with transaction.atomic():
        run = JudgingRun.objects.select_for_update(no_key=True).get(pk=lease.judging_run_id)
        if not Lane.objects.filter(pk=lease.lane_id, lease_token=lease.token).exists():
            return
        # A slice settles all it claimed; should one ever not, nothing may stay in flight for ever.
        give_back_claims(run.pk, lease.token)
        has_work = (
            run.is_active
            and JudgingItem.objects.filter(
                judging_run_id=run.pk, status=ItemStatus.PENDING, claim_token__isnull=True
            ).exists()
        )
        Lane.objects.filter(pk=lease.lane_id).update(
            lease_token=None, lease_until=None, is_done=not has_work, enqueued_at=timezone.now(), **state
        )
        if has_work:
            queue.enqueue_slice(lease.lane_id)


def close(judging_run_id: UUID) -> None:
    """Complete a run that has nothing left, and have the metrics renewed when it has ended, however it did."""
    lifecycle.complete(judging_run_id)
    run = JudgingRun.objects.select_related("evaluation_run__evaluation").get(pk=judging_run_id)
    if not run.is_active:
        enqueue_stale_metrics(run.evaluation_run)


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


def age(moment: datetime | None) -> float | None:
    """Return how many seconds ago a moment was."""
    return None if moment is None else (timezone.now() - moment).total_seconds()
