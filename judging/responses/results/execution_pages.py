"""Batches as pages show them: inputs cut in the database, because one of them can hold megabytes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Substr

from judging.models import BatchEvaluator, BatchExecution, BatchItem, Call, EvaluatorResult, ResultStatus

PREVIEW_CHARS = 600
RAW_REPLY_CHARS = 5_000
_MOST_RAW_REPLIES = 100


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item without its input, the beginnings of its texts, and its results in the order of the evaluators."""

    item: Any
    results: Sequence[EvaluatorResult]


def item_rows(batch: BatchExecution, evaluators: Sequence[BatchEvaluator]) -> list[ItemRow]:
    """Return the items of a batch in order. Two statements whatever its size."""
    items = BatchItem.objects.filter(batch=batch).order_by("index").defer("input")
    items = items.annotate(
        **{
            f"{name}_start": Substr(KeyTextTransform(name, "input"), 1, PREVIEW_CHARS)
            for name in ("request", "response", "turns")
        }
    )
    by_id = {evaluator.pk: evaluator for evaluator in evaluators}
    results: dict[int, list[EvaluatorResult]] = {}
    for result in EvaluatorResult.objects.filter(batch=batch).order_by("item_id", "evaluator__position"):
        result.evaluator = by_id[result.evaluator_id]
        results.setdefault(result.item_id, []).append(result)
    return [ItemRow(item, results.get(item.pk, [])) for item in items]


@dataclass(slots=True)
class FailureGroup:
    """Results of one evaluator that failed in the same way: the indexes of their items, and one raw reply, or ""."""

    evaluator: BatchEvaluator
    code: str
    message: str
    indexes: list[int] = field(default_factory=list)
    raw_reply: str = ""


def failure_groups(batch: BatchExecution, rows: Sequence[ItemRow]) -> list[FailureGroup]:
    """Group the failures of a batch that has ended, most frequent first; give each failed result its `raw_reply`.

    What was skipped stands there with the batch's own code and message. One statement.
    """
    replies = _raw_replies(batch)
    groups: dict[tuple[int, str, str], FailureGroup] = {}
    for row in rows:
        for result in row.results:
            if result.status not in (ResultStatus.FAILED, ResultStatus.SKIPPED):
                continue
            is_skipped = result.status == ResultStatus.SKIPPED
            code = batch.error_code if is_skipped else result.failure_code
            message = batch.error if is_skipped else result.failure_message
            key = (result.evaluator_id, code, message)
            group = groups.setdefault(key, FailureGroup(result.evaluator, code, message))
            group.indexes.append(row.item.index)
            result.raw_reply = replies.get(result.pk, "")  # type: ignore[attr-defined]
            group.raw_reply = group.raw_reply or replies.get(result.pk, "")
    return sorted(groups.values(), key=lambda group: (-len(group.indexes), group.evaluator.position, group.message))


def _raw_replies(batch: BatchExecution) -> dict[int, str]:
    """Return the beginnings of the last replies to what failed, by result; of a large batch the first ones."""
    calls = (
        Call.objects.filter(evaluator_result__batch=batch, evaluator_result__status=ResultStatus.FAILED)
        .exclude(raw_reply="")
        .order_by("pk")
        .values_list("evaluator_result_id", Substr("raw_reply", 1, RAW_REPLY_CHARS))
    )
    return {result_id: reply for result_id, reply in calls[:_MOST_RAW_REPLIES] if result_id is not None}
