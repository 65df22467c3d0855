"""When a check sample is enough: rules that may be looked at after every grade, and what it will take.

A stop on width looks at the variance alone and may be looked at always (Chow and Robbins 1965); a stop on an answer
("A beats B") needs an interval that holds at all looks together, or it is wrong a third of the time.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from judging.statistics.distributions import normal_quantile
from judging.statistics.figures import LEVEL, TWO_SIDED

CERTIFIED_RATIO = 1.15
CERTIFIED_VARIANCE_SHARE = 0.3225  # 1.15^2 - 1: the total interval is then at most 1.15 times as wide
MIN_CERTIFIED_GRADES = 100
PRECISION_MARGIN = 1.1  # an interval is narrow enough when so many half-widths lie within the wanted one
ANYTIME_BEST_AT = 150
STARTING_VARIANCE = 0.35**2


def is_certified(*, variance: float, query_variance: float, grade_count: int, population_count: int) -> bool:
    """Say whether a total interval is at most 1.15 times as wide as if people had graded everything.

    V <= 0.3225 V_query with at least 100 grades, or all there are. `variance` is that of the exact bound where the
    sample has fewer than three disagreements, so their number needs no rule of its own. Method, "Stop on width".
    """
    if grade_count < min(MIN_CERTIFIED_GRADES, population_count):
        return False
    return variance <= CERTIFIED_VARIANCE_SHARE * query_variance


def anytime_half_width(variance: float, count: int, *, level: float = LEVEL) -> float:
    """Give the half-width that holds at all looks together, from the variance V_n of an estimate of `count` grades.

    Asymptotic confidence sequence of Waudby-Smith et al. (arXiv 2103.06476), narrowest at 150 grades. Method, "Stop
    on an answer". Raises `ValueError` below one grade.
    """
    if count < 1:
        raise ValueError("there is nothing to look at")
    alpha = 1 - level
    r = (-2 * math.log(alpha) + math.log(1 - 2 * math.log(alpha))) / ANYTIME_BEST_AT
    grown = count * r + 1
    return math.sqrt(variance * 2 * grown / (count * r) * math.log(math.sqrt(grown) / alpha))


def planned_grades(weights: ArrayLike, half_width: float, *, residual_variance: float = STARTING_VARIANCE) -> int:
    """Say about how many grades a half-width will take: at least min(100, |U|), at most |U|.

    n = (sum |W|)^2 s^2 / (h^2/z^2 + s^2 sum W^2), s^2 the variance of people's gains within queries and AI grades:
    0.35^2 until the sample knows better. Method, "Stop on width".
    """
    W = np.abs(np.asarray(weights, dtype=np.float64))
    if not half_width > 0:
        return len(W)
    wanted = (half_width / normal_quantile(TWO_SIDED)) ** 2 + residual_variance * float((W**2).sum())
    n = math.ceil(float(W.sum()) ** 2 * residual_variance / wanted)
    return min(len(W), max(n, MIN_CERTIFIED_GRADES))


def certifying_half_width(ai_per_query: ArrayLike) -> float:
    """Give the half-width that will certify a metric, from the AI's value of each query: z sqrt(0.3225 var / Q).

    0 below two queries, where nothing can be planned.
    """
    values = np.asarray(ai_per_query, dtype=np.float64)
    if len(values) < 2:
        return 0.0
    variance = CERTIFIED_VARIANCE_SHARE * float(values.var(ddof=1)) / len(values)
    return normal_quantile(TWO_SIDED) * math.sqrt(variance)


def planned_queries(half_width: float, *, population_count: int, residual_deviation: float) -> int:
    """Say how many of N whole queries a half-width will take: 1 / (1/N + h^2 / (4 s_e^2)). Method, "Settling"."""
    if not residual_deviation > 0 or not half_width > 0:
        return population_count
    n = 1 / (1 / population_count + half_width**2 / (4 * residual_deviation**2))
    return min(population_count, math.ceil(n))
