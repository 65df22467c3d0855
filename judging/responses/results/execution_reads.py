"""Batches, their items and execution logs, as every interface reads them."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Prefetch, QuerySet

from judging.foundation.errors import NotFound
from judging.models import (
    BatchEvaluator,
    BatchExecution,
    BatchItem,
    EvaluatorResult,
    ExecutionLog,
    ResultStatus,
)

_HISTOGRAM_BARS = 10
_EXPORT_CHUNK = 10


def batch_list() -> QuerySet[BatchExecution]:
    """Return the batches of the team, with what a list shows of each; those that somebody waited for are left out."""
    return with_judges(BatchExecution.objects.filter(is_immediate=False))


def with_judges(batches: QuerySet[BatchExecution]) -> QuerySet[BatchExecution]:
    """Have batches read with their judge and evaluators, in a constant number of queries."""
    return batches.select_related("response_judge_version", "relevance_judge_version").prefetch_related(
        Prefetch("evaluators", BatchEvaluator.objects.select_related("evaluator_version", "judge_version"))
    )


def get_batch(batch_id: UUID) -> BatchExecution:
    """Return a batch. Raise NotFound."""
    batch = with_judges(BatchExecution.objects.filter(pk=batch_id)).first()
    if batch is None:
        raise NotFound("no such batch execution")
    return batch


@dataclass(frozen=True, slots=True)
class ItemWithResults:
    """An item, what its evaluators said in their order (nothing before it has ended), and the id of its log."""

    item: BatchItem
    results: Sequence[EvaluatorResult]
    execution_log_id: UUID | None


def batch_items(batch: BatchExecution) -> list[ItemWithResults]:
    """Return the items of a batch in order, with the results of those that have ended."""
    return _with_results(BatchItem.objects.filter(batch=batch).order_by("index"), list(batch.evaluators.all()))


def _with_results(items: QuerySet[BatchItem], evaluators: Sequence[BatchEvaluator]) -> list[ItemWithResults]:
    rows = list(items.select_related("execution_log"))
    by_id = {evaluator.pk: evaluator for evaluator in evaluators}
    results: dict[int, list[EvaluatorResult]] = defaultdict(list)
    ended = [row.pk for row in rows if row.completed_at is not None]
    for result in EvaluatorResult.objects.filter(item_id__in=ended).order_by("evaluator__position"):
        result.evaluator = by_id[result.evaluator_id]
        results[result.item_id].append(result)
    return [ItemWithResults(row, results[row.pk], _log_id(row)) for row in rows]


def _log_id(item: BatchItem) -> UUID | None:
    log: ExecutionLog | None = getattr(item, "execution_log", None)
    return None if log is None else log.pk


@dataclass(frozen=True, slots=True)
class EvaluatorSummary:
    """Scores of one evaluator over a batch. `histogram` counts scores in ten bars: 0 to 0.1, ..., 0.9 to 1."""

    evaluator: BatchEvaluator
    scored_count: int
    failed_count: int
    mean: float | None
    histogram: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """What a batch came to.

    `failures` groups results without a score by evaluator, code and message, most frequent first. What nobody was asked
    any more, because the batch ended as a whole, stands there with the batch's own code and message.
    """

    mean: float | None
    evaluators: tuple[EvaluatorSummary, ...]
    failures: tuple[dict[str, Any], ...]
    cost: float | None


def batch_summary(batch: BatchExecution) -> BatchSummary:
    """Summarise a batch, finished or not."""
    results = EvaluatorResult.objects.filter(batch=batch)
    scores: dict[int, list[float]] = defaultdict(list)
    for evaluator_id, score in results.filter(status=ResultStatus.SCORED).values_list("evaluator_id", "score"):
        if score is not None:
            scores[evaluator_id].append(score)
    failures = (
        results.filter(status=ResultStatus.FAILED)
        .order_by()
        .values("evaluator_id", "failure_code", "failure_message")
        .annotate(count=Count("pk"))
    )
    names = {evaluator.pk: evaluator.name for evaluator in batch.evaluators.all()}
    failed = Counter[int]()
    groups = []
    for row in failures:
        failed[row["evaluator_id"]] += row["count"]
        groups.append(
            {
                "evaluator_name": names[row["evaluator_id"]],
                "code": row["failure_code"],
                "message": row["failure_message"],
                "count": row["count"],
            }
        )
    skipped = results.filter(status=ResultStatus.SKIPPED).order_by().values("evaluator_id").annotate(count=Count("pk"))
    groups += [
        {
            "evaluator_name": names[row["evaluator_id"]],
            "code": batch.error_code,
            "message": batch.error,
            "count": row["count"],
        }
        for row in skipped
    ]
    groups.sort(key=lambda group: (-group["count"], group["evaluator_name"], group["message"]))
    means = [_mean(scores[pk]) for pk in names]
    return BatchSummary(
        mean=_mean([mean for mean in means if mean is not None]),
        evaluators=tuple(
            EvaluatorSummary(
                evaluator=evaluator,
                scored_count=len(scores[evaluator.pk]),
                failed_count=failed[evaluator.pk],
                mean=_mean(scores[evaluator.pk]),
                histogram=_histogram(scores[evaluator.pk]),
            )
            for evaluator in batch.evaluators.all()
        ),
        failures=tuple(groups),
        cost=batch_cost(batch),
    )


def batch_cost(batch: BatchExecution) -> float | None:
    """Return the price of all calls of a batch, None where no evaluator has prices or the tokens are not known."""
    logs = ExecutionLog.objects.filter(item__batch=batch, cost__isnull=False)
    found = [cost for log in logs if (cost := log.known_cost) is not None]
    return sum(found) if found else None


def _mean(scores: Sequence[float]) -> float | None:
    return sum(scores) / len(scores) if scores else None


def _histogram(scores: Sequence[float]) -> tuple[int, ...]:
    bars = [0] * _HISTOGRAM_BARS
    for score in scores:
        bars[min(int(score * _HISTOGRAM_BARS), _HISTOGRAM_BARS - 1)] += 1
    return tuple(bars)


def export_rows(batch: BatchExecution) -> Iterator[ItemWithResults]:
    """Yield the items of a batch in order, a few at a time: inputs can be large."""
    evaluators = list(batch.evaluators.all())
    for start in range(0, batch.total_count, _EXPORT_CHUNK):
        items = BatchItem.objects.filter(batch=batch, index__gte=start, index__lt=start + _EXPORT_CHUNK)
        yield from _with_results(items.order_by("index"), evaluators)


def execution_logs() -> QuerySet[ExecutionLog]:
    """Return the execution logs of the team, with what a list shows of each."""
    return ExecutionLog.objects.select_related("created_by")


def get_execution_log(log_id: UUID) -> tuple[ExecutionLog, ItemWithResults]:
    """Return a log, its item and the results. Raise NotFound."""
    log = ExecutionLog.objects.select_related("created_by", "item__batch").filter(pk=log_id).first()
    if log is None:
        raise NotFound("no such execution log")
    evaluators = BatchEvaluator.objects.filter(batch_id=log.item.batch_id).select_related(
        "evaluator_version", "judge_version"
    )
    return log, _with_results(BatchItem.objects.filter(pk=log.item_id), list(evaluators))[0]
