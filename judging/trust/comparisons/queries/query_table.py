"""Two runs query by query: values, how alike the lists are, what is unjudged, and how far the difference can go."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from judging.foundation.errors import Invalid
from judging.metrics import DEFAULT_METRICS, Metric, parse_metric
from judging.metrics.list_similarity import RBO_PERSISTENCE
from judging.models import EvaluationRun
from judging.statistics.delta_ranges import UNJUDGED, delta_ranges, has_range, needs_same_grades
from judging.statistics.figures import Figure
from judging.statistics.paired import TIE, difference_figure
from judging.statistics.tables import Flags, Floats, Integers
from judging.trust.comparisons.queries.list_figures import DEFAULT_K, ListFigures, check_list_measure, list_figures
from judging.trust.comparisons.queries.paired_lists import (
    KnownGrades,
    RankedLists,
    pair_documents,
    read_known_grades,
    read_lists,
    shared_queries,
)
from judging.trust.comparisons.queries.query_values import (
    computed_values,
    judged_only_values,
    query_values,
    shared_metrics,
)
from judging.trust.comparisons.queries.searches import failed_queries, search_depth
from judging.trust.comparisons.remembered import grades_of, lists_of, remembered


@dataclass(frozen=True, slots=True)
class Measure:
    """What two runs are compared by: a metric, how deep lists are looked at, and how RBO weighs depth."""

    metric: Metric
    k: int
    p: float = RBO_PERSISTENCE


@dataclass(frozen=True, eq=False)
class GradeFigures:
    """What grades make of two runs by shared query; values are NaN without judgments, bounds where there is no range.

    `judged_only_delta` is b - a as `judged_only_values` has them, NaN where one of them has none.
    """

    value_a: Floats
    value_b: Floats
    unjudged_a: Integers
    unjudged_b: Integers
    undecided: Integers
    low: Floats
    high: Floats
    judged_only_delta: Floats


@dataclass(frozen=True, slots=True)
class TableSummary:
    """Two runs over all shared queries; `query_count` leaves out those whose search failed, `scored_count` is how many
    have a value in both.

    Means are None without a query. `low` and `high` is what `mean_delta` would be if the unjudged documents of its
    queries all went against b, or for it. `undecided_count` is how many documents among the first k of either are
    unjudged, one in both counted once. `judged_only_delta` is the mean over the `judged_only_count` queries with judged
    documents in both lists.
    """

    query_count: int
    scored_count: int
    failed_count: int
    only_a_count: int
    only_b_count: int
    tied_count: int
    mean_delta: float | None
    interval: Figure
    mean_rbo: float | None
    mean_jaccard: float | None
    wins: int
    ties: int
    losses: int
    unjudged_a: int
    unjudged_b: int
    undecided_count: int
    low: float | None
    high: float | None
    judged_only_count: int
    judged_only_delta: float | None
    judged_only_interval: Figure


@dataclass(frozen=True, eq=False)
class QueryTable:
    """An entry per query that two runs share, in the order of the corpus's ids; delta is b - a."""

    measure: Measure
    query_ids: Integers
    only_a_count: int
    only_b_count: int
    is_failed: Flags
    lists: ListFigures
    graded: GradeFigures

    @cached_property
    def delta(self) -> Floats:
        return np.asarray(np.where(self.is_failed, np.nan, self.graded.value_b - self.graded.value_a))

    @cached_property
    def judged_only_delta(self) -> Floats:
        return np.asarray(np.where(self.is_failed, np.nan, self.graded.judged_only_delta))

    @cached_property
    def summary(self) -> TableSummary:
        """Sum up the queries whose search did not fail."""
        counted = ~self.is_failed
        is_scored = ~np.isnan(self.delta)
        delta = self.delta[is_scored]
        low, high = (side[is_scored] for side in (self.graded.low, self.graded.high))
        has_bounds = len(low) > 0 and not np.isnan(low).any()
        judged_only = self.judged_only_delta[~np.isnan(self.judged_only_delta)]
        wins, losses = int((delta > TIE).sum()), int((delta < -TIE).sum())
        return TableSummary(
            query_count=int(counted.sum()),
            scored_count=len(delta),
            failed_count=int(self.is_failed.sum()),
            only_a_count=self.only_a_count,
            only_b_count=self.only_b_count,
            tied_count=int(self.lists.has_ties.sum()),
            mean_delta=_mean(delta),
            interval=difference_figure(delta),
            mean_rbo=_mean(self.lists.rbo[counted]),
            mean_jaccard=_mean(self.lists.jaccard[counted]),
            wins=wins,
            ties=len(delta) - wins - losses,
            losses=losses,
            unjudged_a=int(self.graded.unjudged_a.sum()),
            unjudged_b=int(self.graded.unjudged_b.sum()),
            undecided_count=int(self.graded.undecided.sum()),
            low=_mean(low) if has_bounds else None,
            high=_mean(high) if has_bounds else None,
            judged_only_count=len(judged_only),
            judged_only_delta=_mean(judged_only),
            judged_only_interval=difference_figure(judged_only),
        )


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None


def choose_measure(
    a: EvaluationRun, b: EvaluationRun, *, metric: str = "", k: int | None = None, p: float = RBO_PERSISTENCE
) -> Measure:
    """Return what to compare two runs by: unless said, the first metric both have, and its cut-off (10 without one).

    Without a metric in common it is the first of a. Raise Invalid: unknown_metric, depth_too_small (lists that were not
    asked for so deep), k and p out of their bounds.
    """
    chosen = parse_metric(metric or next(iter([*shared_metrics(a, b), *a.metrics, *DEFAULT_METRICS])))
    check_list_measure(k, p)
    for run in (a, b):
        depth = search_depth(run)
        if depth is not None and chosen.cutoff is not None and chosen.cutoff > depth:
            message = f"{run.name} was searched {depth} deep, and {chosen.name} looks deeper"
            raise Invalid(message, errors={"metric": [message]}, code="depth_too_small")
    return Measure(chosen, k or chosen.cutoff or DEFAULT_K, p)


def read_query_table(a: EvaluationRun, b: EvaluationRun, measure: Measure) -> QueryTable:
    """Compare b with a by query. Runs are those that `check_comparable` lets through.

    What was read before is taken again while neither run has changed.
    """
    shared = shared_queries(a, b)
    reader = _Reader(a, b, shared.query_ids)
    lists = remembered(
        ("lists", lists_of(a), lists_of(b), measure.k, measure.p),
        lambda: list_figures(*reader.lists, k=measure.k, p=measure.p),
    )
    graded = remembered(
        ("grades", grades_of(a), grades_of(b), measure.metric.canonical_name, measure.k),
        lambda: _grade_figures(reader, measure),
    )
    failed = np.concatenate([failed_queries(a), failed_queries(b)])
    return QueryTable(
        measure,
        shared.query_ids,
        shared.only_a_count,
        shared.only_b_count,
        np.isin(shared.query_ids, failed),
        lists,
        graded,
    )


def read_query(a: EvaluationRun, b: EvaluationRun, measure: Measure, query_id: int) -> QueryTable:
    """Compare b with a in one query of the corpus, which both have.

    Its values are computed from the grades of this moment: those stored are renewed in the background for all runs but
    the one in which a grade was given.
    """
    query_ids = np.array([query_id], dtype=np.int64)
    reader = _Reader(a, b, query_ids)
    failed = np.concatenate([failed_queries(a), failed_queries(b)])
    lists = list_figures(*reader.lists, k=measure.k, p=measure.p)
    graded = _grade_figures(reader, measure, values=computed_values)
    return QueryTable(measure, query_ids, 0, 0, np.isin(query_ids, failed), lists, graded)


class _Reader:
    """Reads two runs' lists at most once."""

    def __init__(self, a: EvaluationRun, b: EvaluationRun, query_ids: Integers) -> None:
        self.a, self.b, self.query_ids = a, b, query_ids

    @cached_property
    def lists(self) -> tuple[RankedLists, RankedLists]:
        of_a = read_lists(self.a, self.query_ids)
        return of_a, of_a if self.b == self.a else read_lists(self.b, self.query_ids)


def _grade_figures(
    reader: _Reader,
    measure: Measure,
    *,
    values: Callable[[EvaluationRun, Metric, RankedLists, KnownGrades], Floats] = query_values,
) -> GradeFigures:
    a, b = reader.a, reader.b
    lists_a, lists_b = reader.lists
    query_ids, metric, count = reader.query_ids, measure.metric, len(reader.query_ids)
    documents = pair_documents(lists_a, lists_b)
    in_a, in_b = ((places > 0) & (places <= measure.k) for places in (documents.place_a, documents.place_b))
    open_a, open_b = in_a & (documents.grade_a == UNJUDGED), in_b & (documents.grade_b == UNJUDGED)
    known_a = read_known_grades(a, query_ids)
    # Unlocked runs of one corpus and scale know the same; a locked one knows what it knew then.
    known_b = known_a if a == b or not (a.is_locked or b.is_locked) else read_known_grades(b, query_ids)
    low, high = np.full((2, count), np.nan)
    if has_range(metric):
        grade_count = a.grading_scale.maximum + 1
        judged = known_a.counts(count, grade_count)
        low, high = delta_ranges(metric, documents.paired(judged), relevant_from=a.relevant_from)
        unlike = np.zeros(count, dtype=np.bool_)
        unlike[documents.disagreeing_queries] = True
        if known_b is not known_a and needs_same_grades(metric):
            unlike |= (judged != known_b.counts(count, grade_count)).any(axis=1)
        low, high = (np.where(unlike, np.nan, side) for side in (low, high))
    value_a, value_b = values(a, metric, lists_a, known_a), values(b, metric, lists_b, known_b)
    return GradeFigures(
        value_a=value_a,
        value_b=value_b,
        unjudged_a=_count(documents.queries[open_a], count),
        unjudged_b=_count(documents.queries[open_b], count),
        undecided=_count(documents.queries[open_a | open_b], count),
        low=low,
        high=high,
        judged_only_delta=judged_only_values(b, metric, lists_b, known_b, value_b)
        - judged_only_values(a, metric, lists_a, known_a, value_a),
    )


def _count(queries: Integers, count: int) -> Integers:
    return np.bincount(queries, minlength=count)
