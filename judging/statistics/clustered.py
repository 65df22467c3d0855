"""Means of values that come in queries: the spread between queries is what counts, not that between values."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from judging.statistics.distributions import t_quantile, t_upper_tail
from judging.statistics.figures import TWO_SIDED


@dataclass(frozen=True, slots=True)
class ClusteredMean:
    """A mean over all values with a standard error over clusters; `df` is the number of clusters less 1."""

    mean: float
    standard_error: float
    df: int
    value_count: int

    @property
    def interval(self) -> tuple[float, float]:
        """Give the 95 % interval."""
        margin = t_quantile(TWO_SIDED, self.df) * self.standard_error
        return self.mean - margin, self.mean + margin

    def p_below(self, limit: float) -> float | None:
        """Give the one-sided p value of "the mean is at least `limit`"; None without any spread."""
        if not self.standard_error:
            return None
        return t_upper_tail((limit - self.mean) / self.standard_error, self.df)


def clustered_mean(sums: ArrayLike, counts: ArrayLike) -> ClusteredMean | None:
    """Compute sum(s) / sum(n) from the sum s and the number n of the values of each cluster (query).

    se = sqrt(g/(g-1) sum (s - m n)^2) / sum n over the g clusters with n > 0, df g - 1: the ratio estimator's
    (Cochran 1977, ch. 6), the same as least squares on a constant with clustered errors. None below two clusters.
    """
    totals, sizes = np.asarray(sums, dtype=np.float64), np.asarray(counts, dtype=np.float64)
    totals, sizes = totals[sizes > 0], sizes[sizes > 0]
    clusters, size = len(sizes), float(sizes.sum())
    if clusters < 2:
        return None
    mean = float(totals.sum()) / size
    squares = float(((totals - mean * sizes) ** 2).sum())
    error = math.sqrt(clusters / (clusters - 1) * squares) / size
    return ClusteredMean(mean, error if error > 1e-12 else 0.0, clusters - 1, round(size))
