"""What people would say of an additive metric, from a sample of documents: the difference estimator.

Each AI grade stands for what people said of its kind, and what they said otherwise is added with its weight: unbiased
whatever the judge does, and the narrower the better the judge (Särndal, Swensson and Wretman 1992, ch. 6; "PPI" by
document, Angelopoulos et al. 2023). Method, "Estimator", "Refusals and fallbacks".
"""

import math
from dataclasses import dataclass

import numpy as np

from judging.statistics.distributions import clopper_pearson_upper, t_quantile
from judging.statistics.figures import TWO_SIDED, Figure, RefusedCode, refused
from judging.statistics.tables import Flags, Floats, Integers, sums_by

MIN_GRADES = 75
ROUGH_BELOW_GRADES = 100
MIN_QUERIES = 10
MIN_DISAGREEMENTS = 3
MAX_SKIPPED_SHARE = 0.10
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Population:
    """The candidates that a goal needs, all arrays of one entry each.

    `weights` W; `classes` the AI grade, or `grade_count` for "no AI grade"; `queries` codes below `query_count`, which
    also counts the queries without candidates; `gain_range` and `value_range` bound y and the metric.
    """

    weights: Floats
    classes: Integers
    queries: Integers
    query_count: int
    grade_count: int
    gain_range: float = 1.0
    value_range: tuple[float, float] = (0.0, 1.0)

    @property
    def class_count(self) -> int:
        """Give the number of grades of the scale, plus one where a candidate has no AI grade."""
        return self.grade_count + int(bool((self.classes == self.grade_count).any()))


@dataclass(frozen=True, slots=True)
class DocumentEstimate:
    """Value and variances of an estimate by document.

    `variance` V is the judge's error on these queries, `query_variance` what sampling of queries would add were all
    graded, `total_variance` both. `disagreements` is D, the sampled gains that differ from the median of their AI
    grade; below 3, V comes from the exact bound (`is_exact_bound`). `per_query` are the shares of the value.
    """

    value: float
    variance: float
    df: int
    query_variance: float
    total_variance: float
    disagreements: int
    is_exact_bound: bool
    grade_count: int
    query_count: int
    sampled_query_count: int
    per_query: Floats
    value_range: tuple[float, float]

    @property
    def half_width(self) -> float:
        """Give half the width of the 95 % interval for these queries."""
        return t_quantile(TWO_SIDED, max(self.df, 1)) * math.sqrt(self.variance)

    @property
    def total_half_width(self) -> float | None:
        """Give half the width of the 95 % interval for queries like these; None below two queries."""
        if self.query_count < 2:
            return None
        return t_quantile(TWO_SIDED, self.query_count - 1) * math.sqrt(self.total_variance)

    @property
    def width_ratio(self) -> float | None:
        """Say how many times as wide the total interval is as if people had graded everything; None for infinitely."""
        return math.sqrt(self.total_variance / self.query_variance) if self.query_variance > 0 else None


def estimate_by_document(
    population: Population, gains: Floats, is_sampled: Flags, probabilities: Floats
) -> DocumentEstimate:
    """Estimate sum(W y) over the population from the gains y of its sampled part.

    `gains` are read where `is_sampled`; `probabilities` are those of inclusion, at least there, and sum to the number
    sampled. Raises `ValueError` for an empty sample. Method, "Estimator" and the exact bound of "Refusals".
    """
    chosen = np.flatnonzero(is_sampled)
    if not chosen.size:
        raise ValueError("nothing was sampled")
    n, Q = len(chosen), population.query_count
    W, y, pi = population.weights, gains[chosen], probabilities[chosen]
    expected = _expected_gains(population, chosen, y, pi)
    d = W[chosen] * (y - expected[chosen]) / pi
    fitted = sums_by(population.queries, W * expected, count=Q)
    per_query = fitted + sums_by(population.queries[chosen], d, count=Q)

    variance, df = _block_variance(_blocks(population.queries[chosen], fitted), d, 1 - pi, population.class_count)
    query_spread = Q * float(per_query.var(ddof=1)) if Q > 1 else 0.0
    query_variance = max(query_spread - variance, 0.0)
    if query_variance <= (_ROUNDING * float(np.abs(W).sum()) * population.gain_range) ** 2:
        query_variance = 0.0

    disagreements = _disagreements(population.classes[chosen], y)
    is_complete = n == len(W)
    is_exact_bound = disagreements < MIN_DISAGREEMENTS and not is_complete
    if is_exact_bound:
        factor = t_quantile(TWO_SIDED, max(df, 1))
        bound = clopper_pearson_upper(disagreements, n) * float(np.abs(W).sum()) * population.gain_range
        variance = max(variance, (bound / factor) ** 2)
    return DocumentEstimate(
        value=float((W * expected).sum() + d.sum()),
        variance=variance,
        df=df,
        query_variance=query_variance,
        total_variance=query_variance + variance,
        disagreements=disagreements,
        is_exact_bound=is_exact_bound,
        grade_count=n,
        query_count=Q,
        sampled_query_count=len(np.unique(population.queries[chosen])),
        per_query=per_query,
        value_range=population.value_range,
    )


def document_figure(population: Population, estimate: DocumentEstimate, *, skipped_share: float = 0.0) -> Figure:
    """Give an estimate as a figure with both intervals, clipped to the metric's range, or refused.

    Refused: `too_many_skipped` above 10 % of the queue's beginning; `too_few_grades` below 75 grades or 10 sampled
    queries, unless all are graded; rough below 100. With all graded the interval for these queries has no width, and
    the total one needs 10 queries. Method, "Refusals and fallbacks".
    """
    is_complete = estimate.grade_count == len(population.weights)
    code = _refusal(estimate, is_complete=is_complete, skipped_share=skipped_share)
    if code:
        return refused(
            code,
            method="difference_by_document",
            query_count=estimate.sampled_query_count,
            grade_count=estimate.grade_count,
        )
    lowest, highest = estimate.value_range

    def clipped(bound: float) -> float:
        return min(max(bound, lowest), highest)

    half, total = estimate.half_width, estimate.total_half_width
    has_total = total is not None and estimate.query_count >= MIN_QUERIES
    return Figure(
        value=clipped(estimate.value),
        low=clipped(estimate.value - half),
        high=clipped(estimate.value + half),
        low_total=clipped(estimate.value - total) if has_total and total is not None else None,
        high_total=clipped(estimate.value + total) if has_total and total is not None else None,
        method="difference_by_document",
        query_count=estimate.sampled_query_count,
        grade_count=estimate.grade_count,
        is_rough=estimate.grade_count < ROUGH_BELOW_GRADES and not is_complete,
    )


def _refusal(estimate: DocumentEstimate, *, is_complete: bool, skipped_share: float) -> RefusedCode | None:
    if skipped_share > MAX_SKIPPED_SHARE:
        return "too_many_skipped"
    if is_complete:
        return None
    if estimate.grade_count < MIN_GRADES or estimate.sampled_query_count < MIN_QUERIES or estimate.df < 1:
        return "too_few_grades"
    return None


def _expected_gains(population: Population, chosen: Integers, y: Floats, pi: Floats) -> Floats:
    """Give m_c of each candidate: the mean gain of its AI grade, drawn a little to the mean of all."""
    classes, count = population.classes, population.grade_count + 1
    w = 1 / pi
    overall, mean_weight = float((w * y).sum() / w.sum()), float(w.mean())
    sums = sums_by(classes[chosen], w * y, count=count) + overall * mean_weight
    means = sums / (sums_by(classes[chosen], w, count=count) + mean_weight)
    return np.asarray(means[classes])


def _blocks(queries: Integers, fitted: Floats) -> Integers:
    """Give the block of each sampled candidate: its query, or for queries of one, a pair of them alike in AI value."""
    per_query = np.bincount(queries, minlength=len(fitted))
    block = np.arange(len(fitted))
    single = np.flatnonzero(per_query == 1)
    # Equal AI values differ in their last bits with the order of rows, which would pair other queries.
    value = np.round(fitted[single] / max(float(np.abs(fitted).max()), _ROUNDING), 9)
    single = single[np.lexsort((single, value))]
    if len(single) > 1:
        # 0 0 1 1 2 2 ..., the odd one out joining the last pair.
        pair = np.minimum(np.arange(len(single)) // 2, len(single) // 2 - 1)
        block[single] = single[2 * pair]
    return np.asarray(block[queries])


def _block_variance(block: Integers, d: Floats, rest: Floats, class_count: int) -> tuple[float, int]:
    """Give V and its degrees of freedom from the residuals d of the blocks and 1 - pi; blocks of one are left out."""
    n, size = len(d), np.bincount(block)
    sums = sums_by(block, rest)
    centre = np.divide(sums_by(block, rest * d), sums, out=np.zeros(len(sums)), where=sums > 0)
    squares = sums_by(block, rest * (d - centre[block]) ** 2)
    several = size > 1
    total = float((squares[several] * size[several] / (size[several] - 1)).sum())
    df = int((size[several] - 1).sum())
    return total * n / max(n - class_count, 1), df


def _disagreements(classes: Integers, y: Floats) -> int:
    """Count the gains that differ from the (lower) median of their class: the minority answers where y is 0 or 1."""
    order = np.lexsort((y, classes))
    values, sizes = y[order], np.bincount(classes)
    starts = sizes.cumsum() - sizes
    medians = values[np.minimum(starts + (np.maximum(sizes, 1) - 1) // 2, len(values) - 1)]
    return int((y != medians[classes]).sum())
