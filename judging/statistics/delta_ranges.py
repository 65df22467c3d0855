"""How far a query's difference between two runs can go, whatever the unjudged documents turn out to be worth.

Exact: the least and the greatest of b - a over every way to grade the unjudged documents that the metric looks at in
either list, the judged ones as they are. For P, RBP, DCG and SDCG document by document; for NDCG, Recall and F1, whose
denominators the grades change, too, by Dinkelbach's method for ratios (1967); for MRR by the one document that decides.
MAP and ERR have none here: their documents weigh by what stands before them.
"""

from dataclasses import dataclass

import numpy as np

from judging.metrics import Metric
from judging.statistics.estimates.additive import ADDITIVE_FAMILIES, gains, is_additive, rank_weights
from judging.statistics.tables import Flags, Floats, Integers, sums_by

UNJUDGED = -1

_BINARY_RATIOS = frozenset({"Recall", "F1"})
_RATIOS = _BINARY_RATIOS | {"NDCG", "NDCG_lin"}
_CHUNK = 500  # queries at a time, with a column for each of their unjudged documents
_MOST_ROUNDS = 50  # Dinkelbach's method takes three or four
_SAME = 1e-12


@dataclass(frozen=True, eq=False)
class PairedDocuments:
    """The documents of either list of some queries, an entry each.

    `queries` are codes from 0, rising; `place_a` and `place_b` the places in either list from 1, 0 where it is not in
    it; `grades` UNJUDGED where there is none. `judged` has shape (queries, grades of the scale): how many documents are
    known to have each grade, returned or not.
    """

    queries: Integers
    place_a: Integers
    place_b: Integers
    grades: Integers
    judged: Integers


def has_range(metric: Metric) -> bool:
    """Say whether a metric's differences have an exact range."""
    return is_additive(metric) or metric.family in _RATIOS or metric.family == "MRR"


def needs_same_grades(metric: Metric) -> bool:
    """Say whether both lists must be seen with the same known grades: a ratio's denominator is made of them."""
    return metric.family in _RATIOS


def delta_ranges(metric: Metric, documents: PairedDocuments, *, relevant_from: int) -> tuple[Floats, Floats]:
    """Give the least and the greatest b - a by query. Raises `ValueError` for a metric without a range."""
    if metric.family == "MRR":
        greatest = _reciprocal_rank_bound(metric, documents, relevant_from)
        return 0.0 - _reciprocal_rank_bound(metric, _exchanged(documents), relevant_from), greatest
    if not has_range(metric):
        raise ValueError(f"{metric.name} has no exact range")
    bound = _additive_bound if is_additive(metric) else _ratio_bound
    # Taken from 0: no -0.
    return 0.0 - bound(metric, _exchanged(documents), relevant_from), bound(metric, documents, relevant_from)


def _exchanged(documents: PairedDocuments) -> PairedDocuments:
    return PairedDocuments(documents.queries, documents.place_b, documents.place_a, documents.grades, documents.judged)


def _gains(metric: Metric, grade_count: int, relevant_from: int) -> Floats:
    """Give what a document of each grade counts for."""
    grades = np.arange(grade_count)
    if metric.family in ADDITIVE_FAMILIES:
        return gains(metric, grades, scale_maximum=grade_count - 1, relevant_from=relevant_from)
    if metric.family in _BINARY_RATIOS:
        return (grades >= relevant_from).astype(np.float64)
    return grades.astype(np.float64) if metric.family == "NDCG_lin" else np.exp2(grades) - 1


def _weights(metric: Metric, places: Integers) -> Floats:
    """Give what a place in a list counts for; nothing beyond the cut-off and outside the list."""
    ranks = np.maximum(places, 1)
    if is_additive(metric):
        weights = rank_weights(metric, ranks, query_count=1)
    elif metric.family in _BINARY_RATIOS:
        # F1 is twice the hits over k + relevant.
        weights = np.full(len(places), 2.0 if metric.family == "F1" else 1.0)
    else:
        weights = 1 / np.log2(ranks + 1.0)
    return np.where(_in_reach(places, metric), weights, 0.0)


def _in_reach(places: Integers, metric: Metric) -> Flags:
    return np.asarray((places > 0) & (places <= metric.cutoff) if metric.cutoff else places > 0)


def _parts(metric: Metric, documents: PairedDocuments, worth: Floats) -> tuple[Floats, Floats, Flags]:
    """Give what each document adds to b - a per unit of gain, the sums over judged ones by query, and who is unjudged."""
    each = _weights(metric, documents.place_b) - _weights(metric, documents.place_a)
    is_judged = documents.grades != UNJUDGED
    added = each[is_judged] * worth[documents.grades[is_judged]]
    sums = sums_by(documents.queries[is_judged], added, count=len(documents.judged))
    return each, sums, np.asarray(~is_judged)


def _additive_bound(metric: Metric, documents: PairedDocuments, relevant_from: int) -> Floats:
    worth = _gains(metric, documents.judged.shape[1], relevant_from)
    each, sums, unjudged = _parts(metric, documents, worth)
    best = np.maximum(each[unjudged], 0) * worth[-1]
    return sums + sums_by(documents.queries[unjudged], best, count=len(sums))


def _ratio_bound(metric: Metric, documents: PairedDocuments, relevant_from: int) -> Floats:
    """Give the greatest b - a of a metric N / I, N the sum over documents, I what all that is known could make.

    Both are sums over the levels of the scale (a document of grade 2 counts at the levels 1 and 2). At each level the
    unjudged documents that add most to N reach it first, and `known` + t documents are to be ranked ideally when t of
    them do; so for a given ratio the best t can be looked up level by level.
    """
    worth = _gains(metric, documents.judged.shape[1], relevant_from)
    each, sums, unjudged = _parts(metric, documents, worth)
    # What neither list shows within the cut-off would only make the ideal ranking better. It is not asked about.
    unjudged &= _in_reach(documents.place_a, metric) | _in_reach(documents.place_b, metric)
    steps = np.diff(worth)
    known = np.cumsum(documents.judged[:, ::-1], axis=1)[:, ::-1][:, 1:]  # at least grade 1, 2, ...
    queries, values = documents.queries[unjudged], each[unjudged]
    order = np.lexsort((-values, queries))
    queries, values = queries[order], values[order]
    starts = np.searchsorted(queries, np.arange(len(sums) + 1))
    bounds = np.empty(len(sums))
    for first in range(0, len(sums), _CHUNK):
        last = min(first + _CHUNK, len(sums))
        sizes = np.diff(starts[first : last + 1])
        added = np.full((last - first, int(sizes.max(initial=0)) + 1), -np.inf)
        added[:, 0] = 0
        of_chunk = slice(starts[first], starts[last])
        columns = np.arange(starts[first], starts[last]) - starts[queries[of_chunk]] + 1
        added[queries[of_chunk] - first, columns] = values[of_chunk]
        bounds[first:last] = _greatest_ratio(
            sums[first:last], np.cumsum(added, axis=1), known[first:last], steps, _ideal(metric, known, added.shape[1])
        )
    return bounds


def _ideal(metric: Metric, known: Integers, columns: int) -> Floats:
    """Give by number of documents what ranking them ideally comes to, per unit of gain."""
    counts = np.arange(int(known.max(initial=0)) + columns + 1)
    if metric.family == "Recall":
        return counts.astype(np.float64)
    if metric.family == "F1":
        return (counts + (metric.cutoff or 0)).astype(np.float64)
    discounts = 1 / np.log2(np.arange(1, len(counts)) + 1.0)
    discounts[metric.cutoff or len(counts) :] = 0
    return np.asarray(np.concatenate([[0.0], np.cumsum(discounts)]), dtype=np.float64)


def _greatest_ratio(sums: Floats, added: Floats, known: Integers, steps: Floats, ideal: Floats) -> Floats:
    rows = np.arange(len(sums))
    columns = np.arange(added.shape[1])
    levels = [level for level, step in enumerate(steps) if step > 0]
    # Shape (queries, columns): the ideal of each level with t documents more.
    ideals = {level: steps[level] * ideal[known[:, level, None] + columns] for level in levels}
    worths = {level: steps[level] * added for level in levels}
    none = sum((ideals[level][:, 0] for level in levels), np.zeros(len(sums)))
    ratio = np.divide(sums, none, out=np.zeros(len(sums)), where=none > 0)
    for _ in range(_MOST_ROUNDS):
        chosen = {level: np.argmax(worths[level] - ratio[:, None] * ideals[level], axis=1) for level in levels}
        # Below zero a larger ideal is welcome, which higher levels want more: they go together, as no document can
        # have a grade of 2 and not of 1.
        total = sum((worths[level] - ratio[:, None] * ideals[level] for level in levels), np.zeros_like(added))
        together = np.argmax(total, axis=1)
        chosen = {level: np.where(ratio < 0, together, of_level) for level, of_level in chosen.items()}
        upper = sums + sum((worths[level][rows, chosen[level]] for level in levels), np.zeros(len(sums)))
        lower = sum((ideals[level][rows, chosen[level]] for level in levels), np.zeros(len(sums)))
        better = (upper - ratio * lower > _SAME) & (lower > 0)
        if not better.any():
            break
        ratio = np.where(better, np.divide(upper, lower, out=np.zeros(len(sums)), where=lower > 0), ratio)
    return ratio


def _reciprocal_rank_bound(metric: Metric, documents: PairedDocuments, relevant_from: int) -> Floats:
    """Give the greatest 1/rank_b - 1/rank_a: at most one unjudged document is relevant, for any more helps a, too."""
    count = len(documents.judged)

    def reciprocal(places: Integers) -> Floats:
        return np.divide(1.0, places, out=np.zeros(len(places)), where=_in_reach(places, metric))

    of_a, of_b = reciprocal(documents.place_a), reciprocal(documents.place_b)
    relevant = documents.grades >= relevant_from
    now_a, now_b = np.zeros(count), np.zeros(count)
    np.maximum.at(now_a, documents.queries[relevant], of_a[relevant])
    np.maximum.at(now_b, documents.queries[relevant], of_b[relevant])
    greatest = now_b - now_a
    unjudged = documents.grades == UNJUDGED
    queries = documents.queries[unjudged]
    then = np.maximum(now_b[queries], of_b[unjudged]) - np.maximum(now_a[queries], of_a[unjudged])
    np.maximum.at(greatest, queries, then)
    return greatest
