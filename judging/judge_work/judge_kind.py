"""A kind of work that asks a judge for grades: how its items are claimed by the prompt, asked about and decided."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from judging.asking.engine import Answer, Ask, JudgeSpec, ask_once
from judging.asking.parsing import Grade
from judging.asking.prompting import PromptCandidate
from judging.foundation.answers import Failure
from judging.foundation.crypto import Undecryptable
from judging.foundation.limits import MAX_ERROR
from judging.foundation.text import cut_text
from judging.models import DocumentVersion, EvaluationRun, ItemStatus, JudgeJob, JudgeVersion, JudgingRunStatus
from judging.providers.base import Connection
from judging.providers.openai_client import open_client
from judging.records.calls import call_counts, insert_calls, refusals_by_frequency
from judging.records.connections import connection_of
from judging.records.judge_specs import evaluation_context_of, judge_spec_of
from judging.records.provider_limits import ProviderLimits, resource_key
from judging.work.kind import Handler, Kind, States
from judging.work.pacing.refusals import ALL_REFUSED, ending_of_refused
from judging.work.words import Impossible, Settled

JobT = TypeVar("JobT", bound=JudgeJob)


class JudgeKind(Kind[JobT, Ask, Grade]):
    """A judge asked for grades, a row for each. `job_field` also names the job in `Call`."""

    states = States(
        waiting=JudgingRunStatus.QUEUED,
        working=JudgingRunStatus.RUNNING,
        completed=JudgingRunStatus.COMPLETED,
        failed=JudgingRunStatus.FAILED,
        cancelled=JudgingRunStatus.CANCELLED,
    )
    resources = ProviderLimits()

    def endings(self) -> Sequence[tuple[Q, Mapping[str, Any]]]:
        nothing_left = Q(total_count=F("judged_count") + F("failed_count"))
        said = Subquery(refusals_by_frequency(**{self.job_field: OuterRef("pk")})[:1])
        all_refused = {"status": JudgingRunStatus.FAILED, **ending_of_refused(said)}
        return [
            (nothing_left & ALL_REFUSED, all_refused),
            (nothing_left, {"status": JudgingRunStatus.COMPLETED}),
        ]

    def settle_unasked(self, job: JobT, *, error: str, now: datetime) -> Mapping[str, Any]:
        """Skip what was not asked yet, and what is in flight unless its replies may still land."""
        open_rows = self.claimable(job.pk) if self.takes_late_replies else self.pending(job.pk)
        skipped = open_rows.update(status=ItemStatus.SKIPPED, claim_token=None, finished_at=now)
        return {"skipped_count": F("skipped_count") + skipped}

    def settle_returned(self, job_id: UUID, rows: "QuerySet[Any]") -> None:
        skipped = rows.update(status=ItemStatus.SKIPPED, claim_token=None, finished_at=timezone.now())
        if skipped:
            jobs = self.jobs._default_manager.filter(pk=job_id)
            jobs.update(skipped_count=F("skipped_count") + skipped)


class JudgeHandler(Handler[JobT, Ask, Grade]):
    """One slice of a judge's work. Raise Impossible where the provider's key can't be read."""

    # The foreign key of a call to its job.
    job_field: ClassVar[str]

    def __init__(self, version: JudgeVersion, evaluation_run: EvaluationRun) -> None:
        self.max_retries = version.max_retries
        self.version, self.evaluation_run = version, evaluation_run
        self._resource = resource_key(version.ai_provider_id)
        try:
            self._connection = connection_of(version.ai_provider)
        except Undecryptable as error:
            raise Impossible(error.message, "misconfigured") from None

    # Asking

    def open(self) -> "JudgeCaller":
        return JudgeCaller(self._connection, self.version, self.evaluation_run)

    def resource_of(self, ask: Ask) -> str:
        return self._resource

    # Claiming

    def choose(self, due: "QuerySet[Any]", count: int) -> list[int]:
        """Choose whole prompts, in the order of the plan."""
        in_order = due.order_by("prompt_number").values_list("prompt_number", flat=True).distinct()
        return list(due.filter(prompt_number__in=list(in_order[:count])).values_list("pk", flat=True))

    # Writing

    def write_calls(self, job: JobT, calls: Sequence[Settled[Grade]]) -> tuple[list[int | None], Mapping[str, Any]]:
        records = [settled.call for settled in calls if settled.call is not None]
        keys = iter(insert_calls(f"{self.job_field}_id", [(job.pk, record) for record in records]))
        return [None if settled.call is None else next(keys) for settled in calls], call_counts(records)

    def columns_of(self, outcome: Grade | Failure, call_key: int | None) -> Mapping[str, Any]:
        columns = {"grade": None, "reasoning": "", "failure_code": "", "failure_message": "", "call_id": call_key}
        if isinstance(outcome, Grade):
            return {
                **columns,
                "status": ItemStatus.JUDGED.value,
                "grade": outcome.grade,
                "reasoning": outcome.reasoning,
            }
        return {
            **columns,
            "status": ItemStatus.FAILED.value,
            "failure_code": outcome.code.value,
            "failure_message": cut_text(outcome.message, MAX_ERROR),
        }

    def settle(self, job: JobT, decided: Sequence[tuple[int, Grade | Failure]], *, now: datetime) -> Mapping[str, Any]:
        judged = sum(isinstance(outcome, Grade) for _, outcome in decided)
        return {
            "judged_count": F("judged_count") + judged,
            "failed_count": F("failed_count") + len(decided) - judged,
        }

    def most_frequent_refusal(self, job: JobT) -> str:
        return refusals_by_frequency(**{self.job_field: job}).first() or ""


class JudgeCaller:
    """Asks a judge version in the context of an evaluation run."""

    def __init__(self, connection: Connection, version: JudgeVersion, evaluation_run: EvaluationRun) -> None:
        self._client = open_client(connection)
        self.spec = judge_spec_of(version)
        self._evaluation = evaluation_context_of(evaluation_run)

    def spec_for(self, ask: Ask) -> JudgeSpec:
        """Return how an ask is put to the judge."""
        return self.spec

    async def ask(self, ask: Ask, may_reask: Callable[[], bool]) -> Answer:
        return await ask_once(
            self._client, ask, spec=self.spec_for(ask), evaluation=self._evaluation, may_reask=may_reask
        )

    async def aclose(self) -> None:
        await self._client.aclose()


def document_of(version: DocumentVersion) -> PromptCandidate:
    """Return a document as a judge is shown it. Needs the version's document."""
    return PromptCandidate(version.document.external_id, version.title, version.fields or {}, version.image)
