"""Batch executions as a kind of work: a result for each item and evaluator; an item ends with its last result."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from judging.asking.engine import JudgeSpec
from judging.asking.evaluator_engine import (
    EvaluatorAnswer,
    EvaluatorAsk,
    EvaluatorSpec,
    Score,
    evaluate_once,
    judge_response_once,
)
from judging.asking.evaluator_prompting import EvaluationInput
from judging.foundation.answers import Failure, Fault, ServiceError
from judging.foundation.crypto import Undecryptable
from judging.foundation.limits import MAX_ERROR
from judging.foundation.text import cut_text
from judging.models import (
    BatchEvaluator,
    BatchExecution,
    BatchItem,
    BatchItemStatus,
    BatchStatus,
    EvaluatorResult,
    ResultStatus,
)
from judging.providers.base import CallSettings, ChatClient, Connection
from judging.providers.openai_client import open_client
from judging.records.calls import call_counts, insert_calls, refusals_by_frequency
from judging.records.connections import connection_of
from judging.records.judge_specs import judge_spec_of, settings_of
from judging.records.provider_limits import ProviderLimits, resource_key
from judging.responses.item_endings import fail_items, finish_items
from judging.work.kind import Handler, Kind, States
from judging.work.pacing.refusals import ALL_REFUSED, ending_of_refused
from judging.work.words import Impossible, Settled, Work


class BatchKind(Kind[BatchExecution, EvaluatorAsk, Score]):
    """A batch execution. Once it has ended nothing changes: its end settles every row, those in flight, too."""

    title = "batch"
    log_name = "batch"
    jobs = BatchExecution
    rows = EvaluatorResult
    job_field = "batch"
    states = States(
        waiting=BatchStatus.PENDING,
        working=BatchStatus.PROCESSING,
        completed=BatchStatus.COMPLETED,
        failed=BatchStatus.FAILED,
        # The vendor has no other word.
        cancelled=BatchStatus.FAILED,
    )
    resources = ProviderLimits()

    def handler(self, job_id: UUID) -> "BatchHandler":
        rows = BatchEvaluator.objects.filter(batch_id=job_id).select_related(
            "evaluator_version", "judge_version", "ai_provider"
        )
        has_several_items = BatchItem.objects.filter(batch_id=job_id)[:2].count() > 1
        return BatchHandler({row.pk: _evaluator_of(row) for row in rows}, has_several_items=has_several_items)

    def endings(self) -> Sequence[tuple[Q, Mapping[str, Any]]]:
        nothing_left = Q(total_count=F("completed_count") + F("failed_count"))
        none_completed = {
            "status": BatchStatus.FAILED,
            "error": "no item could be completed",
            "error_code": "no_item_completed",
        }
        calls = refusals_by_frequency(evaluator_result__batch=OuterRef("pk"))
        all_refused = {"status": BatchStatus.FAILED, **ending_of_refused(Subquery(calls[:1]))}
        return [
            (nothing_left & Q(completed_count=0) & ALL_REFUSED, all_refused),
            (nothing_left & Q(completed_count__gte=1), {"status": BatchStatus.COMPLETED}),
            (nothing_left & Q(completed_count=0), none_completed),
        ]

    def settle_unasked(self, job: BatchExecution, *, error: str, now: datetime) -> Mapping[str, Any]:
        return {"failed_count": F("failed_count") + fail_items(job, error=error, now=now)}

    def settle_returned(self, job_id: UUID, rows: "QuerySet[Any]") -> None:
        """Do nothing: the end of a batch has settled its rows, in flight or not."""


@dataclass(frozen=True, slots=True)
class _Evaluator:
    """How one evaluator of the batch is asked."""

    name: str
    provider_id: UUID
    connection: Connection
    ask: Callable[[ChatClient, EvaluatorAsk, Callable[[], bool]], Any]
    max_retries: int


def _evaluator_of(row: BatchEvaluator) -> _Evaluator:
    """Read how an evaluator is asked. Raise Impossible."""
    if row.ai_provider is None:
        raise Impossible(f"{row.name}: the AI provider {row.provider_name} was deleted", "misconfigured")
    try:
        where = connection_of(row.ai_provider)
    except Undecryptable as error:
        raise Impossible(f"{row.name}: {error.message}", "misconfigured") from None
    ask = _asking_judge(judge_spec_of(row.judge_version)) if row.judge_version else _asking(_spec_of(row))
    return _Evaluator(row.name, row.ai_provider.pk, where, ask, row.settings.max_retries)


def _asking(spec: EvaluatorSpec) -> Callable[[ChatClient, EvaluatorAsk, Callable[[], bool]], Any]:
    return lambda client, ask, may_reask: evaluate_once(client, ask, spec=spec, may_reask=may_reask)


def _asking_judge(spec: JudgeSpec) -> Callable[[ChatClient, EvaluatorAsk, Callable[[], bool]], Any]:
    return lambda client, ask, may_reask: judge_response_once(client, ask, spec=spec, may_reask=may_reask)


def _spec_of(evaluator: BatchEvaluator) -> EvaluatorSpec:
    """Return how an evaluator of a batch asks; its model was settled when the batch began."""
    version = evaluator.evaluator_version
    assert version is not None  # the others are relevance judges
    return EvaluatorSpec(
        prompt_template=version.prompt_template,
        intent=version.intent,
        call=settings_of(CallSettings, version, model=evaluator.model),
        max_reasks=version.max_reasks,
    )


def _input_of(given: Mapping[str, Any]) -> EvaluationInput:
    """Return an item's stored input as prompts are made of it; `functions`, the older name, stand in for `tools`."""
    return EvaluationInput(
        request=given.get("request", ""),
        response=given.get("response", ""),
        contexts=tuple(given.get("contexts", ())),
        expected_output=given.get("expected_output", ""),
        turns=tuple(given.get("turns", ())),
        tools=tuple(given.get("tools") or given.get("functions") or ()),
        system_prompt=given.get("system_prompt", ""),
        target=given.get("target", ""),
    )


class BatchHandler(Handler[BatchExecution, EvaluatorAsk, Score]):
    """One slice of a batch execution."""

    def __init__(self, evaluators: Mapping[int, _Evaluator], *, has_several_items: bool) -> None:
        self.has_several_subjects = has_several_items
        self.max_retries = max((evaluator.max_retries for evaluator in evaluators.values()), default=0)
        self._evaluators = evaluators
        # Result -> its item.
        self._held: dict[int, int] = {}

    # Asking

    def open(self) -> "_Caller":
        return _Caller(self._evaluators)

    def resource_of(self, ask: EvaluatorAsk) -> str:
        return resource_key(self._evaluators[ask.evaluator_id].provider_id)

    # Claiming

    def note_claimed(self, keys: Sequence[int], now: datetime) -> None:
        items = EvaluatorResult.objects.filter(pk__in=keys).values("item_id")
        BatchItem.objects.filter(pk__in=items, status=BatchItemStatus.PENDING).update(
            status=BatchItemStatus.PROCESSING, started_at=now
        )

    def read(self, keys: Sequence[int]) -> list[Work[EvaluatorAsk]]:
        rows = list(
            EvaluatorResult.objects.filter(pk__in=keys)
            .order_by("pk")
            .values_list("pk", "item_id", "evaluator_id", "attempt_count")
        )
        items = dict(BatchItem.objects.filter(pk__in={row[1] for row in rows}).values_list("pk", "input"))
        # An item's evaluators share its texts.
        inputs = {item_id: _input_of(given) for item_id, given in items.items()}
        self._held.update((key, item_id) for key, item_id, _, _ in rows)
        return [
            Work(
                EvaluatorAsk(evaluator_id=evaluator_id, input=inputs[item_id], key=key, subject=str(item_id)),
                attempts=attempts,
            )
            for key, item_id, evaluator_id, attempts in rows
        ]

    def forget(self, keys: Iterable[int]) -> None:
        for key in keys:
            self._held.pop(key, None)

    # Writing

    def write_calls(
        self, job: BatchExecution, calls: Sequence[Settled[Score]]
    ) -> tuple[list[int | None], Mapping[str, Any]]:
        made = [(settled.keys[0], settled.call) for settled in calls if settled.call is not None]
        insert_calls("evaluator_result_id", made)
        # A call knows its result, not the other way round.
        return [None] * len(calls), call_counts([record for _, record in made])

    def most_frequent_refusal(self, job: BatchExecution) -> str:
        return refusals_by_frequency(evaluator_result__batch=job).first() or ""

    def columns_of(self, outcome: Score | Failure, call_key: int | None) -> Mapping[str, Any]:
        if isinstance(outcome, Score):
            return {
                "status": ResultStatus.SCORED.value,
                "score": outcome.score,
                "justification": outcome.justification,
                "failure_code": "",
                "failure_message": "",
            }
        return {
            "status": ResultStatus.FAILED.value,
            "score": None,
            "justification": "",
            "failure_code": outcome.code.value,
            "failure_message": cut_text(outcome.message, MAX_ERROR),
        }

    def settle(
        self, job: BatchExecution, decided: Sequence[tuple[int, Score | Failure]], *, now: datetime
    ) -> Mapping[str, Any]:
        completed, failed = finish_items(job, {self._held[key] for key, _ in decided}, now)
        return {"completed_count": F("completed_count") + completed, "failed_count": F("failed_count") + failed}


class _Caller:
    """Asks each evaluator at its provider; evaluators of one provider share a client."""

    def __init__(self, evaluators: Mapping[int, _Evaluator]) -> None:
        self._evaluators = evaluators
        self._clients: dict[Connection, ChatClient] = {}
        for evaluator in evaluators.values():
            if evaluator.connection not in self._clients:
                self._clients[evaluator.connection] = open_client(evaluator.connection)

    async def ask(self, ask: EvaluatorAsk, may_reask: Callable[[], bool]) -> EvaluatorAnswer:
        evaluator = self._evaluators[ask.evaluator_id]
        answer: EvaluatorAnswer = await evaluator.ask(self._clients[evaluator.connection], ask, may_reask)
        if answer.error is not None and answer.error.fault is Fault.RUN and len(self._evaluators) > 1:
            # It ends the whole batch: say which evaluator it was.
            answer.error = _named(answer.error, evaluator.name)
        return answer

    async def aclose(self) -> None:
        for client in self._clients.values():
            await client.aclose()


def _named(error: ServiceError, name: str) -> ServiceError:
    return ServiceError(f"{name}: {error.message}", fault=error.fault, code=error.code, status=error.status)
