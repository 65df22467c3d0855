"""Batches as pages show them: inputs cut in the database, because one of them can hold megabytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Substr

from judging.models import BatchEvaluator, BatchExecution, BatchItem, EvaluatorResult

PREVIEW_CHARS = 600


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
