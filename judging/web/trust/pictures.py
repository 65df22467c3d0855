"""Pictures of figures, drawn as SVG and tables by templates: intervals on an axis, a matrix as a heat map."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from judging.foundation.scales import SCALES

_STEPS = 9


@dataclass(frozen=True, slots=True)
class IntervalBar:
    """A value between `least` and `most` with its interval, where it has one; `x` places run from 0 to 100."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    refused_code: str | None = None
    is_rough: bool = False
    is_ceiling: bool = False
    least: float = 0.0
    most: float = 1.0

    @property
    def x(self) -> float | None:
        return self._place(self.value)

    @property
    def x_low(self) -> float | None:
        return self._place(self.low)

    @property
    def width(self) -> float | None:
        """Give the length of the interval on the axis, cut where that ends."""
        low, high = self._place(self.low), self._place(self.high)
        return None if low is None or high is None else round(high - low, 2)

    def _place(self, value: float | None) -> float | None:
        if value is None:
            return None
        share = (value - self.least) / (self.most - self.least)
        return round(100 * min(max(share, 0.0), 1.0), 2)


def interval_bar(label: str, figure: Mapping[str, Any], *, least: float = 0.0, most: float = 1.0) -> IntervalBar:
    """Make the bar of a figure, with its interval for queries like these where it has no other."""
    return IntervalBar(
        label,
        figure["value"],
        figure["low"],
        figure["high"],
        figure["refused_code"],
        figure["is_rough"],
        least=least,
        most=most,
    )


@dataclass(frozen=True, slots=True)
class GoalBar:
    """How wide an interval is beside how wide a goal lets it be; `x` places run from 0 to 100, the goal in the middle."""

    goal: str
    reached: float
    wanted: float
    least: float = 0.0

    @property
    def x_reached(self) -> float:
        return round(min(50 * self._share, 100.0), 2)

    @property
    def is_reached(self) -> bool:
        return self.reached <= self.wanted

    @property
    def _share(self) -> float:
        room = self.wanted - self.least
        return max(self.reached - self.least, 0.0) / room if room > 0 else 2.0


def goal_bar(goal: str, width: Mapping[str, float] | None) -> GoalBar | None:
    """Make the bar of a sample's `goal_width`; None without one. As wide as if all were graded is 1, and the least."""
    if not width:
        return None
    return GoalBar(goal, width["reached"], width["wanted"], least=1.0 if goal == "certify" else 0.0)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a matrix: its count, its share of the row, its step of the colour scale, and where it leads."""

    count: int
    share: float | None
    step: int
    url: str
    is_diagonal: bool


@dataclass(frozen=True, slots=True)
class HeatMap:
    """A matrix of counts by grade, rows first; a label for each grade."""

    grades: Sequence[int]
    labels: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    total: int

    @property
    def labelled_rows(self) -> list[tuple[int, str, Sequence[Cell]]]:
        return list(zip(self.grades, self.labels, self.rows, strict=True))


def heat_map(counts: Sequence[Sequence[int]], scale: str, url: Callable[[int, int], str]) -> HeatMap:
    """Make the heat map of a G x G matrix: the colour is the share of the row, `url` gives the address of a cell."""
    known = SCALES[scale]
    grades = range(known.maximum + 1)
    rows = []
    for row, grade in zip(counts, grades, strict=True):
        total = sum(row)
        rows.append(
            [
                Cell(
                    count,
                    count / total if total else None,
                    round(count / total * _STEPS) if total else 0,
                    url(grade, column) if count else "",
                    grade == column,
                )
                for column, count in enumerate(row)
            ]
        )
    return HeatMap(list(grades), [known.label(grade) for grade in grades], rows, sum(map(sum, counts)))
