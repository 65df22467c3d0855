"""The metrics themselves, for one query.

Conventions, the same as trec_eval's wherever it has the metric: the rank alone decides, so ties never arise; an
unjudged document counts as not relevant; P@k divides by k, however few were returned; what would divide by zero is
0 (NDCG without any gain, Recall and MAP without any relevant document, Judged@k of nothing returned).
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import log2
from typing import TypeVar

from judging.metrics.coverage import JudgedCount, count_judged_by_cutoff
from judging.metrics.names import MAX_CUTOFF, FamilyName, Metric

K = TypeVar("K", bound=Hashable)

RBP_PERSISTENCE = 0.8

# log2(rank + 1) for ranks 1 to MAX_CUTOFF: every discounted metric has a cut-off.
_DISCOUNTS = tuple(log2(rank + 1) for rank in range(1, MAX_CUTOFF + 1))


@dataclass(frozen=True, slots=True)
class QueryScore:
    """What one query contributes to its run.

    `values` by metric name are None throughout when the query has no judgment (`is_scored` is False then); `judged`
    counts by metric name exist either way.
    """

    values: dict[str, float | None]
    judged: dict[str, JudgedCount]
    is_scored: bool

    @property
    def coverage(self) -> dict[str, float | None]:
        """Give judged@k by metric name, 0 to 1; None when nothing was returned."""
        return {name: count.share for name, count in self.judged.items()}


def compute_query(
    metrics: Sequence[Metric],
    ranked: Sequence[K],
    grades: Mapping[K, int],
    *,
    scale_maximum: int,
    relevant_from: int,
) -> dict[str, float]:
    """Compute the metrics of one query, by metric name and unrounded.

    `ranked` holds the returned documents in rank order, each once. `grades` holds the effective grades (0 to
    `scale_maximum`) of all judged documents of the query, returned or not: ideal ranking and recall need them.
    Relevant means a grade of at least `relevant_from`; NDCG, DCG, SDCG and ERR use the grades themselves.
    """
    ranking = _JudgedRanking.build(ranked, grades, scale_maximum=scale_maximum, relevant_from=relevant_from)
    return {metric.name: _FORMULAS[metric.family](ranking, metric.cutoff) for metric in metrics}


def score_query(
    metrics: Sequence[Metric],
    ranked: Sequence[K],
    grades: Mapping[K, int],
    *,
    scale_maximum: int,
    relevant_from: int,
) -> QueryScore:
    """Compute values and judged counts of one query in a pass, from the arguments of `compute_query`."""
    judged = count_judged_by_cutoff(metrics, [document in grades for document in ranked])
    if not grades:
        return QueryScore({metric.name: None for metric in metrics}, judged, is_scored=False)
    values: dict[str, float | None] = {}
    values.update(compute_query(metrics, ranked, grades, scale_maximum=scale_maximum, relevant_from=relevant_from))
    return QueryScore(values, judged, is_scored=True)


@dataclass(frozen=True, slots=True)
class _JudgedRanking:
    """A ranked list with its grades; index 0 of the two running counts stands for "nothing looked at yet"."""

    grades: list[int | None]  # in rank order; None: unjudged
    is_relevant: list[bool]  # in rank order
    relevant_within: list[int]  # relevant among the first n
    relevant_total: int  # returned or not
    ideal_grades: list[int]  # of all judged documents, falling
    scale_maximum: int

    @classmethod
    def build(
        cls, ranked: Sequence[K], grades: Mapping[K, int], *, scale_maximum: int, relevant_from: int
    ) -> "_JudgedRanking":
        returned = [grades.get(document) for document in ranked]
        is_relevant = [grade is not None and grade >= relevant_from for grade in returned]
        return cls(
            grades=returned,
            is_relevant=is_relevant,
            relevant_within=list(accumulate(is_relevant, initial=0)),
            relevant_total=sum(grade >= relevant_from for grade in grades.values()),
            ideal_grades=sorted(grades.values(), reverse=True),
            scale_maximum=scale_maximum,
        )

    def depth(self, cutoff: int | None) -> int:
        """Give how many documents there are to look at: the cut-off, or the list where that is shorter."""
        return len(self.grades) if cutoff is None else min(cutoff, len(self.grades))


def _required(cutoff: int | None) -> int:
    if cutoff is None:
        raise ValueError("this metric needs a cut-off")
    return cutoff


def _exponential_dcg(grades: Sequence[int | None]) -> float:
    """Burges et al. 2005 (doi.org/10.1145/1102351.1102363): sum of (2^grade - 1) / log2(rank + 1)."""
    return sum((((1 << grade) - 1) / _DISCOUNTS[index] for index, grade in enumerate(grades) if grade), 0.0)


def _linear_dcg(grades: Sequence[int | None]) -> float:
    """Järvelin and Kekäläinen 2002 (doi.org/10.1145/582415.582418) as in trec_eval: sum of grade / log2(rank + 1)."""
    return sum((grade / _DISCOUNTS[index] for index, grade in enumerate(grades) if grade), 0.0)


def _normalized(gain: Callable[[Sequence[int | None]], float], ranking: _JudgedRanking, cutoff: int | None) -> float:
    """Divide the list's DCG@k by that of the best list all judged documents could make, cut at k too."""
    k = _required(cutoff)
    ideal = gain(ranking.ideal_grades[:k])
    return gain(ranking.grades[:k]) / ideal if ideal else 0.0


def _ndcg(ranking: _JudgedRanking, cutoff: int | None) -> float:
    return _normalized(_exponential_dcg, ranking, cutoff)


def _ndcg_linear(ranking: _JudgedRanking, cutoff: int | None) -> float:
    return _normalized(_linear_dcg, ranking, cutoff)


def _dcg(ranking: _JudgedRanking, cutoff: int | None) -> float:
    return _exponential_dcg(ranking.grades[: _required(cutoff)])


def _scaled_dcg(ranking: _JudgedRanking, cutoff: int | None) -> float:
    """Divide DCG@k by what k documents of the scale's maximum would give: 0 to 1 on any scale, and additive.

    Unlike NDCG, whose ideal is made of the query's own documents, each document counts the same in every query; so the
    mean over queries can be estimated from a sample of documents.
    """
    k = _required(cutoff)
    return _exponential_dcg(ranking.grades[:k]) / _exponential_dcg([ranking.scale_maximum] * k)


def _precision(ranking: _JudgedRanking, cutoff: int | None) -> float:
    return ranking.relevant_within[ranking.depth(cutoff)] / _required(cutoff)


def _recall(ranking: _JudgedRanking, cutoff: int | None) -> float:
    if not ranking.relevant_total:
        return 0.0
    return ranking.relevant_within[ranking.depth(cutoff)] / ranking.relevant_total


def _f1(ranking: _JudgedRanking, cutoff: int | None) -> float:
    """2PR / (P + R) with P = hits / k and R = hits / relevant, which comes to 2 hits / (k + relevant)."""
    return 2 * ranking.relevant_within[ranking.depth(cutoff)] / (_required(cutoff) + ranking.relevant_total)


def _average_precision(ranking: _JudgedRanking, cutoff: int | None) -> float:
    """trec_eval's map and map_cut: precision at each relevant rank, over all relevant documents, returned or not."""
    if not ranking.relevant_total:
        return 0.0
    total = 0.0
    for rank in range(1, ranking.depth(cutoff) + 1):
        if ranking.is_relevant[rank - 1]:
            total += ranking.relevant_within[rank] / rank
    return total / ranking.relevant_total


def _reciprocal_rank(ranking: _JudgedRanking, cutoff: int | None) -> float:
    for rank in range(1, ranking.depth(cutoff) + 1):
        if ranking.is_relevant[rank - 1]:
            return 1 / rank
    return 0.0


def _expected_reciprocal_rank(ranking: _JudgedRanking, cutoff: int | None) -> float:
    """Chapelle et al. 2009 (doi.org/10.1145/1645953.1646033), with the scale's maximum as the highest grade."""
    total, reached = 0.0, 1.0
    for rank, grade in enumerate(ranking.grades[: _required(cutoff)], start=1):
        if grade:
            satisfied = ((1 << grade) - 1) / (1 << ranking.scale_maximum)
            total += reached * satisfied / rank
            reached *= 1 - satisfied
    return total


def _rank_biased_precision(ranking: _JudgedRanking, cutoff: int | None) -> float:
    """Moffat and Zobel 2008 (doi.org/10.1145/1416950.1416952): (1 - p) times the sum of p^(rank - 1) if relevant."""
    total = sum((RBP_PERSISTENCE**index for index, hit in enumerate(ranking.is_relevant) if hit), 0.0)
    return (1 - RBP_PERSISTENCE) * total


def _judged(ranking: _JudgedRanking, cutoff: int | None) -> float:
    depth = ranking.depth(cutoff)
    return sum(grade is not None for grade in ranking.grades[:depth]) / depth if depth else 0.0


_FORMULAS: dict[FamilyName, Callable[[_JudgedRanking, int | None], float]] = {
    "NDCG": _ndcg,
    "NDCG_lin": _ndcg_linear,
    "DCG": _dcg,
    "SDCG": _scaled_dcg,
    "P": _precision,
    "Recall": _recall,
    "F1": _f1,
    "MAP": _average_precision,
    "MRR": _reciprocal_rank,
    "ERR": _expected_reciprocal_rank,
    "RBP": _rank_biased_precision,
    "Judged": _judged,
}
