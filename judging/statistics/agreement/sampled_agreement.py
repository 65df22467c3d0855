"""Agreement on one run's own grades, from a check sample of them: how well do AI and people agree here?

The sample's table is weighted, its rows calibrated to how often the AI gave each grade in the run (known), and the
figure's influence values go through the estimate by document like any gain. Method, "Interval" (`this_run`); without
the calibration coverage falls to 77 to 90 %.
"""

import math
from dataclasses import replace

import numpy as np

from judging.statistics.agreement.coefficients import (
    AGREEMENT_FIGURES,
    Coefficient,
    FigureName,
    coefficient,
    is_constant,
)
from judging.statistics.distributions import t_quantile
from judging.statistics.estimates.by_document import Population, document_figure, estimate_by_document
from judging.statistics.figures import TWO_SIDED, Figure, refused
from judging.statistics.tables import Flags, Floats, Integers

_STEP = 1e-5  # of the table's sum; central differences of a smooth function err by its square


def sampled_agreement(
    name: FigureName,
    *,
    ai: Integers,
    people: Integers,
    queries: Integers,
    query_count: int,
    grade_count: int,
    is_sampled: Flags,
    probabilities: Floats,
    relevant_from: int,
    skipped_share: float = 0.0,
) -> Figure:
    """Estimate a figure of agreement over all candidates of a run that have an AI grade, from a sample of them.

    All arrays have one entry per such candidate; `people` is read where `is_sampled`. `low` and `high` hold for this
    run, `low_total` and `high_total` for queries like these. Refused as an estimate by document is, and where both
    sides gave one grade throughout (`no_variance`).
    """
    chosen = np.flatnonzero(is_sampled)
    sampled_queries = len(np.unique(queries[chosen]))
    if not chosen.size:
        return refused(
            "too_few_grades", method="difference_by_document", query_count=sampled_queries, grade_count=len(chosen)
        )
    statistic = coefficient(name, relevant_from=relevant_from)
    table = calibrated_table(ai, people, chosen, 1 / probabilities[chosen], grade_count)
    if is_constant(table):
        return refused(
            "no_variance", method="difference_by_document", query_count=sampled_queries, grade_count=len(chosen)
        )
    influence = influence_values(statistic, table)
    y = np.zeros(len(ai))
    y[chosen] = influence[ai[chosen], people[chosen]]
    # Of any answer that people could have given to the grades the AI uses, not only of those they gave.
    possible = influence[np.bincount(ai, minlength=grade_count) > 0]
    population = Population(
        weights=np.full(len(ai), 1 / len(ai)),
        classes=ai,
        queries=queries,
        query_count=query_count,
        grade_count=grade_count,
        gain_range=float(possible.max() - possible.min()),
        value_range=(-math.inf, math.inf),
    )
    estimate = estimate_by_document(population, y, is_sampled, probabilities)
    linear = document_figure(population, estimate, skipped_share=skipped_share)
    if linear.refused_code:
        return linear
    value = float(statistic(table))
    if not estimate.variance and len(chosen) < len(ai):
        return refused(
            "no_variance", method="difference_by_document", query_count=sampled_queries, grade_count=len(chosen)
        )
    is_bounded = next(figure.is_bounded for figure in AGREEMENT_FIGURES if figure.name == name)
    # The exact bound is one of the figure itself, and at its end Fisher's z would blow it up.
    on_z = is_bounded and not estimate.is_exact_bound
    low, high = _bounds(value, estimate.half_width, len(chosen), on_z=on_z)
    total = t_quantile(TWO_SIDED, max(query_count - 1, 1)) * math.sqrt(estimate.total_variance)
    low_total, high_total = _bounds(value, total, len(chosen), on_z=on_z)
    if is_bounded:
        low, high, low_total, high_total = (min(max(bound, -1.0), 1.0) for bound in (low, high, low_total, high_total))
    if linear.low_total is None:
        return replace(linear, value=value, low=low, high=high)
    return replace(linear, value=value, low=low, high=high, low_total=low_total, high_total=high_total)


def calibrated_table(ai: Integers, people: Integers, chosen: Integers, w: Floats, grade_count: int) -> Floats:
    """Weight the sampled pairs and scale each row to the run's count of that AI grade; rows without one stay 0."""
    cells = ai[chosen] * grade_count + people[chosen]
    table = np.bincount(cells, weights=w, minlength=grade_count**2).reshape(grade_count, grade_count)
    sums, known = table.sum(1), np.bincount(ai, minlength=grade_count)
    scale = np.divide(known, sums, out=np.zeros(grade_count), where=sums > 0)
    return np.asarray(table * scale[:, None])


def influence_values(statistic: Coefficient, table: Floats) -> Floats:
    """Give what one more pair in each cell does to the figure, times the number of pairs: the derivative by cell."""
    step = float(table.sum()) * _STEP
    shifts = (np.eye(table.size) * step).reshape(table.size, *table.shape)
    slopes = (statistic(table + shifts) - statistic(table - shifts)) / (2 * step)
    return np.asarray(slopes.reshape(table.shape) * table.sum())


def _bounds(value: float, half_width: float, pair_count: int, *, on_z: bool) -> tuple[float, float]:
    """Put an interval around the value, on Fisher's z where it is told to."""
    if not on_z or not half_width:
        return value - half_width, value + half_width
    limit = 1 - 1 / (2 * pair_count)
    z = math.atanh(min(max(value, -limit), limit))
    margin = half_width / (1 - math.tanh(z) ** 2)
    return math.tanh(z - margin), math.tanh(z + margin)
