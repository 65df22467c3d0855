"""The database side of a slice: claims prompts and writes outcomes, in short transactions around no call."""

import contextlib
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Min, Q

from judging.asking.engine import Ask
from judging.asking.parsing import Failure, Grade
from judging.asking.prompting import PromptCandidate
from judging.foundation.clock import shared_now
from judging.foundation.errors import IllegalTransition
from judging.judging_runs import lifecycle
from judging.ledger import AIGrade, lock_unlocked_runs, record_ai_grades
from judging.ledger.ai_grades import Source
from judging.models import Call, ItemStatus, JudgingItem, JudgingRun, JudgingRunStatus, Lane
from judging.work.calls import call_row, clean_and_cut
from judging.work.jobs import skip
from judging.work.leases import LEASE, Lease, age, others_wait
from judging.work.words import Batch, LeaseLost, RunState, Settled, Work

_RENEW_AFTER = 3.0


@dataclass(frozen=True, slots=True)
class _Held:
    """What the store remembers of an item in hand."""

    candidate_id: int
    query_id: int
    document_id: int
    attempts: int


class JudgingStore:
    """Store of one slice of an AI judging run. Used from one thread."""

    def __init__(self, lease: Lease, run: JudgingRun) -> None:
        self._lease = lease
        self._run_id = run.pk
        self._evaluation_run_id = run.evaluation_run_id
        evaluation_run = run.evaluation_run
        self._corpus_id = evaluation_run.evaluation.corpus_id
        self._scale = evaluation_run.scale
        self._max_total_tokens = run.max_total_tokens
        self._source = Source(run.pk, run.created_at, run.judge_version_id, run.judge_version.label)
        self._held: dict[int, _Held] = {}
        self._renewed_at = time.monotonic()
        self._throttle = run.throttle

    # Claiming

    def claim(self, prompt_count: int) -> list[Work[Ask]]:
        """Claim the next prompts of the run in its order, nothing when the run has ended."""
        now = shared_now()
        with transaction.atomic():
            # The run's row is held so that an end of the run falls before or after, and lanes claim in turn.
            run = self._reread("pk", "status", held=True)
            if not run.is_active:
                return []
            claimable = self._claimable().filter(Q(not_before__isnull=True) | Q(not_before__lte=now))
            numbers = list(
                claimable.order_by("prompt_number").values_list("prompt_number", flat=True).distinct()[:prompt_count]
            )
            if not numbers:
                return []
            chosen = claimable.filter(prompt_number__in=numbers)
            ids = list(chosen.values_list("pk", flat=True))
            JudgingItem.objects.filter(pk__in=ids).update(claim_token=self._lease.token)
        return self._read(ids)

    def _reread(self, *fields: str, held: bool = False) -> JudgingRun:
        runs = JudgingRun.objects.select_for_update(no_key=True) if held else JudgingRun.objects.all()
        run = runs.only(*fields).filter(pk=self._run_id).first()
        if run is None:
            # Deleted with its evaluation run, and the lane with both.
            raise LeaseLost
        return run

    def seconds_to_next(self) -> float | None:
        first: datetime | None = self._claimable().aggregate(first=Min("not_before"))["first"]
        if first is None:
            return 0.0 if self._claimable().exists() else None
        return max(0.05, (first - shared_now()).total_seconds())

    def _claimable(self) -> Any:
        return JudgingItem.objects.filter(
            judging_run_id=self._run_id, status=ItemStatus.PENDING, claim_token__isnull=True
        )

    def _read(self, ids: Sequence[int]) -> list[Work[Ask]]:
        rows = (
            JudgingItem.objects.filter(pk__in=ids)
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
            )
        )
        prompts: dict[int, list[Any]] = defaultdict(list)
        for row in rows:
            prompts[row[1]].append(row)
            self._held[row[0]] = _Held(row[3], row[4], row[5], row[2])
        return [
            Work(
                Ask(
                    query=group[0][10],
                    candidates=tuple(PromptCandidate(row[6], row[7], row[8] or {}, row[9]) for row in group),
                    keys=tuple(row[0] for row in group),
                ),
                attempts=max(row[2] for row in group),
            )
            for group in prompts.values()
        ]

    # Writing

    def flush(self, batch: Batch[Grade]) -> RunState:
        """Write a batch, renew the lease, and end the run where that is due. Raise LeaseLost, then nothing is written."""
        is_news = batch.throttle != self._throttle
        if batch or is_news or time.monotonic() - self._renewed_at > _RENEW_AFTER:
            with transaction.atomic():
                run = self._write(batch)
            self._throttle = batch.throttle
            self._forget(batch)
            self._end_where_due(batch, run)
        run = self._reread("pk", "status", "fruitless_reask_count", "last_success_at")
        return RunState(
            is_active=run.is_active,
            fruitless_reasks=run.fruitless_reask_count,
            seconds_since_success=age(run.last_success_at),
            others_wait=others_wait(self._lease),
        )

    def _write(self, batch: Batch[Grade]) -> JudgingRun:
        now = shared_now()
        has_outcomes = any(settled.outcomes for settled in batch.calls)
        unlocked = lock_unlocked_runs(self._corpus_id, self._scale) if has_outcomes else []
        if not Lane.objects.filter(pk=self._lease.lane_id, lease_token=self._lease.token).update(
            lease_until=now + LEASE
        ):
            raise LeaseLost
        self._renewed_at = time.monotonic()
        run = JudgingRun.objects.select_for_update(no_key=True).get(pk=self._run_id)
        if batch.throttle != self._throttle:
            JudgingRun.objects.filter(pk=run.pk).update(throttle=batch.throttle, throttle_changed_at=now)
        if not batch:
            return run
        # Ended by the lock, or cancelled first and locked since: what lands now is kept with its call, no judgment.
        is_locked = run.error_code == lifecycle.RUN_LOCKED or (has_outcomes and self._evaluation_run_id not in unlocked)
        call_ids = self._write_calls(batch.calls)
        settled: list[tuple[int, Grade | Failure, int | None]] = []
        for decided, call_id in zip(batch.calls, call_ids, strict=True):
            settled.extend((key, outcome, call_id) for key, outcome in decided.outcomes.items())
        self._write_items(settled, is_locked=is_locked, now=now)
        judged = [] if is_locked else [(k, o) for k, o, _ in settled if isinstance(o, Grade)]
        record_ai_grades(
            [
                AIGrade(self._held[key].query_id, self._held[key].document_id, grade.grade, grade.reasoning)
                for key, grade in judged
            ],
            corpus_id=self._corpus_id,
            scale=self._scale,
            source=self._source,
            unlocked_run_ids=unlocked,
        )
        if not is_locked:
            self._write_last_items(settled)
        self._count(run, batch, judged=len(judged), settled=len(settled), is_locked=is_locked, now=now)
        self._release(run, batch, now)
        return run

    def _write_calls(self, calls: Sequence[Settled[Grade]]) -> list[int | None]:
        rows = [call_row(settled.call, judging_run_id=self._run_id) for settled in calls if settled.call is not None]
        ids = iter([call.pk for call in Call.objects.bulk_create(rows)])
        return [None if settled.call is None else next(ids) for settled in calls]

    def _write_items(
        self, settled: Sequence[tuple[int, Grade | Failure, int | None]], *, is_locked: bool, now: datetime
    ) -> None:
        if not settled:
            return
        native = connection.features.has_native_uuid_field
        token = self._lease.token if native else self._lease.token.hex
        finished_at = connection.ops.adapt_datetimefield_value(now)
        rows: list[Any] = []
        for key, outcome, call_id in settled:
            values: tuple[Any, ...]
            if is_locked:
                values = (ItemStatus.SKIPPED.value, None, "", "", "")
            elif isinstance(outcome, Grade):
                values = (ItemStatus.JUDGED.value, outcome.grade, outcome.reasoning, "", "")
            else:
                values = (ItemStatus.FAILED.value, None, "", outcome.code.value, clean_and_cut(outcome.message, 2000))
            rows.append((*values, call_id, finished_at, key, token))
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE judging_judgingitem SET status = %s, grade = %s, reasoning = %s, failure_code = %s,"
                " failure_message = %s, call_id = %s, finished_at = %s, claim_token = NULL"
                " WHERE id = %s AND status = 'pending' AND claim_token = %s",
                rows,
            )
            if cursor.rowcount != len(rows):
                # At most one outcome per item: some of these belong to another slice by now.
                raise LeaseLost

    def _write_last_items(self, settled: Sequence[tuple[int, Grade | Failure, int | None]]) -> None:
        rows = [
            (
                key,
                *(("judged", "") if isinstance(outcome, Grade) else ("failed", outcome.code.value)),
                self._held[key].candidate_id,
                key,
            )
            for key, outcome, _ in settled
        ]
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE judging_candidate SET last_item_id = %s, last_item_status = %s, failure_code = %s"
                " WHERE id = %s AND (last_item_id IS NULL OR last_item_id <= %s)",
                rows,
            )

    def _count(
        self, run: JudgingRun, batch: Batch[Grade], *, judged: int, settled: int, is_locked: bool, now: datetime
    ) -> None:
        records = [settled.call for settled in batch.calls if settled.call is not None]
        changes: dict[str, Any] = {
            "judged_count": F("judged_count") + judged,
            "failed_count": F("failed_count") + (0 if is_locked else settled - judged),
            "skipped_count": F("skipped_count") + (settled if is_locked else 0),
            "call_count": F("call_count") + len(records),
            "reask_count": F("reask_count") + sum(record.is_reask for record in records),
            "input_tokens": F("input_tokens") + sum(record.input_tokens for record in records),
            "output_tokens": F("output_tokens") + sum(record.output_tokens for record in records),
        }
        if batch.has_reask_success:
            changes["fruitless_reask_count"] = 0
        elif batch.reasks_failed:
            changes["fruitless_reask_count"] = F("fruitless_reask_count") + batch.reasks_failed
        if batch.has_success:
            changes["last_success_at"] = now
        JudgingRun.objects.filter(pk=run.pk).update(**changes)

    def _release(self, run: JudgingRun, batch: Batch[Grade], now: datetime) -> None:
        if not batch.released:
            return
        if not run.is_active:
            skip(run.pk, [released.key for released in batch.released])
            return
        native = connection.features.has_native_uuid_field
        token = self._lease.token if native else self._lease.token.hex
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE judging_judgingitem SET claim_token = NULL, attempt_count = %s, not_before = %s"
                " WHERE id = %s AND status = 'pending' AND claim_token = %s",
                [
                    (
                        released.attempts,
                        connection.ops.adapt_datetimefield_value(now + timedelta(seconds=released.delay))
                        if released.delay
                        else None,
                        released.key,
                        token,
                    )
                    for released in batch.released
                ],
            )

    def _end_where_due(self, batch: Batch[Grade], run: JudgingRun) -> None:
        if not run.is_active:
            return
        if batch.fatal is not None:
            self._fail(batch.fatal.message, batch.fatal.code)
        elif self._max_total_tokens:
            spent = JudgingRun.objects.filter(pk=self._run_id).values_list("input_tokens", "output_tokens").get()
            if sum(spent) >= self._max_total_tokens:
                self._fail(
                    f"the token budget of {self._max_total_tokens:,} is reached ({sum(spent):,} spent)",
                    "token_budget_reached",
                )

    def _fail(self, message: str, code: str) -> None:
        # Nothing pending means the run is done, whatever its last calls cost.
        if lifecycle.complete(self._run_id):
            return
        # Cancelled, or failed by another lane, a moment ago: that stands.
        with contextlib.suppress(IllegalTransition):
            lifecycle.end(self._run_id, JudgingRunStatus.FAILED, error=clean_and_cut(message, 2000), error_code=code)

    def _forget(self, batch: Batch[Grade]) -> None:
        for settled in batch.calls:
            for key in settled.outcomes:
                self._held.pop(key, None)
        for released in batch.released:
            self._held.pop(released.key, None)
