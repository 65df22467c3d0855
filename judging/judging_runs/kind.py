"""AI judging runs as a kind of work: their items are claimed by the prompt, their grades go through the ledger."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F

from judging.asking.engine import Ask, CallRecord
from judging.asking.parsing import Grade
from judging.asking.prompting import PromptCandidate
from judging.foundation.answers import Failure
from judging.foundation.columns import time_param
from judging.judge_work.judge_kind import JudgeHandler, JudgeKind
from judging.judging_runs.stale_metrics import enqueue_stale_metrics
from judging.ledger import AIGrade, lock_unlocked_runs, record_ai_grades
from judging.ledger.ai_grades import Source
from judging.models import RUN_LOCKED, ItemStatus, JudgingItem, JudgingRun
from judging.work.pacing.budget import Budget
from judging.work.words import Outcomes, Settled, Work


class JudgingRunKind(JudgeKind[JudgingRun]):
    """An AI judging run: a row for each candidate in scope. Replies that land after its end still count."""

    title = "AI judging run"
    log_name = "run"
    jobs = JudgingRun
    rows = JudgingItem
    job_field = "judging_run"
    takes_late_replies = True

    def handler(self, job_id: UUID) -> "JudgingHandler":
        run = JudgingRun.objects.select_related("judge_version__ai_provider", "evaluation_run__evaluation").get(
            pk=job_id
        )
        return JudgingHandler(run)

    def follow_up(self, job_id: UUID) -> None:
        run = JudgingRun.objects.select_related("evaluation_run__evaluation").filter(pk=job_id).first()
        if run is not None and not run.is_only_trial:
            enqueue_stale_metrics(run.evaluation_run)


@dataclass(frozen=True, slots=True)
class _Held:
    """What is remembered of an item in hand."""

    candidate_pk: int
    query_id: int
    document_id: int


class JudgingHandler(JudgeHandler[JudgingRun]):
    """One slice of an AI judging run."""

    job_field = "judging_run"
    state_fields = ("input_tokens", "output_tokens", "max_total_tokens")

    def __init__(self, run: JudgingRun) -> None:
        super().__init__(run.judge_version, run.evaluation_run)
        self.throttle = run.throttle
        self.budget = _budget_of(run)
        # In this order there is an index, and the candidates of a query stand together.
        queries = run.items.values_list("run_query_id", flat=True)
        ends = {queries.order_by(order).first() for order in ("candidate_id", "-candidate_id")}
        self.has_several_subjects = len(ends) > 1
        self._run = run
        self._corpus_id = run.evaluation_run.evaluation.corpus_id
        self._scale = run.evaluation_run.scale
        self._held: dict[int, _Held] = {}
        # The unlocked runs of the corpus, held while outcomes are written.
        self._unlocked: Sequence[UUID] = ()
        self._is_locked = False

    # Claiming

    def read(self, keys: Sequence[int]) -> list[Work[Ask]]:
        rows = (
            JudgingItem.objects.filter(pk__in=keys)
            .order_by("prompt_number", "candidate__rank")
            .values_list(
                "pk",
                "prompt_number",
                "attempt_count",
                "candidate_id",
                "candidate__query_id",
                "candidate__document_id",
                "candidate__document__external_id",
                "candidate__document_version__title",
                "candidate__document_version__fields",
                "candidate__document_version__image",
                "run_query__body",
                "run_query_id",
            )
        )
        prompts: dict[int, list[Any]] = defaultdict(list)
        for row in rows:
            prompts[row[1]].append(row)
            self._held[row[0]] = _Held(row[3], row[4], row[5])
        return [
            Work(
                Ask(
                    query=group[0][10],
                    candidates=tuple(PromptCandidate(row[6], row[7], row[8] or {}, row[9]) for row in group),
                    keys=tuple(row[0] for row in group),
                    subject=str(group[0][11]),
                ),
                attempts=max(row[2] for row in group),
            )
            for group in prompts.values()
        ]

    def forget(self, keys: Iterable[int]) -> None:
        for key in keys:
            self._held.pop(key, None)

    # Writing

    def lock(self, outcomes: Outcomes[Grade]) -> None:
        has_outcomes = any(settled.outcomes for settled in outcomes.calls)
        self._unlocked = lock_unlocked_runs(self._corpus_id, self._scale) if has_outcomes else ()

    def note_throttle(self, job: JudgingRun, throttle: str, now: datetime) -> None:
        JudgingRun.objects.filter(pk=job.pk).update(throttle=throttle, throttle_changed_at=now)

    def write_calls(
        self, job: JudgingRun, calls: Sequence[Settled[Grade]]
    ) -> tuple[list[int | None], Mapping[str, Any]]:
        # Ended by the lock, or cancelled first and locked since: what lands now is kept with its call, no judgment.
        has_outcomes = any(settled.outcomes for settled in calls)
        is_held = self._run.evaluation_run_id in self._unlocked
        self._is_locked = job.error_code == RUN_LOCKED or (has_outcomes and not is_held)
        keys, changes = super().write_calls(job, calls)
        records = [settled.call for settled in calls if settled.call is not None]
        reasks = sum(record.is_reask for record in records)
        return keys, {**changes, **_cut_prompts(job, records), "reask_count": F("reask_count") + reasks}

    def columns_of(self, outcome: Grade | Failure, call_key: int | None) -> Mapping[str, Any]:
        columns = super().columns_of(outcome, call_key)
        if not self._is_locked:
            return columns
        nothing = {"grade": None, "reasoning": "", "failure_code": "", "failure_message": ""}
        return {**columns, "status": ItemStatus.SKIPPED.value, **nothing}

    def settle(
        self, job: JudgingRun, decided: Sequence[tuple[int, Grade | Failure]], *, now: datetime
    ) -> Mapping[str, Any]:
        if self._is_locked:
            return {"skipped_count": F("skipped_count") + len(decided)}
        judged = [(key, outcome) for key, outcome in decided if isinstance(outcome, Grade)]
        # The job's row is held: it is made current before or after, and what lands late counts from that moment, too.
        if not job.is_only_trial:
            self._record(job, judged)
            self._write_last_items(job, decided)
        return super().settle(job, decided, now=now)

    def _record(self, job: JudgingRun, judged: Sequence[tuple[int, Grade]]) -> None:
        version = self._run.judge_version
        record_ai_grades(
            [
                AIGrade(self._held[key].query_id, self._held[key].document_id, grade.grade, grade.reasoning)
                for key, grade in judged
            ],
            corpus_id=self._corpus_id,
            scale=self._scale,
            source=Source(job.pk, job.counts_from, version.pk, version.label),
            unlocked_run_ids=self._unlocked,
        )

    def _write_last_items(self, job: JudgingRun, decided: Sequence[tuple[int, Grade | Failure]]) -> None:
        counts_from = time_param(job.counts_from)
        rows = [
            (
                key,
                *(("judged", "") if isinstance(outcome, Grade) else ("failed", outcome.code.value)),
                self._held[key].candidate_pk,
                key,
                counts_from,
            )
            for key, outcome in decided
        ]
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE judging_candidate SET last_item_id = %s, last_item_status = %s, failure_code = %s"
                " WHERE id = %s AND (last_item_id IS NULL OR last_item_id <= %s)"
                # A run that somebody made count since keeps the last word, as its grade stays, too.
                " AND NOT EXISTS (SELECT 1 FROM judging_judgingitem item JOIN judging_judgingrun run"
                " ON run.id = item.judging_run_id"
                " WHERE item.id = judging_candidate.last_item_id AND run.made_current_at > %s)",
                rows,
            )

    def spent(self, job: JudgingRun) -> int:
        return job.input_tokens + job.output_tokens

    def reason_to_end(self, job: JudgingRun) -> tuple[str, str] | None:
        spent = self.spent(job)
        if job.max_total_tokens and spent >= job.max_total_tokens:
            message = f"the token budget of {job.max_total_tokens:,} is reached ({spent:,} spent)"
            return message, "token_budget_reached"
        return None


def _budget_of(run: JudgingRun) -> Budget | None:
    if not run.max_total_tokens:
        return None
    spent = run.input_tokens + run.output_tokens
    return Budget(
        run.max_total_tokens,
        spent=spent,
        average=spent / run.call_count if spent else None,
        lanes=run.lanes.filter(is_done=False).count(),
    )


def _cut_prompts(job: JudgingRun, records: Sequence[CallRecord]) -> dict[str, Any]:
    """Return the changes of the run, whose row is held, for prompts that the service did not read to their end."""
    cut = [(record.cut_from_tokens, record.input_tokens) for record in records if record.cut_from_tokens is not None]
    if not cut:
        return {}
    changes: dict[str, Any] = {"cut_prompt_count": F("cut_prompt_count") + len(cut)}
    sent, read = max(cut)
    if sent > job.cut_sent_tokens:
        changes |= {"cut_sent_tokens": sent, "cut_read_tokens": read}
    return changes
