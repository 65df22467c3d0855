"""The picture of a golden set's checks: how far each lies from its baseline, in the order of time."""

from collections.abc import Sequence
from dataclasses import dataclass

from judging.models import CheckOutcome, GoldenCheck
from judging.statistics.drift import ALARM_AT

WIDTH, HEIGHT = 600, 130
_MIDDLE, _PER_SIGMA, _MOST, _LEFT, _RIGHT = 65.0, 9.0, 6.0, 34, 16


@dataclass(frozen=True, slots=True)
class Point:
    """A check at its place; what lies beyond the picture is drawn at its edge."""

    x: float
    y: float
    outcome: str
    title: str


@dataclass(frozen=True, slots=True)
class DriftPicture:
    """Checks as points between two lines of alarm; `breaks` are where a new baseline began."""

    points: Sequence[Point]
    breaks: Sequence[float]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    middle: float = _MIDDLE
    alarm_above: float = _MIDDLE - ALARM_AT * _PER_SIGMA
    alarm_below: float = _MIDDLE + ALARM_AT * _PER_SIGMA
    band_width: int = WIDTH - _LEFT
    band_height: float = 2 * ALARM_AT * _PER_SIGMA


def drift_picture(checks: Sequence[GoldenCheck]) -> DriftPicture | None:
    """Draw checks given newest first; None where none could be compared."""
    shown = [check for check in reversed(checks) if check.shift is not None or check.outcome == CheckOutcome.BASELINE]
    if all(check.shift is None for check in shown):
        return None
    step = (WIDTH - _LEFT - _RIGHT) / max(len(shown) - 1, 1)
    places = [round(_LEFT + step * number + (0 if len(shown) > 1 else step / 2), 1) for number in range(len(shown))]
    points = [
        Point(x, round(_MIDDLE - _PER_SIGMA * _sigmas(check), 1), check.outcome, check.get_outcome_display())
        for x, check in zip(places, shown, strict=True)
        if check.shift is not None
    ]
    breaks = [x for x, check in zip(places, shown, strict=True) if check.is_baseline]
    return DriftPicture(points, breaks)


def _sigmas(check: GoldenCheck) -> float:
    """Return how far a check lies from its baseline. A judge that never strayed has no measure: any flip is far."""
    if check.z is not None:
        return min(max(check.z, -_MOST), _MOST)
    if not check.flip_count:
        return 0.0
    return -_MOST if (check.shift or 0.0) < 0 else _MOST
