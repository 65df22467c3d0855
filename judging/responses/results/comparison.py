"""Two batches of the same inputs beside each other: score by score, the largest differences first."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from judging.foundation.errors import Conflict
from judging.models import ACTIVE_BATCH_STATUSES, BatchEvaluator, BatchExecution, BatchItem, EvaluatorResult
from judging.responses.results.execution_pages import ItemRow, item_rows
from judging.responses.results.execution_reads import batch_list

# Scores up to so far apart count as close.
CLOSE = 0.1
_MOST_OFFERED = 50


@dataclass(frozen=True, slots=True)
class ComparedScore:
    """What one evaluator said of one input in either batch; a score is None where it failed or was skipped."""

    row: ItemRow
    other_row: ItemRow
    result: EvaluatorResult
    other_result: EvaluatorResult

    @property
    def score(self) -> float | None:
        return self.result.score

    @property
    def other_score(self) -> float | None:
        return self.other_result.score

    @property
    def difference(self) -> float | None:
        """Return the other batch's score minus this one's."""
        if self.score is None or self.other_score is None:
            return None
        return self.other_score - self.score


@dataclass(frozen=True, slots=True)
class ComparedEvaluator:
    """How far an evaluator's scores lie apart. Means are over the inputs that both batches have a score for.

    `close_count`: at most CLOSE apart. `missing_count`: inputs of both without a score in one of them.
    """

    evaluator: BatchEvaluator
    other_evaluator: BatchEvaluator
    compared_count: int
    close_count: int
    missing_count: int
    mean: float | None
    other_mean: float | None
    mean_distance: float | None


@dataclass(frozen=True, slots=True)
class BatchComparison:
    """Two batches beside each other. Evaluators pair by name, or where each batch has one only; inputs by content."""

    batch: BatchExecution
    other: BatchExecution
    evaluators: tuple[ComparedEvaluator, ...]
    scores: tuple[ComparedScore, ...]
    common_count: int

    @property
    def only_here(self) -> int:
        return self.batch.total_count - self.common_count

    @property
    def only_there(self) -> int:
        return self.other.total_count - self.common_count


def comparable_batches(batch: BatchExecution) -> QuerySet[BatchExecution]:
    """Return the newest ended batches to offer for a comparison."""
    return batch_list().exclude(pk=batch.pk).exclude(status__in=ACTIVE_BATCH_STATUSES)[:_MOST_OFFERED]


def compare_batches(batch: BatchExecution, other: BatchExecution) -> BatchComparison:
    """Compare two ended batches. Raise Conflict (not_ended, inputs_pruned, nothing_in_common)."""
    if batch.is_active or other.is_active:
        raise Conflict("one of the batches has not ended yet", code="not_ended")
    ours, theirs = list(batch.evaluators.all()), list(other.evaluators.all())
    paired = _paired_evaluators(ours, theirs)
    rows, other_rows = item_rows(batch, ours), item_rows(other, theirs)
    there = _index_by_input(other)
    common = [(row, other_rows[there[key]]) for row, key in zip(rows, _input_keys(batch), strict=True) if key in there]
    if not common or not paired:
        what = "input" if paired else "evaluator"
        raise Conflict(f"the two batches have no {what} in common", code="nothing_in_common")
    by_evaluator: dict[int, list[ComparedScore]] = defaultdict(list)
    for row, other_row in common:
        results = {result.evaluator_id: result for result in other_row.results}
        for result in row.results:
            if (twin := paired.get(result.evaluator_id)) is not None:
                by_evaluator[result.evaluator_id].append(ComparedScore(row, other_row, result, results[twin.pk]))
    scores = [score for group in by_evaluator.values() for score in group]
    scores.sort(key=_by_difference)
    evaluators = [_compared(each, paired[each.pk], by_evaluator[each.pk]) for each in ours if each.pk in paired]
    return BatchComparison(batch, other, tuple(evaluators), tuple(scores), len(common))


def _by_difference(score: ComparedScore) -> tuple[int, float, int, int]:
    """Order by distance; what failed in one batch only comes first, what failed in both last."""
    place = (score.row.item.index, score.result.evaluator.position)
    if score.difference is not None:
        return (1, -abs(score.difference), *place)
    return (2 if score.score is None and score.other_score is None else 0, 0.0, *place)


def _compared(
    evaluator: BatchEvaluator, other_evaluator: BatchEvaluator, scores: Sequence[ComparedScore]
) -> ComparedEvaluator:
    pairs = [
        (score.score, score.other_score)
        for score in scores
        if score.score is not None and score.other_score is not None
    ]
    count = len(pairs)
    # Scores are decimals: 0.8 and 0.7 are 0.1 apart, whatever their binary difference.
    distances = [round(abs(ours - theirs), 9) for ours, theirs in pairs]
    return ComparedEvaluator(
        evaluator=evaluator,
        other_evaluator=other_evaluator,
        compared_count=count,
        close_count=sum(distance <= CLOSE for distance in distances),
        missing_count=len(scores) - count,
        mean=sum(ours for ours, _ in pairs) / count if count else None,
        other_mean=sum(theirs for _, theirs in pairs) / count if count else None,
        mean_distance=sum(distances) / count if count else None,
    )


def _paired_evaluators(ours: Sequence[BatchEvaluator], theirs: Sequence[BatchEvaluator]) -> dict[int, BatchEvaluator]:
    """Return the evaluator of the other batch for each one of ours that has one."""
    if len(ours) == len(theirs) == 1:
        return {ours[0].pk: theirs[0]}
    by_name = {each.name: each for each in reversed(theirs)}
    return {each.pk: by_name.pop(each.name) for each in ours if each.name in by_name}


def _index_by_input(batch: BatchExecution) -> dict[tuple[str, int], int]:
    return {key: place for place, key in enumerate(_input_keys(batch))}


def _input_keys(batch: BatchExecution) -> list[tuple[str, int]]:
    """Return a key per item in order: the hash of its input, and how many equal ones stand before it."""
    seen = Counter[str]()
    keys = []
    inputs = BatchItem.objects.filter(batch=batch).order_by("index").values_list("input", flat=True)
    for given in inputs.iterator(chunk_size=10):
        if not given:
            raise Conflict("the inputs of a batch were pruned, it can't be compared", code="inputs_pruned")
        digest = _digest(given)
        keys.append((digest, seen[digest]))
        seen[digest] += 1
    return keys


def _digest(given: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(given, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
