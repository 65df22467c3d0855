"""Figures of agreement as functions of G x G tables, rows a (the AI), columns b (people).

Each takes tables of shape (..., G, G), counts or weights, and gives values of shape (...), so that all tables of a
jackknife go through at once. What would divide by zero is 0: inside a jackknife some table lacks a margin, and the
callers refuse a figure whose own table has none (`is_constant`). Formulas: method, "Figures".
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from judging.statistics.tables import Floats, relevance_tables

Coefficient = Callable[[Floats], Floats]

FigureName = Literal[
    "kappa_quadratic",
    "ac2_quadratic",
    "alpha_ordinal",
    "tau_b",
    "spearman",
    "exact",
    "within_one",
    "mean_absolute_error",
    "bias",
    "relevant_precision",
    "relevant_recall",
    "relevant_kappa",
]


@dataclass(frozen=True, slots=True)
class AgreementFigure:
    """A figure of agreement: its name in the API, and whether it lies between -1 and 1 by nature."""

    name: FigureName
    is_bounded: bool = True
    is_of_relevance: bool = False


AGREEMENT_FIGURES: tuple[AgreementFigure, ...] = (
    AgreementFigure("kappa_quadratic"),
    AgreementFigure("ac2_quadratic"),
    AgreementFigure("alpha_ordinal"),
    AgreementFigure("tau_b"),
    AgreementFigure("spearman"),
    AgreementFigure("exact"),
    AgreementFigure("within_one"),
    AgreementFigure("mean_absolute_error", is_bounded=False),
    AgreementFigure("bias", is_bounded=False),
    AgreementFigure("relevant_precision", is_of_relevance=True),
    AgreementFigure("relevant_recall", is_of_relevance=True),
    AgreementFigure("relevant_kappa", is_of_relevance=True),
)


def coefficient(name: FigureName, *, relevant_from: int) -> Coefficient:
    """Give the function behind a figure's name, the relevance figures with their threshold filled in."""
    if name in _OF_RELEVANCE:
        return partial(_OF_RELEVANCE[name], relevant_from=relevant_from)
    return _OF_GRADES[name]


def is_constant(table: ArrayLike) -> bool:
    """Say whether both sides gave one and the same grade throughout, where chance explains everything."""
    counts = np.asarray(table)
    return bool(np.count_nonzero(counts) == 1 and np.count_nonzero(np.diagonal(counts)) == 1)


def _share(numerator: ArrayLike, denominator: ArrayLike) -> Floats:
    top, bottom = np.broadcast_arrays(np.asarray(numerator, np.float64), np.asarray(denominator, np.float64))
    shares: Floats = np.divide(top, bottom, out=np.zeros(top.shape), where=bottom != 0)
    return shares


def _total(tables: Floats) -> Floats:
    return np.asarray(tables.sum((-2, -1)))


def _differences(grade_count: int) -> Floats:
    """Row minus column of each cell."""
    return np.subtract.outer(np.arange(grade_count), np.arange(grade_count)).astype(np.float64)


def _weighted(tables: Floats, weights: Floats) -> Floats:
    return np.asarray((tables * weights).sum((-2, -1)))


def kappa_quadratic(tables: Floats) -> Floats:
    """Compute Cohen's kappa with quadratic weights (Cohen 1968, doi.org/10.1037/h0026256)."""
    squares = _differences(tables.shape[-1]) ** 2
    rows, columns = tables.sum(-1), tables.sum(-2)
    expected = np.einsum("...i,ij,...j->...", rows, squares, columns)
    # Without an expected difference there is no observed one either, and the refusal is the caller's.
    return np.where(expected > 0, 1 - _share(_total(tables) * _weighted(tables, squares), expected), 0.0)


def kappa_nominal(tables: Floats) -> Floats:
    """Compute Cohen's kappa without weights (Cohen 1960, doi.org/10.1177/001316446002000104)."""
    total = _total(tables)
    observed = _share(np.trace(tables, axis1=-2, axis2=-1), total)
    expected = _share((tables.sum(-1) * tables.sum(-2)).sum(-1), total**2)
    return _share(observed - expected, 1 - expected)


def ac2_quadratic(tables: Floats) -> Floats:
    """Compute Gwet's AC2 with quadratic weights (Gwet 2008, doi.org/10.1348/000711006X126600; irrCAC's `gwet`)."""
    grade_count = tables.shape[-1]
    weights = 1 - (_differences(grade_count) / (grade_count - 1)) ** 2
    total = _total(tables)
    shares = _share(tables.sum(-1) + tables.sum(-2), 2 * total[..., None])
    observed = _share(_weighted(tables, weights), total)
    expected = weights.sum() / (grade_count * (grade_count - 1)) * (shares * (1 - shares)).sum(-1)
    return _share(observed - expected, 1 - expected)


def alpha_ordinal(tables: Floats) -> Floats:
    """Compute Krippendorff's alpha with ordinal differences, for two sides: each pair counts in both directions."""
    return alpha_of_coincidences(tables + np.swapaxes(tables, -1, -2))


def alpha_of_coincidences(coincidences: Floats) -> Floats:
    """Compute Krippendorff's ordinal alpha from coincidence matrices, whatever the number of people.

    Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability": 1 - (N - 1) sum(C d) / sum(n_k n_l d), d the
    squared difference of mid-ranks.
    """
    margins = coincidences.sum(-1)
    ranks = np.cumsum(margins, -1) - margins / 2
    distances = (ranks[..., :, None] - ranks[..., None, :]) ** 2
    expected = (margins[..., :, None] * margins[..., None, :] * distances).sum((-2, -1))
    observed = _weighted(coincidences, distances)
    return np.where(expected > 0, 1 - (margins.sum(-1) - 1) * _share(observed, expected), 0.0)


def tau_b(tables: Floats) -> Floats:
    """Compute Kendall's tau-b (Kendall 1945, doi.org/10.1093/biomet/33.3.239) from cumulative tables."""
    above = np.zeros((*tables.shape[:-2], tables.shape[-2] + 1, tables.shape[-1] + 1))
    above[..., 1:, 1:] = tables.cumsum(-1).cumsum(-2)
    concordant = _weighted(tables, above[..., :-1, :-1])  # partners in an earlier row and an earlier column
    discordant = _weighted(tables, above[..., :-1, -1:] - above[..., :-1, 1:])
    total, rows, columns = _total(tables), tables.sum(-1), tables.sum(-2)
    pairs = total * total
    untied = (pairs - (rows * rows).sum(-1)) * (pairs - (columns * columns).sum(-1))
    return _share(2 * (concordant - discordant), np.sqrt(np.maximum(untied, 0)))


def spearman(tables: Floats) -> Floats:
    """Compute Spearman's rank correlation, ties sharing their mean rank (Spearman 1904, doi.org/10.2307/1412159)."""
    rows, columns, half = tables.sum(-1), tables.sum(-2), _total(tables)[..., None] / 2
    x = np.cumsum(rows, -1) - rows / 2 - half
    y = np.cumsum(columns, -1) - columns / 2 - half
    covariance = np.einsum("...ij,...i,...j->...", tables, x, y)
    return _share(covariance, np.sqrt((rows * x * x).sum(-1) * (columns * y * y).sum(-1)))


def exact(tables: Floats) -> Floats:
    """Give the share of pairs with twice the same grade."""
    return _share(np.trace(tables, axis1=-2, axis2=-1), _total(tables))


def within_one(tables: Floats) -> Floats:
    """Give the share of pairs at most one grade apart."""
    near = (np.abs(_differences(tables.shape[-1])) <= 1).astype(np.float64)
    return _share(_weighted(tables, near), _total(tables))


def mean_absolute_error(tables: Floats) -> Floats:
    """Give the mean distance of the two grades, in grades."""
    return _share(_weighted(tables, np.abs(_differences(tables.shape[-1]))), _total(tables))


def bias(tables: Floats) -> Floats:
    """Give the mean of a minus b, in grades: above 0, the AI is more generous than people."""
    return _share(_weighted(tables, _differences(tables.shape[-1])), _total(tables))


def relevant_precision(tables: Floats, relevant_from: int) -> Floats:
    """Give the share of what a calls relevant that b does too."""
    folded = relevance_tables(tables, relevant_from)
    return _share(folded[..., 1, 1], folded[..., 1, :].sum(-1))


def relevant_recall(tables: Floats, relevant_from: int) -> Floats:
    """Give the share of what b calls relevant that a does too."""
    folded = relevance_tables(tables, relevant_from)
    return _share(folded[..., 1, 1], folded[..., :, 1].sum(-1))


def relevant_kappa(tables: Floats, relevant_from: int) -> Floats:
    """Compute Cohen's kappa of relevant or not."""
    return kappa_nominal(relevance_tables(tables, relevant_from))


_OF_GRADES: dict[str, Coefficient] = {
    "kappa_quadratic": kappa_quadratic,
    "ac2_quadratic": ac2_quadratic,
    "alpha_ordinal": alpha_ordinal,
    "tau_b": tau_b,
    "spearman": spearman,
    "exact": exact,
    "within_one": within_one,
    "mean_absolute_error": mean_absolute_error,
    "bias": bias,
}
_OF_RELEVANCE: dict[str, Callable[..., Floats]] = {
    "relevant_precision": relevant_precision,
    "relevant_recall": relevant_recall,
    "relevant_kappa": relevant_kappa,
}
