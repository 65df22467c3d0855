"""Two versions of a judge on the same candidates: what changed, and is the distribution of grades another one?

From flip tables, one per query, rows old, columns new. Flips of one query come together, so McNemar, Bowker and
Stuart-Maxwell cry wolf 15 to 53 % of the time where they say 5; these tests are over queries. Method, "Two judge
versions on the same candidates".
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from judging.statistics.clustered import ClusteredMean, clustered_mean
from judging.statistics.distributions import f_upper_tail
from judging.statistics.tables import Floats


@dataclass(frozen=True, slots=True)
class Flips:
    """How many pairs were compared, and which of them changed; `matrix` sums the tables."""

    compared_count: int
    up_count: int
    down_count: int
    matrix: Floats

    @property
    def changed_count(self) -> int:
        """Give the number of pairs with another grade than before."""
        return self.up_count + self.down_count


def count_flips(tables: ArrayLike) -> Flips:
    """Count what went up and down, from tables of shape (queries, G, G)."""
    matrix = np.asarray(tables, dtype=np.float64).sum(0)
    return Flips(
        compared_count=round(float(matrix.sum())),
        up_count=round(float(np.triu(matrix, 1).sum())),
        down_count=round(float(np.tril(matrix, -1).sum())),
        matrix=matrix,
    )


def signed_change(tables: ArrayLike) -> ClusteredMean | None:
    """Compute the mean change in grades, new minus old, clustered by query; None below two queries.

    On tables folded with `relevance_tables` it is the change of the share called relevant.
    """
    counts = np.asarray(tables, dtype=np.float64)
    grades = np.arange(counts.shape[-1])
    change = (grades[None, :] - grades[:, None]).astype(np.float64)
    return clustered_mean((counts * change).sum((1, 2)), counts.sum((1, 2)))


@dataclass(frozen=True, slots=True)
class HotellingTest:
    """Hotelling's T-squared over queries with its F and p value; `k` grades vary freely."""

    t_squared: float
    f: float
    k: int
    query_count: int
    p_value: float


def equal_distribution(tables: ArrayLike) -> HotellingTest | None:
    """Test whether old and new use the grades alike: Hotelling's T-squared of the row minus column margins by query.

    T2 = n m' S^-1 m, F = T2 (n - k) / (k (n - 1)) with k grades used by either, less one (Hotelling 1931). None where
    it cannot be told: n <= k + 1 queries, or margins that do not vary in k directions.
    """
    counts = np.asarray(tables, dtype=np.float64)
    counts = counts[counts.sum((1, 2)) > 0]
    used = counts.sum((0, 1)) + counts.sum((0, 2)) > 0
    differences = (counts.sum(2) - counts.sum(1))[:, used][:, :-1]
    n, k = differences.shape
    if k < 1 or n <= k + 1:
        return None
    mean = differences.mean(0)
    spread = np.atleast_2d(np.cov(differences, rowvar=False))
    if np.linalg.matrix_rank(spread) < k:
        return None
    t_squared = n * float(mean @ np.linalg.solve(spread, mean))
    f = t_squared * (n - k) / (k * (n - 1))
    return HotellingTest(t_squared, f, k, n, f_upper_tail(f, k, n - k))
