"""What people would say of NDCG and its kin, from whole queries: regression on the AI's value of each query.

Every short cut by documents fails for these metrics, whose errors cluster by query and do not average out (coverage
0 to 55 % where it says 95). Method, "Everything else: whole queries".
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from judging.statistics.distributions import t_quantile
from judging.statistics.figures import TWO_SIDED, Figure, refused
from judging.statistics.tables import Floats

MIN_QUERIES = 30
ROUGH_BELOW_QUERIES = 45
MIN_DISAGREEMENTS = 5
DISAGREEMENT = 0.02
MIN_QUERIES_FOR_TOTAL = 10
_NO_VARIANCE = 1e-12


@dataclass(frozen=True, slots=True)
class QueryEstimate:
    """Value and variances of an estimate by query; `slope` is lambda, how far the AI's values are believed, 0 to 1.

    `variance` is the judge's error on these queries (0 when all are graded), `query_variance` that of sampling
    queries; `disagreements` counts sampled queries where people and AI differ by more than 0.02.
    """

    value: float
    slope: float
    variance: float
    query_variance: float
    disagreements: int
    query_count: int
    population_count: int

    @property
    def total_variance(self) -> float:
        """Give the variance for queries like these."""
        return self.variance + self.query_variance

    @property
    def half_width(self) -> float:
        """Give half the width of the 95 % interval for these queries."""
        return t_quantile(TWO_SIDED, self.query_count - 2) * math.sqrt(self.variance)

    @property
    def total_half_width(self) -> float:
        """Give half the width of the 95 % interval for queries like these."""
        return t_quantile(TWO_SIDED, self.query_count - 2) * math.sqrt(self.total_variance)

    @property
    def width_ratio(self) -> float | None:
        """Say how many times as wide the total interval is as if people had graded everything; None for infinitely."""
        return math.sqrt(self.total_variance / self.query_variance) if self.query_variance > 0 else None


def estimate_by_query(people: ArrayLike, ai: ArrayLike, ai_of_all: ArrayLike) -> QueryEstimate:
    """Estimate the mean of a metric over all N queries from n of them that people settled, drawn at random.

    `people` and `ai` hold the metric of the n queries by people's and by the AI's grades, `ai_of_all` that by the AI's
    of all N (the n included). lambda = clip(cov/var, 0, 1); value = lambda mean_N(f) + mean_n(y - lambda f); the
    variance is the jackknife's over queries, lambda refitted, times 1 - n/N. Regression estimator (Cochran 1977, ch.
    7), PPI++ (Angelopoulos et al. 2023, arXiv 2311.01453) with a jackknife. Raises `ValueError` below 3 queries.
    """
    y, f, everywhere = (np.asarray(values, dtype=np.float64) for values in (people, ai, ai_of_all))
    n, N = len(y), len(everywhere)
    if n < 3 or n > N or len(f) != n:
        raise ValueError(f"{n} and {len(f)} values of {N} queries: at least 3, and as many of people as of the AI")
    mean_of_all = float(everywhere.mean())
    # Centred, so that the sums below lose no digits.
    y0, f0 = float(y.mean()), float(f.mean())
    centred_y, centred_f = y - y0, f - f0

    def fit(sums: tuple[Floats, Floats, Floats, Floats], count: int) -> tuple[Floats, Floats]:
        sum_y, sum_f, sum_yf, sum_ff = sums
        covariance = sum_yf / count - sum_y * sum_f / count**2
        spread = sum_ff / count - (sum_f / count) ** 2
        slope = np.divide(covariance, spread, out=np.zeros(np.shape(spread)), where=spread > _NO_VARIANCE)
        slope = np.clip(slope, 0, 1)
        return slope * (mean_of_all - f0) + y0 + (sum_y - slope * sum_f) / count, slope

    terms = (centred_y, centred_f, centred_y * centred_f, centred_f**2)
    totals = tuple(np.asarray(term.sum()) for term in terms)
    value, slope = fit((totals[0], totals[1], totals[2], totals[3]), n)
    without, _ = fit((totals[0] - terms[0], totals[1] - terms[1], totals[2] - terms[2], totals[3] - terms[3]), n - 1)
    jackknife = (n - 1) / n * float(((without - without.mean()) ** 2).sum())
    believed = float(slope)
    return QueryEstimate(
        value=float(value),
        slope=believed,
        variance=(1 - n / N) * jackknife,
        query_variance=float(believed**2 * everywhere.var(ddof=1) + (y - believed * f).var(ddof=1)) / N,
        disagreements=int((np.abs(y - f) > DISAGREEMENT).sum()),
        query_count=n,
        population_count=N,
    )


def query_figure(estimate: QueryEstimate, *, grade_count: int, value_range: tuple[float, float] = (0.0, 1.0)) -> Figure:
    """Give an estimate by query as a figure with both intervals, clipped to the metric's range, or refused.

    Refused: `too_few_queries` below 30 queries, `too_few_disagreements` where people and AI differ by more than 0.02
    on fewer than 5 of them; neither when all queries are graded, where the interval for these queries has no width and
    the total one needs 10 queries. Rough below 45. Method, "Everything else: whole queries".
    """
    is_complete = estimate.query_count == estimate.population_count
    query_count = estimate.query_count
    if not is_complete and estimate.query_count < MIN_QUERIES:
        return refused(
            "too_few_queries", method="regression_by_query", query_count=query_count, grade_count=grade_count
        )
    if not is_complete and estimate.disagreements < MIN_DISAGREEMENTS:
        return refused(
            "too_few_disagreements", method="regression_by_query", query_count=query_count, grade_count=grade_count
        )
    lowest, highest = value_range
    half, total = estimate.half_width, estimate.total_half_width
    has_total = estimate.query_count >= MIN_QUERIES_FOR_TOTAL
    bounds = [min(max(estimate.value + margin, lowest), highest) for margin in (0, -half, half, -total, total)]
    return Figure(
        value=bounds[0],
        low=bounds[1],
        high=bounds[2],
        low_total=bounds[3] if has_total else None,
        high_total=bounds[4] if has_total else None,
        method="regression_by_query",
        is_rough=estimate.query_count < ROUGH_BELOW_QUERIES and not is_complete,
        query_count=query_count,
        grade_count=grade_count,
    )
