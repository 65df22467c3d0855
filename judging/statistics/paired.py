"""Two runs query by query: the average difference with its interval, what chance alone would give, and what is unseen.

Method, "Comparing runs: figures".
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from judging.statistics.distributions import t_quantile
from judging.statistics.figures import TWO_SIDED, Figure, refused
from judging.statistics.tables import Floats

MIN_QUERIES = 10
ROUGH_BELOW_QUERIES = 20
TIE = 1e-9
FLIPS = 10_000
POWER = 0.80

_SEED = 20_260_101
# With so few differences all of their 2^m sign patterns are fewer than the random ones would be.
_MOST_ENUMERATED = 13
_BLOCK = 8  # signs to a random byte
_NO_VARIANCE = 1e-12


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """How b differs from a over the queries that have both values.

    `figure` is the mean of b - a with its paired t interval, refused below 10 queries (`too_few_queries`) and where
    every query differs by the same amount but 0 (`no_variance`): nothing then says how far others might be. Where no
    query differs at all it is 0 with an interval 0 wide. `p_randomisation` and `minimum_detectable_difference` are None
    below 10 queries; wins, ties and losses stand always.
    """

    figure: Figure
    p_randomisation: float | None
    wins: int
    ties: int
    losses: int
    minimum_detectable_difference: float | None

    @property
    def query_count(self) -> int:
        """Give the number of queries compared."""
        return self.wins + self.ties + self.losses

    @property
    def is_same_throughout(self) -> bool:
        """Say whether no query differs."""
        return self.query_count > 0 and self.ties == self.query_count


def compare_paired(a: ArrayLike, b: ArrayLike) -> list[PairedComparison]:
    """Compare b with a, both of shape (queries, metrics), NaN where a query has no value; one answer per metric.

    Deterministic, and the same whatever the order of the queries. Raises `ValueError` for arrays of other shapes.
    """
    before, after = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if before.ndim != 2 or before.shape != after.shape:
        raise ValueError("a and b have one row per query and one column per metric each")
    differences = after - before
    p_values = sign_flip_p(differences)
    return [_comparison(column[~np.isnan(column)], p) for column, p in zip(differences.T, p_values, strict=True)]


def _comparison(differences: Floats, p: float) -> PairedComparison:
    wins, losses = int((differences > TIE).sum()), int((differences < -TIE).sum())
    figure = difference_figure(differences)
    is_enough = len(differences) >= MIN_QUERIES
    return PairedComparison(
        figure=figure,
        p_randomisation=p if is_enough else None,
        wins=wins,
        ties=len(differences) - wins - losses,
        losses=losses,
        minimum_detectable_difference=None if figure.refused_code else minimum_detectable_difference(differences),
    )


def difference_figure(differences: ArrayLike) -> Figure:
    """Give the mean of paired differences, one per query, with its t interval (Student 1908).

    mean +- t(0.975, Q - 1) sd / sqrt(Q). It is over queries, hence for queries like these; both pairs of bounds carry
    it, as those of agreement do. Rough below 20 queries.
    """
    d = np.asarray(differences, dtype=np.float64)
    count = len(d)
    if count < MIN_QUERIES:
        return refused("too_few_queries", method="paired_by_query", query_count=count, grade_count=0)
    mean, deviation = float(d.mean()), _deviation(d)
    if not deviation and abs(mean) > TIE:
        return refused("no_variance", method="paired_by_query", query_count=count, grade_count=0)
    margin = t_quantile(TWO_SIDED, count - 1) * deviation / math.sqrt(count)
    low, high = mean - margin, mean + margin
    return Figure(
        mean, low, high, low, high, "paired_by_query", count, grade_count=0, is_rough=count < ROUGH_BELOW_QUERIES
    )


def minimum_detectable_difference(differences: ArrayLike) -> float:
    """Give the true difference that so many queries would show four times out of five.

    (t(0.975, Q - 1) + t(0.80, Q - 1)) sd / sqrt(Q). Raises `ValueError` below two queries.
    """
    d = np.asarray(differences, dtype=np.float64)
    if len(d) < 2:
        raise ValueError("one query has no spread")
    df = len(d) - 1
    return (t_quantile(TWO_SIDED, df) + t_quantile(POWER, df)) * _deviation(d) / math.sqrt(len(d))


def _deviation(differences: Floats) -> float:
    """Compute the standard deviation; what rounding left of equal differences is none."""
    deviation = float(differences.std(ddof=1))
    return deviation if deviation > _NO_VARIANCE else 0.0


def sign_flip_p(differences: ArrayLike, *, flips: int = FLIPS) -> list[float]:
    """Give for each column the p value of "no difference", by flipping the signs of its differences at random.

    `differences` has shape (queries, metrics), NaN where a query has none. p is the share of flips whose sum is at least
    as far from 0 as the one seen (Fisher 1935; for retrieval Smucker, Allan and Carterette 2007). With up to 13
    differences that are not 0, over all of their 2^m patterns; else over `flips` random ones and the one seen, so that p
    is never 0 (Phipson and Smyth 2010). The seed is fixed, and differences are sorted by size first: the same values
    give the same p in any order, and with a and b exchanged. Takes memory for `flips` sums, whatever the queries.
    """
    d = np.nan_to_num(np.atleast_2d(np.asarray(differences, dtype=np.float64)), nan=0.0)
    sizes = -np.sort(-np.abs(d), axis=0)
    seen = np.abs(d.sum(0))
    # Sums of the same numbers in another order differ in the last bits.
    at_least = seen - 1e-12 * sizes.sum(0)
    counts = np.count_nonzero(sizes > TIE, axis=0)
    p_values = np.ones(d.shape[1])
    for column in np.flatnonzero((counts > 0) & (counts <= _MOST_ENUMERATED)):
        sums = _all_sums(sizes[: counts[column], column])
        p_values[column] = np.mean(np.abs(sums) >= at_least[column])
    many = np.flatnonzero(counts > _MOST_ENUMERATED)
    if many.size:
        sums = _random_sums(sizes[: counts.max(), many], flips)
        hits = np.count_nonzero(np.abs(sums) >= at_least[many, None], axis=1)
        p_values[many] = (hits + 1) / (flips + 1)
    return [float(p) for p in p_values]


def _all_sums(sizes: Floats) -> Floats:
    """Sum the sizes with each pattern of signs: 2^m sums."""
    sums = np.zeros(1)
    for size in sizes:
        sums = np.concatenate([sums + size, sums - size])
    return sums


def _random_sums(sizes: Floats, flips: int) -> Floats:
    """Sum the sizes with random signs: shape (metrics, flips). The metrics share the signs.

    Eight queries at a time: a random byte picks one of their 256 signed sums.
    """
    random = np.random.default_rng(_SEED)
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
    signs = 1.0 - 2.0 * bits
    sums = np.zeros((sizes.shape[1], flips))
    for start in range(0, len(sizes), _BLOCK):
        block = sizes[start : start + _BLOCK]
        # Contiguous by metric: looking up is what takes the time here.
        patterns = np.ascontiguousarray((signs[:, : len(block)] @ block).T)
        picked = np.frombuffer(random.bytes(flips), dtype=np.uint8)
        sums += np.take(patterns, picked, axis=1, mode="clip")
    return sums


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p values for having looked at all of them (Holm 1979), in the order given.

    The i-th smallest of m is multiplied by m - i + 1; none falls below one before it, none exceeds 1.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return [float(value) for value in adjusted]
