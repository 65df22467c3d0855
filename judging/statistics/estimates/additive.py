"""Additive metrics as sums of weight times gain, one term per candidate: what a sample of documents can estimate.

P@k, DCG@k, SDCG@k, RBP and differences of two runs in one of them. Everything else (NDCG and its kin) divides by what
is not known from a sample of documents. Method, "Weights and values".
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from judging.metrics import Metric
from judging.metrics.computation import RBP_PERSISTENCE
from judging.statistics.tables import Floats, Integers, integers, sums_by


@dataclass(frozen=True, slots=True)
class AdditiveFamily:
    """The weight of ranks before a cut-off, and what a grade counts for.

    A gain is 1 or 0 for relevant or not ("binary"), 2^grade - 1 ("exponential"), or that as a share of the scale's
    greatest ("share"). The weights add up to at most 1, or to what they are where gains are exponential.
    """

    weights: Callable[[Integers, int], Floats]
    gain: Literal["binary", "exponential", "share"]


def _discounts(ranks: Integers) -> Floats:
    return np.asarray(1 / np.log2(ranks + 1.0))


def _ranks(cutoff: int) -> Integers:
    return np.arange(1, cutoff + 1)


ADDITIVE_FAMILIES = {
    "P": AdditiveFamily(lambda ranks, cutoff: np.full(len(ranks), 1 / cutoff), "binary"),
    "DCG": AdditiveFamily(lambda ranks, cutoff: _discounts(ranks), "exponential"),
    "SDCG": AdditiveFamily(lambda ranks, cutoff: _discounts(ranks) / _discounts(_ranks(cutoff)).sum(), "share"),
    "RBP": AdditiveFamily(
        lambda ranks, cutoff: np.asarray((1 - RBP_PERSISTENCE) * RBP_PERSISTENCE ** (ranks - 1.0)), "binary"
    ),
}


def is_additive(metric: Metric) -> bool:
    """Say whether a metric can be estimated from a sample of documents."""
    return metric.family in ADDITIVE_FAMILIES


def depth_of_estimate(metric: Metric) -> float:
    """Give how deep in the lists the candidates lie that a metric is estimated from: all of whole queries if not additive."""
    return metric.cutoff if metric.cutoff is not None and is_additive(metric) else math.inf


def rank_weights(metric: Metric, ranks: ArrayLike, *, query_count: int) -> Floats:
    """Give the weight W of each candidate from its rank (1, 2, ...); 0 below the metric's cut-off.

    `query_count` is Q, the queries that the metric is a mean over; the metric is sum(W * gain) over all of them.
    Raises `ValueError` for a metric that is not additive.
    """
    rank = integers(ranks)
    if rank.size and rank.min() < 1:
        raise ValueError("ranks begin at 1")
    if not is_additive(metric):
        raise ValueError(f"{metric.name} is not additive")
    weights = ADDITIVE_FAMILIES[metric.family].weights(rank, metric.cutoff or 0)
    if metric.cutoff is not None:
        weights = np.where(rank <= metric.cutoff, weights, 0.0)
    return np.asarray(weights / query_count)


def gains(metric: Metric, grades: ArrayLike, *, scale_maximum: int, relevant_from: int) -> Floats:
    """Give the gain y of each grade."""
    grade = integers(grades)
    gain = ADDITIVE_FAMILIES[metric.family].gain
    if gain == "binary":
        return (grade >= relevant_from).astype(np.float64)
    exponential: Floats = np.exp2(grade.astype(np.float64)) - 1
    return exponential / (2.0**scale_maximum - 1) if gain == "share" else exponential


def mean_gains(
    metric: Metric, candidate: ArrayLike, grades: ArrayLike, *, count: int, scale_maximum: int, relevant_from: int
) -> Floats:
    """Give the mean gain over the people of each candidate, shape (count,); NaN where nobody graded.

    `candidate` (0 to count - 1) and `grades` hold one entry per person's grade. The mean of the gains, not the gain of
    the mean: one person at random is unbiased for it. Method, "People".
    """
    of = integers(candidate)
    values = gains(metric, grades, scale_maximum=scale_maximum, relevant_from=relevant_from)
    people = sums_by(of, count=count)
    means: Floats = np.divide(sums_by(of, values, count=count), people, out=np.full(count, np.nan), where=people > 0)
    return means


def greatest_gain(metric: Metric, *, scale_maximum: int) -> float:
    """Give the range of the gain of one candidate, which begins at 0."""
    return 2.0**scale_maximum - 1 if ADDITIVE_FAMILIES[metric.family].gain == "exponential" else 1.0


def greatest_value(metric: Metric, *, scale_maximum: int) -> float:
    """Give the range of the metric, which begins at 0; a difference lies between minus this and this."""
    family = ADDITIVE_FAMILIES[metric.family]
    if family.gain == "exponential" and metric.cutoff is not None:
        weights = family.weights(_ranks(metric.cutoff), metric.cutoff)
        return greatest_gain(metric, scale_maximum=scale_maximum) * float(weights.sum())
    return 1.0
