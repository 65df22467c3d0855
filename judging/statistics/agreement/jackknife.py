"""Intervals of figures of agreement: delete one query at a time. Deterministic, no replicates, no seed.

Pairs of one query share its difficulty, so an interval over pairs covers 40 % where it says 95; over queries it holds.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from judging.statistics.agreement.coefficients import (
    AGREEMENT_FIGURES,
    AgreementFigure,
    Coefficient,
    FigureName,
    coefficient,
    is_constant,
)
from judging.statistics.distributions import t_quantile
from judging.statistics.figures import TWO_SIDED, Figure, refused
from judging.statistics.tables import Floats

MIN_QUERIES = 10
MIN_PAIRS = 50
ROUGH_BELOW_QUERIES = 20


@dataclass(frozen=True, slots=True)
class Interval:
    """Two bounds, and the standard error behind them, of Fisher's z where they were made on it."""

    low: float
    high: float
    standard_error: float


def jackknife_interval(value: float, without: Floats, *, pair_count: float | None = None) -> Interval:
    """Compute the 95 % interval of a statistic from its values without each of n queries, n > 1.

    s^2 = (n - 1)/n sum (z_(q) - mean)^2, interval z(value) -+ t(0.975, n - 1) s. With `pair_count` N, for what lies
    between -1 and 1, z is Fisher's atanh, clipped to 1 - 1/(2N), else the value itself. Method, "Interval"; the
    delete-one jackknife is Tukey's (Miller 1974, doi.org/10.1093/biomet/61.1.1).
    """
    count, centre, z = len(without), value, without
    if pair_count is not None:
        limit = 1 - 1 / (2 * pair_count)
        z = np.arctanh(np.clip(without, -limit, limit))
        centre = math.atanh(min(max(value, -limit), limit))
    error = math.sqrt((count - 1) / count * float(((z - z.mean()) ** 2).sum()))
    # What differs by rounding alone does not differ.
    error = error if error > 1e-12 else 0.0
    margin = t_quantile(TWO_SIDED, count - 1) * error
    back: Callable[[float], float] = float if pair_count is None else math.tanh
    return Interval(back(centre - margin), back(centre + margin), error)


def agreement_figure(tables: ArrayLike, name: FigureName, *, relevant_from: int) -> Figure:
    """Compute one figure of agreement with its interval from per-query tables, shape (queries, G, G).

    Refused: `too_few_queries` below 10 queries with a pair or 50 pairs, `no_variance` where both sides gave one grade
    throughout or no query changes the figure; rough below 20 queries. The interval stands for these queries and for
    queries like these alike. Method, "Interval".
    """
    kind = next(figure for figure in AGREEMENT_FIGURES if figure.name == name)
    return _figure(_with_a_pair(tables), kind, relevant_from=relevant_from)


def agreement_figures(tables: ArrayLike, *, relevant_from: int) -> dict[FigureName, Figure]:
    """Compute all figures of agreement by name, as `agreement_figure` does each."""
    paired = _with_a_pair(tables)
    return {kind.name: _figure(paired, kind, relevant_from=relevant_from) for kind in AGREEMENT_FIGURES}


def _with_a_pair(tables: ArrayLike) -> Floats:
    whole = np.asarray(tables, dtype=np.float64)
    if whole.ndim != 3 or whole.shape[1] != whole.shape[2]:
        raise ValueError(f"tables have the shape (queries, G, G), not {whole.shape}")
    paired: Floats = whole[whole.sum((1, 2)) > 0]
    return paired


def _figure(tables: Floats, kind: AgreementFigure, *, relevant_from: int) -> Figure:
    grade_count = round(float(tables.sum()))
    if is_constant(tables.sum(0)) and not _is_too_small(len(tables), grade_count, MIN_PAIRS):
        return refused("no_variance", method="jackknife_by_query", query_count=len(tables), grade_count=grade_count)
    statistic = coefficient(kind.name, relevant_from=relevant_from)
    return jackknife_figure(tables, statistic, is_bounded=kind.is_bounded)


def jackknife_figure(tables: Floats, statistic: Coefficient, *, is_bounded: bool) -> Figure:
    """Give a statistic of summed (queries, G, G) tables as a figure with its jackknife interval, or refused."""
    total = tables.sum(0)
    pair_count = float(total.sum())
    return figure_from(
        float(statistic(total)),
        np.asarray(statistic(total - tables)),
        pair_count=pair_count if is_bounded else None,
        grade_count=round(pair_count),
    )


def figure_from(
    value: float, without: Floats, *, pair_count: float | None, grade_count: int, min_grades: int = MIN_PAIRS
) -> Figure:
    """Give a figure from a statistic and its values without each query, as `jackknife_interval` takes them.

    Refused: `too_few_queries` below 10 queries or `min_grades` grades; `no_variance` where leaving out a query never
    changes the statistic, whose interval would look sure. Rough below 20 queries.
    """
    query_count = len(without)
    if _is_too_small(query_count, grade_count, min_grades):
        return refused("too_few_queries", method="jackknife_by_query", query_count=query_count, grade_count=grade_count)
    found = jackknife_interval(value, without, pair_count=pair_count)
    if not found.standard_error:
        return refused("no_variance", method="jackknife_by_query", query_count=query_count, grade_count=grade_count)
    return Figure(
        value=value,
        low=found.low,
        high=found.high,
        low_total=found.low,
        high_total=found.high,
        method="jackknife_by_query",
        query_count=query_count,
        grade_count=grade_count,
        is_rough=query_count < ROUGH_BELOW_QUERIES,
    )


def _is_too_small(query_count: int, grade_count: int, min_grades: int) -> bool:
    return query_count < MIN_QUERIES or grade_count < min_grades
