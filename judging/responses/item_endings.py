"""How items of a batch execution end, and the log that an executed item leaves."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, Sum

from judging.foundation.limits import MAX_PREVIEW_CHARS
from judging.models import (
    BatchEvaluator,
    BatchExecution,
    BatchItem,
    BatchItemStatus,
    Call,
    EvaluatorResult,
    ExecutionLog,
    ExecutionLogTag,
    ResultStatus,
    name_of_evaluators,
)

_ACTIVE_ITEMS = (BatchItemStatus.PENDING, BatchItemStatus.PROCESSING)


def fail_items(batch: BatchExecution, *, error: str, now: datetime) -> int:
    """Fail the items that have not ended, of a batch that ends now; return how many. The caller holds its row."""
    EvaluatorResult.objects.filter(batch=batch, status=ResultStatus.PENDING).update(
        status=ResultStatus.SKIPPED, claim_token=None, finished_at=now
    )
    remaining = BatchItem.objects.filter(batch=batch, status__in=_ACTIVE_ITEMS)
    asked = EvaluatorResult.objects.filter(item=OuterRef("pk"), calls__isnull=False)
    # What was asked about has cost something: it leaves a log.
    begun = list(remaining.filter(Exists(asked)))
    _write_logs(batch, begun, _tallies(begun), now)
    return remaining.update(status=BatchItemStatus.FAILED, error_message=error, completed_at=now)


def finish_items(batch: BatchExecution, item_ids: Collection[int], now: datetime) -> tuple[int, int]:
    """End those of the items that have no result pending, and write their logs; return how many completed and failed.

    The caller holds the batch's row.
    """
    pending = EvaluatorResult.objects.filter(item=OuterRef("pk"), status=ResultStatus.PENDING)
    items = list(BatchItem.objects.filter(~Exists(pending), pk__in=item_ids, status__in=_ACTIVE_ITEMS))
    if not items:
        return 0, 0
    tallies = _tallies(items)
    for item in items:
        tally = tallies[item.pk]
        item.status = BatchItemStatus.COMPLETED if tally.scores else BatchItemStatus.FAILED
        item.error_message = "" if tally.scores else "; ".join(dict.fromkeys(tally.failures)) or "no evaluator answered"
        item.completed_at = now
    BatchItem.objects.bulk_update(items, ["status", "error_message", "completed_at"])
    _write_logs(batch, items, tallies, now)
    completed = sum(item.status == BatchItemStatus.COMPLETED for item in items)
    return completed, len(items) - completed


@dataclass(slots=True)
class _Tally:
    """What the evaluators of one item came to."""

    scores: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    input_tokens: int = 0
    output_tokens: int = 0
    usage_estimated: bool = False
    latency_ms: int = 0
    cost: float | None = None

    @property
    def score(self) -> float | None:
        return sum(self.scores) / len(self.scores) if self.scores else None


def _tallies(items: Sequence[BatchItem]) -> dict[int, _Tally]:
    tallies: defaultdict[int, _Tally] = defaultdict(_Tally)
    if not items:
        return tallies
    evaluators = {
        evaluator.pk: evaluator
        for evaluator in BatchEvaluator.objects.filter(batch_id=items[0].batch_id).select_related(
            "evaluator_version", "judge_version"
        )
    }
    ids = [item.pk for item in items]
    results = EvaluatorResult.objects.filter(item_id__in=ids).order_by("evaluator__position")
    for item_id, evaluator_id, score, message in results.values_list(
        "item_id", "evaluator_id", "score", "failure_message"
    ):
        if score is not None:
            tallies[item_id].scores.append(score)
        elif message:
            name = f"{evaluators[evaluator_id].name}: " if len(evaluators) > 1 else ""
            tallies[item_id].failures.append(name + message)
    calls = (
        Call.objects.filter(evaluator_result__item_id__in=ids)
        .order_by()
        .values_list("evaluator_result__item_id", "evaluator_result__evaluator_id")
        .annotate(
            Sum("input_tokens"),
            Sum("output_tokens"),
            Sum("latency_ms"),
            estimated_count=Count("pk", filter=Q(usage_estimated=True)),
        )
    )
    for item_id, evaluator_id, input_tokens, output_tokens, latency_ms, estimated_count in calls:
        tally = tallies[item_id]
        tally.input_tokens += input_tokens
        tally.output_tokens += output_tokens
        tally.latency_ms += latency_ms
        tally.usage_estimated |= estimated_count > 0
        cost = evaluators[evaluator_id].settings.cost_of(input_tokens, output_tokens)
        if cost is not None:
            tally.cost = (tally.cost or 0.0) + cost
    return tallies


def _write_logs(batch: BatchExecution, items: Sequence[BatchItem], tallies: dict[int, _Tally], now: datetime) -> None:
    if not items:
        return
    executed = _executed(batch)
    logs = []
    for item in items:
        tally = tallies[item.pk]
        logs.append(
            ExecutionLog(
                item=item,
                executed_item_id=executed.id,
                executed_item_name=executed.name,
                executed_item_version_id=executed.version_id,
                execution_type=executed.type,
                score=tally.score,
                tags=batch.tags,
                user_id=item.user_id,
                session_id=item.session_id,
                project_id=batch.project_id,
                request_preview=_preview(item.input, "request", "user"),
                response_preview=_preview(item.input, "response", "assistant"),
                input_tokens=tally.input_tokens,
                output_tokens=tally.output_tokens,
                usage_estimated=tally.usage_estimated,
                cost=tally.cost,
                latency_ms=tally.latency_ms,
                created_by_id=batch.created_by_id,
                created_at=now,
            )
        )
    ExecutionLog.objects.bulk_create(logs)
    tags = list(dict.fromkeys(batch.tags))
    ExecutionLogTag.objects.bulk_create([ExecutionLogTag(log=log, tag=tag) for log in logs for tag in tags])


@dataclass(frozen=True, slots=True)
class _Executed:
    id: UUID | None
    name: str
    version_id: UUID | None
    type: str


def _executed(batch: BatchExecution) -> _Executed:
    version = batch.response_judge_version or batch.relevance_judge_version
    if version is not None:
        return _Executed(batch.judge_id, version.name, version.pk, "judge")
    evaluators = list(BatchEvaluator.objects.filter(batch=batch).select_related("evaluator_version")[:2])
    first, name = evaluators[0].evaluator_version, name_of_evaluators(evaluators)
    if len(evaluators) == 1 and first is not None:
        return _Executed(first.evaluator_id, name, first.pk, "evaluator")
    return _Executed(None, name, None, "evaluators")


def _preview(item_input: dict[str, object], name: str, role: str) -> str:
    """Return the beginning of the request or the response; of a conversation, of its first or last such turn."""
    text = item_input.get(name)
    turns = item_input.get("turns")
    if not text and isinstance(turns, list):
        said = [turn.get("content") or "" for turn in turns if turn.get("role") == role]
        text = (said[0] if role == "user" else said[-1]) if said else ""
    return str(text or "")[:MAX_PREVIEW_CHARS]
