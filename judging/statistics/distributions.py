"""Student's t, Fisher's F and exact bounds of shares, all from one incomplete beta function.

scipy has these and is thirty times the size of everything else here; the tests hold these to scipy's values.
"""

import math
from functools import lru_cache
from statistics import NormalDist

_TINY = 1e-300
_MOST_TERMS = 10_000
_HALVINGS = 200


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Compute the regularized incomplete beta function I_x(a, b), which is the distribution function of Beta(a, b).

    `a`, `b` > 0; `x` is clipped to 0 to 1. By the continued fraction of the DLMF, 8.17.22 (dlmf.nist.gov/8.17#v),
    evaluated after Lentz 1976; on the side of the mean where it converges fast.
    """
    if a <= 0 or b <= 0:
        raise ValueError(f"a and b must be above 0, not {a} and {b}")
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    if x < (a + 1) / (a + b + 2):
        return math.exp(log_front) * _beta_fraction(a, b, x) / a
    return 1 - math.exp(log_front) * _beta_fraction(b, a, 1 - x) / b


def _beta_fraction(a: float, b: float, x: float) -> float:
    numerator, denominator = 1.0, _away_from_zero(1 - (a + b) * x / (a + 1))
    denominator = 1 / denominator
    value = denominator
    for m in range(1, _MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        factor = 1.0
        for term in (even, odd):
            denominator = 1 / _away_from_zero(1 + term * denominator)
            numerator = _away_from_zero(1 + term / numerator)
            factor = numerator * denominator
            value *= factor
        if abs(factor - 1) < 1e-16:
            break
    return value


def _away_from_zero(number: float) -> float:
    return number if abs(number) > _TINY else _TINY


def t_upper_tail(t: float, df: float) -> float:
    """Give the probability that Student's t with `df` degrees of freedom exceeds `t` (DLMF 8.17, t^2 as a beta)."""
    tail = 0.5 * incomplete_beta(df / 2, 0.5, df / (df + t * t))
    return tail if t >= 0 else 1 - tail


def f_upper_tail(f: float, numerator_df: float, denominator_df: float) -> float:
    """Give the probability that Fisher's F exceeds `f`: the p value of an F test; 1 at or below 0."""
    if f <= 0:
        return 1.0
    return incomplete_beta(denominator_df / 2, numerator_df / 2, denominator_df / (denominator_df + numerator_df * f))


@lru_cache(maxsize=4096)
def t_quantile(probability: float, df: float) -> float:
    """Give the quantile of Student's t: t_quantile(0.975, df) is the factor of a 95 % interval.

    `probability` lies strictly between 0 and 1, else `ValueError`. By bisection to the last bit.
    """
    if not 0 < probability < 1:
        raise ValueError(f"a probability lies between 0 and 1, not at {probability}")
    if probability < 0.5:
        return -t_quantile(1 - probability, df)
    tail, high = 1 - probability, 1.0
    while t_upper_tail(high, df) > tail:
        high *= 2
    low = 0.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if t_upper_tail(middle, df) > tail else (low, middle)
    return (low + high) / 2


def normal_quantile(probability: float) -> float:
    """Give the quantile of the standard normal distribution."""
    return NormalDist().inv_cdf(probability)


def clopper_pearson_upper(successes: int, trials: int, *, tail: float = 0.025) -> float:
    """Give the share at which so few `successes` have the probability `tail`: 1 when all succeeded.

    The upper bound of the exact interval (Clopper and Pearson 1934, doi.org/10.1093/biomet/26.4.404). Raises
    `ValueError` unless 0 <= successes <= trials and trials > 0.
    """
    _check_share(successes, trials)
    if successes == trials:
        return 1.0
    return _beta_quantile(1 - tail, successes + 1, trials - successes)


def clopper_pearson_lower(successes: int, trials: int, *, tail: float = 0.025) -> float:
    """Give the share at which so many `successes` have the probability `tail`: 0 when none succeeded. As above."""
    _check_share(successes, trials)
    if successes == 0:
        return 0.0
    return _beta_quantile(tail, successes, trials - successes + 1)


def _check_share(successes: int, trials: int) -> None:
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"{successes} of {trials} is no share")


def _beta_quantile(probability: float, a: float, b: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if incomplete_beta(a, b, middle) < probability else (low, middle)
    return (low + high) / 2
