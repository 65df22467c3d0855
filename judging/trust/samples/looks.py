"""A look at a sample: how far its queue is graded, the estimate from that, and which items come next."""

from dataclasses import dataclass

import numpy as np

from judging.metrics import Metric
from judging.statistics.agreement.coefficients import FigureName
from judging.statistics.agreement.sampled_agreement import sampled_agreement
from judging.statistics.estimates import stopping
from judging.statistics.estimates.by_document import (
    MAX_SKIPPED_SHARE,
    DocumentEstimate,
    document_figure,
    estimate_by_document,
)
from judging.statistics.estimates.by_query import QueryEstimate, estimate_by_query, query_figure
from judging.statistics.estimates.review_queue import Beginning, beginning, inclusion_probabilities
from judging.statistics.estimates.settling import settle
from judging.statistics.figures import Figure, refused
from judging.statistics.tables import Floats, Integers, mean_grade, sums_by
from judging.trust.samples.plans import (
    DocumentPlan,
    Plan,
    QueryPlan,
    metric_weights,
    people_gains,
    population_of,
    query_value,
)

HEADLINE: FigureName = "kappa_quadratic"


@dataclass(frozen=True, eq=False)
class Look:
    """A sample as it stands. Counts are of items.

    `estimate` is None where nothing can be computed and for agreement; `figure` then says why, or is the agreement.
    `to_do` are the items to hand out, in order; `to_do_last` those that somebody skipped. `probabilities` by item are
    those of inclusion at the present number of grades. `unit_count` is what the variance shrinks with: grades, or
    settled queries of `unit_total`; `query_needs` is how many items each query still needs now, in the queue's order.
    """

    plan: Plan
    figure: Figure
    estimate: DocumentEstimate | QueryEstimate | None
    graded_count: int
    skipped_count: int
    ahead_count: int
    unit_count: int
    unit_total: int
    probabilities: Floats
    to_do: Integers
    to_do_last: Integers
    query_needs: Integers

    @property
    def population_count(self) -> int:
        return len(self.plan.items)

    @property
    def positions(self) -> Integers:
        """Return the place of each item in the queue, from 1."""
        places = np.empty(len(self.plan.order), dtype=np.int64)
        places[self.plan.order] = np.arange(1, len(places) + 1)
        return places

    @property
    def is_certified(self) -> bool:
        """Say whether the rule of a certificate holds now. Method, "Stop on width"."""
        estimate = self.estimate
        if estimate is None or self.figure.refused_code or self.figure.low_total is None:
            return False
        if isinstance(estimate, DocumentEstimate):
            return stopping.is_certified(
                variance=estimate.variance,
                query_variance=estimate.query_variance,
                grade_count=estimate.grade_count,
                population_count=self.population_count,
            )
        return estimate.variance <= stopping.CERTIFIED_VARIANCE_SHARE * estimate.query_variance

    @property
    def anytime_half_width(self) -> float | None:
        """Return half the width of the total interval that holds at all looks together; None where it is refused."""
        if self.estimate is None or self.figure.refused_code or self.figure.low_total is None:
            return None
        return stopping.anytime_half_width(self.estimate.total_variance, self.unit_count)


def look_at(plan: Plan) -> Look:
    """Look at a sample: everything that follows from the grades that count now."""
    return _look_at_documents(plan) if isinstance(plan, DocumentPlan) else _look_at_queries(plan)


# By document


def _look_at_documents(plan: DocumentPlan) -> Look:
    items = plan.items
    is_answered, is_skipped = items.is_answered, items.is_skipped
    begun = beginning(plan.order, is_answered, is_skipped)
    n = begun.answered_count
    probabilities = inclusion_probabilities(plan.sizes, n)
    estimate: DocumentEstimate | None = None
    if plan.metric is None:
        figure = agreement_figure(plan, begun, probabilities, HEADLINE)
    else:
        figure, estimate = _estimate_documents(plan, begun, probabilities, plan.metric)
    return Look(
        plan=plan,
        figure=figure,
        estimate=estimate,
        graded_count=n,
        skipped_count=begun.skipped_count,
        ahead_count=begun.ahead_count,
        unit_count=n,
        unit_total=len(items),
        probabilities=probabilities,
        to_do=plan.order[~(is_answered | is_skipped)[plan.order]],
        to_do_last=plan.order[is_skipped[plan.order]],
        query_needs=np.zeros(0, dtype=np.int64),
    )


def _estimate_documents(
    plan: DocumentPlan, begun: Beginning, probabilities: Floats, metric: Metric
) -> tuple[Figure, DocumentEstimate | None]:
    if not begun.answered_count:
        return refused("too_few_grades", method="difference_by_document", query_count=0, grade_count=0), None
    population = plan.population
    if metric is not plan.metric:
        weights = metric_weights(metric, plan.items)
        population = population_of(metric, plan.items, plan.scaling, weights)
    given = people_gains(metric, plan.items, plan.scaling)
    estimate = estimate_by_document(population, given, begun.is_sampled, probabilities)
    return document_figure(population, estimate, skipped_share=begun.skipped_share), estimate


def covering_estimate(look: Look, metric: Metric) -> tuple[Figure, DocumentEstimate | None]:
    """Estimate another additive metric from a sample of documents that holds all it looks at."""
    plan = look.plan
    assert isinstance(plan, DocumentPlan)
    begun = beginning(plan.order, plan.items.is_answered, plan.items.is_skipped)
    return _estimate_documents(plan, begun, look.probabilities, metric)


def agreement_of_look(look: Look, name: FigureName) -> Figure:
    """Estimate any figure of agreement from a sample that was made to learn of agreement."""
    plan = look.plan
    assert isinstance(plan, DocumentPlan)
    begun = beginning(plan.order, plan.items.is_answered, plan.items.is_skipped)
    return agreement_figure(plan, begun, look.probabilities, name)


def agreement_figure(plan: DocumentPlan, begun: Beginning, probabilities: Floats, name: FigureName) -> Figure:
    """Estimate a figure of agreement of AI and people over the run's own candidates (`scope=this_run`)."""
    items = plan.items
    if not len(items):
        return refused("no_ai_grades", method="difference_by_document", query_count=0, grade_count=0)
    return sampled_agreement(
        name,
        ai=items.ai,
        people=_rounded_means(plan),
        queries=plan.population.queries,
        query_count=plan.population.query_count,
        grade_count=plan.scaling.maximum + 1,
        is_sampled=begun.is_sampled,
        probabilities=probabilities,
        relevant_from=plan.scaling.relevant_from,
        skipped_share=begun.skipped_share,
    )


def _rounded_means(plan: Plan) -> Integers:
    """Return the rounded mean of people's blind grades by item, 0 where there is none."""
    items = plan.items
    counts = np.bincount(items.graded_items, minlength=len(items))
    sums = sums_by(items.graded_items, items.graded, count=len(items)).astype(np.int64)
    return np.where(counts > 0, mean_grade(sums, np.maximum(counts, 1)), 0)


# By whole queries


@dataclass(frozen=True, eq=False)
class _Settled:
    """How far whole queries are: by place in the queue, what each still needs and whether it was skipped."""

    needed: list[list[int]]
    is_settled: list[bool]
    is_skipped: list[bool]

    @property
    def begun_count(self) -> int:
        """Return the length of the longest beginning of queries settled or skipped."""
        done = [settled or skipped for settled, skipped in zip(self.is_settled, self.is_skipped, strict=True)]
        return done.index(False) if False in done else len(done)


def _look_at_queries(plan: QueryPlan) -> Look:
    items = plan.items
    is_answered, is_skipped = items.is_answered, items.is_skipped
    means = _rounded_means(plan)
    grades = {int(item): int(means[item]) for item in np.flatnonzero(is_answered)}
    state = _settle(plan, grades, set(np.flatnonzero(is_skipped).tolist()))
    begun = state.begun_count
    sampled = [place for place in range(begun) if state.is_settled[place]]
    in_sample = np.zeros(len(items), dtype=np.bool_)
    for place in sampled:
        in_sample[plan.pools[place]] = True
    graded_count = int((in_sample & is_answered).sum())
    values = [query_value(plan.metric, plan.scaling, plan.lists, plan.pools, place, grades) for place in sampled]
    figure, estimate = _estimate_queries(
        plan, sampled, values, grade_count=graded_count, skipped_share=(begun - len(sampled)) / begun if begun else 0.0
    )
    to_do: list[int] = []
    to_do_last: list[int] = []
    for place, needed in enumerate(state.needed):
        ordered = sorted(needed, key=items.numbers.__getitem__)
        (to_do_last if state.is_skipped[place] else to_do).extend(ordered)
    total = len(plan.ai_values)
    return Look(
        plan=plan,
        figure=figure,
        estimate=estimate,
        graded_count=graded_count,
        skipped_count=sum(bool(is_skipped[item]) for place in range(begun) for item in state.needed[place]),
        ahead_count=int((is_answered & ~in_sample).sum()),
        unit_count=len(sampled),
        unit_total=total,
        probabilities=np.full(len(items), len(sampled) / total if total else 0.0),
        to_do=np.array(to_do, dtype=np.int64),
        to_do_last=np.array(to_do_last, dtype=np.int64),
        query_needs=np.array([len(needed) for needed in state.needed], dtype=np.int64),
    )


def _settle(plan: QueryPlan, grades: dict[int, int], skipped: set[int]) -> _Settled:
    needed: list[list[int]] = []
    for place, pool in enumerate(plan.pools):
        wanted: dict[int, None] = {}
        for ranked in plan.lists:
            settling = settle(
                plan.metric,
                ranked[place],
                pool,
                grades,
                scale_maximum=plan.scaling.maximum,
                relevant_from=plan.scaling.relevant_from,
            )
            wanted.update(dict.fromkeys(settling.needed))
        needed.append(list(wanted))
    return _Settled(needed, [not each for each in needed], [any(item in skipped for item in each) for each in needed])


def _estimate_queries(
    plan: QueryPlan, sampled: list[int], values: list[float], *, grade_count: int, skipped_share: float
) -> tuple[Figure, QueryEstimate | None]:
    n, total = len(sampled), len(plan.ai_values)
    if skipped_share > MAX_SKIPPED_SHARE:
        code = refused("too_many_skipped", method="regression_by_query", query_count=n, grade_count=grade_count)
        return code, None
    if n < 3:
        if n and n == total:
            value = float(np.mean(values))
            figure = Figure(value, value, value, None, None, "regression_by_query", n, grade_count)
            return figure, None
        return refused("too_few_queries", method="regression_by_query", query_count=n, grade_count=grade_count), None
    estimate = estimate_by_query(values, plan.ai_values[sampled], plan.ai_values)
    lowest = -1.0 if len(plan.lists) > 1 else 0.0
    return query_figure(estimate, grade_count=grade_count, value_range=(lowest, 1.0)), estimate
