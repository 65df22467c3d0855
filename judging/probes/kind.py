"""Probes as a kind of work: asked as a judging run asks, but their answers stay with their items."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from judging.asking.engine import Answer, Ask, ask_once
from judging.asking.parsing import Grade
from judging.asking.prompting import DEFAULT_PROMPT_TEMPLATE
from judging.foundation.answers import Failure
from judging.foundation.crypto import Undecryptable
from judging.foundation.limits import MAX_ERROR
from judging.foundation.text import cut_text
from judging.models import Call, ItemStatus, JudgingRunStatus, Probe, ProbeItem, ProbeRun
from judging.probes.results import asked_document, store_results
from judging.providers.base import Connection
from judging.providers.openai_client import open_client
from judging.records.calls import call_counts, call_row, refusals_by_frequency
from judging.records.connections import connection_of
from judging.records.judge_specs import evaluation_context_of, judge_spec_of
from judging.records.provider_limits import ProviderLimits, resource_key
from judging.work.kind import Assignment, Kind, States
from judging.work.pacing.refusals import ALL_REFUSED, ending_of_refused
from judging.work.words import Impossible, Settled, Work


class ProbeKind(Kind[ProbeRun, Ask, Grade]):
    """Probes of a judge version: a row for each question. Nothing here becomes a judgment."""

    title = "probe run"
    log_name = "probes"
    jobs = ProbeRun
    rows = ProbeItem
    job_field = "probe_run"
    states = States(
        waiting=JudgingRunStatus.QUEUED,
        working=JudgingRunStatus.RUNNING,
        completed=JudgingRunStatus.COMPLETED,
        failed=JudgingRunStatus.FAILED,
        cancelled=JudgingRunStatus.CANCELLED,
    )
    resources = ProviderLimits()

    def assign(self, job_id: UUID) -> "ProbeAssignment":
        run = ProbeRun.objects.select_related("judge_version__ai_provider", "evaluation_run__evaluation").get(pk=job_id)
        try:
            return ProbeAssignment(run, connection_of(run.judge_version.ai_provider))
        except Undecryptable as error:
            raise Impossible(error.message, "misconfigured") from None

    def endings(self) -> Sequence[tuple[Q, Mapping[str, Any]]]:
        nothing_left = Q(total_count=F("judged_count") + F("failed_count"))
        said = Subquery(refusals_by_frequency(probe_run=OuterRef("pk"))[:1])
        all_refused = {"status": JudgingRunStatus.FAILED, **ending_of_refused(said)}
        return [
            (nothing_left & ALL_REFUSED, all_refused),
            (nothing_left, {"status": JudgingRunStatus.COMPLETED}),
        ]

    def settle_unasked(self, job: ProbeRun, *, error: str, now: datetime) -> Mapping[str, Any]:
        """Skip all that is open; replies in flight come too late."""
        skipped = self.pending(job.pk).update(status=ItemStatus.SKIPPED, claim_token=None, finished_at=now)
        return {"skipped_count": F("skipped_count") + skipped}

    def settle_returned(self, job_id: UUID, rows: "QuerySet[Any]") -> None:
        skipped = rows.update(status=ItemStatus.SKIPPED, claim_token=None, finished_at=timezone.now())
        if skipped:
            ProbeRun.objects.filter(pk=job_id).update(skipped_count=F("skipped_count") + skipped)

    def follow_up(self, job_id: UUID) -> None:
        store_results(job_id)


class ProbeAssignment(Assignment[ProbeRun, Ask, Grade]):
    """One slice of a probe run."""

    has_several_subjects = True

    def __init__(self, run: ProbeRun, connection: Connection) -> None:
        self.max_retries = run.judge_version.max_retries
        self._run, self._connection = run, connection

    # Asking

    def open(self) -> "_Caller":
        return _Caller(self._run, self._connection)

    def resource_of(self, ask: Ask) -> str:
        return resource_key(self._run.judge_version.ai_provider_id)

    # Claiming

    def choose(self, due: "QuerySet[Any]", count: int) -> list[int]:
        """Choose whole prompts, in the order of the plan."""
        in_order = due.order_by("prompt_number").values_list("prompt_number", flat=True).distinct()
        return list(due.filter(prompt_number__in=list(in_order[:count])).values_list("pk", flat=True))

    def read(self, keys: Sequence[int]) -> list[Work[Ask]]:
        items = ProbeItem.objects.filter(pk__in=keys).select_related(
            "run_query", "candidate__document", "candidate__document_version"
        )
        prompts: dict[int, list[ProbeItem]] = defaultdict(list)
        for item in items.order_by("prompt_number", "place"):
            prompts[item.prompt_number].append(item)
        return [
            Work(
                Ask(
                    query=group[0].run_query.body,
                    candidates=tuple(asked_document(item) for item in group),
                    keys=tuple(item.pk for item in group),
                    subject=group[0].probe,
                ),
                attempts=max(item.attempt_count for item in group),
            )
            for group in prompts.values()
        ]

    # Writing

    def write_calls(self, job: ProbeRun, calls: Sequence[Settled[Grade]]) -> tuple[list[int | None], Mapping[str, Any]]:
        records = [settled.call for settled in calls if settled.call is not None]
        rows = Call.objects.bulk_create([call_row(record, probe_run_id=job.pk) for record in records])
        keys = iter([row.pk for row in rows])
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

    def settle(
        self, job: ProbeRun, decided: Sequence[tuple[int, Grade | Failure]], *, now: datetime
    ) -> Mapping[str, Any]:
        judged = sum(isinstance(outcome, Grade) for _, outcome in decided)
        return {
            "judged_count": F("judged_count") + judged,
            "failed_count": F("failed_count") + len(decided) - judged,
        }

    def most_frequent_refusal(self, job: ProbeRun) -> str:
        return refusals_by_frequency(probe_run=job).first() or ""


class _Caller:
    def __init__(self, run: ProbeRun, connection: Connection) -> None:
        self._client = open_client(connection)
        self._spec = judge_spec_of(run.judge_version)
        self._paraphrased = replace(
            self._spec, prompt=replace(self._spec.prompt, prompt_template=DEFAULT_PROMPT_TEMPLATE)
        )
        self._evaluation = evaluation_context_of(run.evaluation_run)

    async def ask(self, ask: Ask, may_reask: Callable[[], bool]) -> Answer:
        spec = self._paraphrased if ask.subject == Probe.PARAPHRASE else self._spec
        return await ask_once(self._client, ask, spec=spec, evaluation=self._evaluation, may_reask=may_reask)

    async def aclose(self) -> None:
        await self._client.aclose()
