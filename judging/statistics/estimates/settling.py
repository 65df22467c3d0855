"""When a query is settled: which grades its metric needs, so that people read no more than they must.

Exact, so nothing is biased: a query is settled when no further grade could change the metric's value (ERR: by less than
0.005). What is needed is needed whatever the answers will be, so that people may answer in any order. Method,
"Settling a query with fewer grades".
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from judging.metrics import Metric

K = TypeVar("K", bound=Hashable)

ERR_TOLERANCE = 0.005
# What is estimated from whole queries: `settle` knows when one of them needs no more grades.
SETTLED_FAMILIES = frozenset({"NDCG", "NDCG_lin", "Recall", "F1", "MAP", "MRR", "ERR"})


@dataclass(frozen=True, slots=True)
class Settling(Generic[K]):
    """What people must grade now, whatever they will say; nothing when the query `is_settled`."""

    needed: tuple[K, ...]

    @property
    def is_settled(self) -> bool:
        return not self.needed


def settle(
    metric: Metric,
    ranked: Sequence[K],
    pool: Sequence[K],
    grades: Mapping[K, int],
    *,
    scale_maximum: int,
    relevant_from: int,
) -> Settling[K]:
    """Say what the metric of one query still needs.

    `ranked` holds the documents in rank order; `pool` all documents that the ideal list is made of, the ranked ones
    included, in the order in which they are to be looked at (falling AI grade); `grades` what people said so far. A
    query that returned nothing has the value 0 and needs nothing. Raise ValueError outside SETTLED_FAMILIES.
    """
    if not ranked:
        return Settling(())
    family, first = metric.family, ranked[: metric.cutoff] if metric.cutoff else ranked
    if family == "MRR":
        return _until_relevant(first, grades, relevant_from)
    if family in ("NDCG", "NDCG_lin"):
        return _with_ideal(first, pool, grades, int(metric.cutoff or len(ranked)), scale_maximum)
    if family == "ERR":
        return _until_reached(first, grades, scale_maximum)
    if family in ("MAP", "Recall", "F1"):
        # Ranked ones that are missing in the pool would be needed, too.
        everything = dict.fromkeys([*ranked, *pool])
        return Settling(tuple(document for document in everything if document not in grades))
    raise ValueError(f"{metric.name} is not estimated from whole queries")


def _until_relevant(first: Sequence[K], grades: Mapping[K, int], relevant_from: int) -> Settling[K]:
    for document in first:
        grade = grades.get(document)
        if grade is None:
            return Settling((document,))
        if grade >= relevant_from:
            break
    return Settling(())


def _with_ideal(
    first: Sequence[K], pool: Sequence[K], grades: Mapping[K, int], cutoff: int, scale_maximum: int
) -> Settling[K]:
    """Need the first k; unless all of them are worth nothing, then as many of the pool as could be the best k."""
    missing = tuple(document for document in first if document not in grades)
    if missing or not any(grades[document] for document in first):
        return Settling(missing)
    looked_at = dict.fromkeys([*first, *pool])
    best = sum(grades.get(document) == scale_maximum for document in looked_at)
    # Each answer adds one at most, so these are needed whatever they are.
    ungraded = [document for document in pool if document not in grades]
    return Settling(tuple(ungraded[: max(cutoff - best, 0)]))


def _until_reached(first: Sequence[K], grades: Mapping[K, int], scale_maximum: int) -> Settling[K]:
    """Need what even the best answers above it would leave a reader to reach."""
    stops = [((1 << grade) - 1) / (1 << scale_maximum) for grade in range(scale_maximum + 1)]
    needed: list[K] = []
    reached = 1.0
    for index, document in enumerate(first):
        if _most_to_gain(reached, index, len(first), stops[-1]) < ERR_TOLERANCE:
            break
        grade = grades.get(document)
        if grade is None:
            needed.append(document)
        reached *= 1 - stops[scale_maximum if grade is None else grade]
    return Settling(tuple(needed))


def _most_to_gain(reached: float, index: int, depth: int, best: float) -> float:
    total = 0.0
    for rank in range(index + 1, depth + 1):
        total += reached * best / rank
        reached *= 1 - best
    return total
