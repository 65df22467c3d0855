"""The slice's side of batch executions: claims results to be had, asks their evaluators, writes what came of it."""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Min, Q

from judging.asking.engine import JudgeSpec
from judging.asking.evaluator_engine import (
    EvaluatorAnswer,
    EvaluatorAsk,
    EvaluatorSpec,
    Score,
    evaluate_once,
    judge_response_once,
)
from judging.asking.parsing import Failure
from judging.foundation.clock import shared_now
from judging.foundation.crypto import Undecryptable
from judging.foundation.errors import IllegalTransition
from judging.models import (
    BatchEvaluator,
    BatchExecution,
    BatchItem,
    BatchItemStatus,
    Call,
    EvaluatorResult,
    Lane,
    ResultStatus,
)
from judging.providers.base import ChatClient, Connection, Fault, ProviderError
from judging.providers.openai_client import open_client
from judging.records.connections import connection_of
from judging.records.judge_specs import judge_spec_of
from judging.responses import lifecycle
from judging.responses.evaluator_specs import evaluation_input_of, evaluator_spec_of
from judging.work.assignments import Assignment, Impossible
from judging.work.calls import call_row, clean_and_cut
from judging.work.leases import LEASE, Lease, age, others_wait
from judging.work.words import Batch, LeaseLost, RunState, Work

_RENEW_AFTER = 3.0


@dataclass(frozen=True, slots=True)
class _Evaluator:
    """How one evaluator of the batch is asked."""

    name: str
    provider_id: UUID
    connection: Connection
    spec: EvaluatorSpec | JudgeSpec


def assign_batch(lease: Lease) -> Assignment[EvaluatorAsk, Score]:
    """Start a batch where it has not begun, and tell a slice what to do. Raise Impossible."""
    batch_id = lease.job.id
    rows = BatchEvaluator.objects.filter(batch_id=batch_id).select_related(
        "evaluator_version", "judge_version", "ai_provider"
    )
    evaluators: dict[int, _Evaluator] = {}
    max_retries = 0
    for row in rows:
        if row.ai_provider is None:
            raise Impossible(f"{row.name}: the AI provider {row.provider_name} was deleted", "misconfigured")
        try:
            where = connection_of(row.ai_provider)
        except Undecryptable as error:
            raise Impossible(f"{row.name}: {error.message}", "misconfigured") from None
        spec = judge_spec_of(row.judge_version) if row.judge_version else evaluator_spec_of(row)
        evaluators[row.pk] = _Evaluator(row.name, row.ai_provider.pk, where, spec)
        max_retries = max(max_retries, row.settings.max_retries)
    lifecycle.start(batch_id)
    return Assignment(
        store=BatchStore(lease),
        open=lambda: _BatchCaller(evaluators),
        provider_of=lambda ask: evaluators[ask.evaluator_id].provider_id,
        max_retries=max_retries,
    )


def fail_batch(batch_id: UUID, message: str, code: str) -> None:
    """End a batch as failed. Raise IllegalTransition."""
    lifecycle.end(batch_id, error=clean_and_cut(message, 2000), error_code=code)


class _BatchCaller:
    """Asks each evaluator at its provider; evaluators of one provider share a client."""

    def __init__(self, evaluators: dict[int, _Evaluator]) -> None:
        self._evaluators = evaluators
        self._clients: dict[Connection, ChatClient] = {}
        for evaluator in evaluators.values():
            if evaluator.connection not in self._clients:
                self._clients[evaluator.connection] = open_client(evaluator.connection)

    async def ask(self, ask: EvaluatorAsk, may_reask: Callable[[], bool]) -> EvaluatorAnswer:
        evaluator = self._evaluators[ask.evaluator_id]
        client = self._clients[evaluator.connection]
        if isinstance(evaluator.spec, JudgeSpec):
            answer = await judge_response_once(client, ask, spec=evaluator.spec, may_reask=may_reask)
        else:
            answer = await evaluate_once(client, ask, spec=evaluator.spec, may_reask=may_reask)
        if answer.error is not None and answer.error.fault is Fault.RUN and len(self._evaluators) > 1:
            # It ends the whole batch: say which evaluator it was.
            answer.error = _named(answer.error, evaluator.name)
        return answer

    async def aclose(self) -> None:
        for client in self._clients.values():
            await client.aclose()


def _named(error: ProviderError, name: str) -> ProviderError:
    return ProviderError(f"{name}: {error.message}", fault=error.fault, code=error.code, status=error.status)


class BatchStore:
    """Store of one slice of a batch. Used from one thread."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._batch_id = lease.job.id
        self._renewed_at = time.monotonic()
        # Result -> its item.
        self._held: dict[int, int] = {}

    # Claiming

    def claim(self, prompt_count: int) -> list[Work[EvaluatorAsk]]:
        """Claim the next results to be had, item by item; nothing when the batch has ended."""
        now = shared_now()
        with transaction.atomic():
            # The batch's row is held so that its end falls before or after, and lanes claim in turn.
            batch = BatchExecution.objects.select_for_update(no_key=True).only("pk", "status").get(pk=self._batch_id)
            if not batch.is_active:
                return []
            due = self._claimable().filter(Q(not_before__isnull=True) | Q(not_before__lte=now))
            ids = list(due.order_by("pk").values_list("pk", flat=True)[:prompt_count])
            if not ids:
                return []
            EvaluatorResult.objects.filter(pk__in=ids).update(claim_token=self._lease.token)
            BatchItem.objects.filter(
                pk__in=EvaluatorResult.objects.filter(pk__in=ids).values("item_id"), status=BatchItemStatus.PENDING
            ).update(status=BatchItemStatus.PROCESSING, started_at=now)
        return self._read(ids)

    def seconds_to_next(self) -> float | None:
        first: datetime | None = self._claimable().aggregate(first=Min("not_before"))["first"]
        if first is None:
            return 0.0 if self._claimable().exists() else None
        return max(0.05, (first - shared_now()).total_seconds())

    def _claimable(self) -> Any:
        return EvaluatorResult.objects.filter(
            batch_id=self._batch_id, status=ResultStatus.PENDING, claim_token__isnull=True
        )

    def _read(self, ids: Sequence[int]) -> list[Work[EvaluatorAsk]]:
        rows = list(
            EvaluatorResult.objects.filter(pk__in=ids)
            .order_by("pk")
            .values_list("pk", "item_id", "evaluator_id", "attempt_count")
        )
        items = dict(BatchItem.objects.filter(pk__in={row[1] for row in rows}).values_list("pk", "input"))
        # An item's evaluators share its texts.
        inputs = {item_id: evaluation_input_of(given) for item_id, given in items.items()}
        self._held.update((key, item_id) for key, item_id, _, _ in rows)
        return [
            Work(EvaluatorAsk(evaluator_id=evaluator_id, input=inputs[item_id], key=key), attempts=attempts)
            for key, item_id, evaluator_id, attempts in rows
        ]

    # Writing

    def flush(self, batch: Batch[Score]) -> RunState:
        """Write what happened, renew the lease, and end the batch where that is due. Raise LeaseLost."""
        if batch or time.monotonic() - self._renewed_at > _RENEW_AFTER:
            with transaction.atomic():
                self._write(batch)
            self._forget(batch)
            if batch.fatal is not None:
                # Cancelled, or failed by another lane, a moment ago: that stands.
                with contextlib.suppress(IllegalTransition):
                    if not lifecycle.complete(self._batch_id):
                        fail_batch(self._batch_id, batch.fatal.message, batch.fatal.code)
        row = BatchExecution.objects.only("pk", "status", "fruitless_reask_count", "last_success_at").get(
            pk=self._batch_id
        )
        return RunState(
            is_active=row.is_active,
            fruitless_reasks=row.fruitless_reask_count,
            seconds_since_success=age(row.last_success_at),
            others_wait=others_wait(self._lease),
        )

    def _write(self, batch: Batch[Score]) -> None:
        now = shared_now()
        if not Lane.objects.filter(pk=self._lease.lane_id, lease_token=self._lease.token).update(
            lease_until=now + LEASE
        ):
            raise LeaseLost
        self._renewed_at = time.monotonic()
        row = BatchExecution.objects.select_for_update(no_key=True).get(pk=self._batch_id)
        if not batch:
            return
        Call.objects.bulk_create(
            [
                call_row(settled.call, evaluator_result_id=settled.keys[0])
                for settled in batch.calls
                if settled.call is not None
            ]
        )
        self._count(batch, now)
        if not row.is_active:
            return  # its end has settled every row: what lands now came too late
        decided = [pair for settled in batch.calls for pair in settled.outcomes.items()]
        self._write_results(decided, now)
        self._release(batch, now)
        lifecycle.finish_items(row, {self._held[key] for key, _ in decided}, now)

    def _write_results(self, decided: Sequence[tuple[int, Score | Failure]], now: datetime) -> None:
        if not decided:
            return
        finished_at = connection.ops.adapt_datetimefield_value(now)
        rows: list[Any] = []
        for key, outcome in decided:
            if isinstance(outcome, Score):
                values: tuple[Any, ...] = (ResultStatus.SCORED.value, outcome.score, outcome.justification, "", "")
            else:
                message = clean_and_cut(outcome.message, 2000)
                values = (ResultStatus.FAILED.value, None, "", outcome.code.value, message)
            rows.append((*values, finished_at, key, self._token()))
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE judging_evaluatorresult SET status = %s, score = %s, justification = %s, failure_code = %s,"
                " failure_message = %s, finished_at = %s, claim_token = NULL"
                " WHERE id = %s AND status = 'pending' AND claim_token = %s",
                rows,
            )
            if cursor.rowcount != len(rows):
                # At most one outcome per result: some of these belong to another slice by now.
                raise LeaseLost

    def _count(self, batch: Batch[Score], now: datetime) -> None:
        records = [settled.call for settled in batch.calls if settled.call is not None]
        changes: dict[str, Any] = {
            "call_count": F("call_count") + len(records),
            "input_tokens": F("input_tokens") + sum(record.input_tokens for record in records),
            "output_tokens": F("output_tokens") + sum(record.output_tokens for record in records),
        }
        if batch.has_reask_success:
            changes["fruitless_reask_count"] = 0
        elif batch.reasks_failed:
            changes["fruitless_reask_count"] = F("fruitless_reask_count") + batch.reasks_failed
        if batch.has_success:
            changes["last_success_at"] = now
        BatchExecution.objects.filter(pk=self._batch_id).update(**changes)

    def _release(self, batch: Batch[Score], now: datetime) -> None:
        if not batch.released:
            return
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE judging_evaluatorresult SET claim_token = NULL, attempt_count = %s, not_before = %s"
                " WHERE id = %s AND status = 'pending' AND claim_token = %s",
                [
                    (
                        released.attempts,
                        connection.ops.adapt_datetimefield_value(now + timedelta(seconds=released.delay))
                        if released.delay
                        else None,
                        released.key,
                        self._token(),
                    )
                    for released in batch.released
                ],
            )

    def _token(self) -> Any:
        native = connection.features.has_native_uuid_field
        return self._lease.token if native else self._lease.token.hex

    def _forget(self, batch: Batch[Score]) -> None:
        for settled in batch.calls:
            for key in settled.outcomes:
                self._held.pop(key, None)
        for released in batch.released:
            self._held.pop(released.key, None)
