"""Drift watch: is a judge still the one that was measured? A golden set judged again, against four first judgings.

Method, "Drift watch". The CUSUM is Page's (1954, doi.org/10.1093/biomet/41.1-2.100).
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from judging.statistics.tables import Floats, integers, sums_by

ALARM_AT = 3.0
CUSUM_SLACK = 0.5
CUSUM_WATCH_AT = 5.0
MIN_REPEATS = 2

DriftState = Literal["quiet", "watch", "alarm"]


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the first judgings of a golden set came to: the mean of each pair, and how far a repeat's mean strays.

    `sigma` is the standard deviation of mean(check - baseline), with the spread of the baseline itself in it; 0 for a
    deterministic judge.
    """

    means: Floats
    sigma: float


def drift_baseline(repeats: ArrayLike, query: ArrayLike) -> Baseline:
    """Make a baseline from repeated judgings, shape (R, M) for R judgings of M pairs, R at least 2.

    sigma^2 = mean over repeats r of Q var_q(sum_q(r - B_without_r)) / M^2 * (1 + 1/R) / (1 + 1/(R - 1)), over the Q
    queries. Raises `ValueError` below two repeats or two queries.
    """
    grades = np.asarray(repeats, dtype=np.float64)
    _, code = np.unique(integers(query), return_inverse=True)
    if grades.ndim != 2 or grades.shape[0] < MIN_REPEATS or grades.shape[1] != len(code):
        raise ValueError(f"repeats have the shape (judgings, pairs), at least two judgings, not {grades.shape}")
    R, M = grades.shape
    Q = int(code.max()) + 1
    if Q < 2:
        raise ValueError("a golden set has at least two queries")
    total = grades.sum(0)
    variances = [Q * sums_by(code, own - (total - own) / (R - 1)).var(ddof=1) / M**2 for own in grades]
    squared = float(np.mean(variances)) * (1 + 1 / R) / (1 + 1 / (R - 1))
    # Equal repeats differ by rounding alone.
    sigma = 0.0 if (grades == grades[0]).all() else math.sqrt(squared)
    return Baseline(total / R, sigma)


@dataclass(frozen=True, slots=True)
class DriftCheck:
    """One check: the mean shift in grades, its z, the flips, both sums of the CUSUM after it, and what it comes to.

    `z` is None for a deterministic judge, whose first flip is an alarm.
    """

    shift: float
    z: float | None
    flip_count: int
    cusum_up: float
    cusum_down: float
    state: DriftState


def check_drift(baseline: Baseline, grades: ArrayLike, before: DriftCheck | None = None) -> DriftCheck:
    """Compare a new judging of the golden set, shape (M,), with its baseline; `before` is the check before it.

    Alarm when |z| > 3, watch when a CUSUM with slack 0.5 passes 5. For a deterministic judge (sigma 0) any flip is an
    alarm. `flip_count` counts pairs that differ from the rounded baseline.
    """
    checked = np.asarray(grades, dtype=np.float64)
    if checked.shape != baseline.means.shape:
        raise ValueError(f"{baseline.means.shape} grades are wanted, not {checked.shape}")
    shift = float((checked - baseline.means).mean())
    flips = int((checked != np.floor(baseline.means + 0.5)).sum())
    up, down = (before.cusum_up, before.cusum_down) if before else (0.0, 0.0)
    if not baseline.sigma:
        return DriftCheck(shift, None, flips, up, down, "alarm" if flips else "quiet")
    z = shift / baseline.sigma
    up, down = max(0.0, up + z - CUSUM_SLACK), max(0.0, down - z - CUSUM_SLACK)
    state: DriftState = "watch" if max(up, down) > CUSUM_WATCH_AT else "quiet"
    return DriftCheck(shift, z, flips, up, down, "alarm" if abs(z) > ALARM_AT else state)
