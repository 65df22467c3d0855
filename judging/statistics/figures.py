"""What a figure is: never a number without its interval and its basis, or the reason why there is none."""

from dataclasses import dataclass
from typing import Literal

LEVEL = 0.95
TWO_SIDED = 1 - (1 - LEVEL) / 2  # the quantile of a two-sided interval

Method = Literal["jackknife_by_query", "difference_by_document", "regression_by_query", "paired_by_query", "clustered"]
RefusedCode = Literal[
    "no_ai_grades",
    "no_people",
    "no_blind_grades",
    "too_few_queries",
    "too_few_grades",
    "too_few_disagreements",
    "too_many_skipped",
    "no_variance",
    "no_check_sample",
    "metric_too_deep",
    "not_estimable",
]


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its two intervals at `level`, or refused: then the five numbers are None and the counts stand.

    `low` and `high` hold for these queries, `low_total` and `high_total` for queries like these.
    """

    value: float | None
    low: float | None
    high: float | None
    low_total: float | None
    high_total: float | None
    method: Method
    query_count: int
    grade_count: int
    refused_code: RefusedCode | None = None
    is_rough: bool = False
    level: float = LEVEL

    @property
    def half_width(self) -> float | None:
        """Give half the width of the interval for these queries."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2


def refused(code: RefusedCode, *, method: Method, query_count: int, grade_count: int) -> Figure:
    """Give a figure that says why it has no value."""
    return Figure(None, None, None, None, None, method, query_count, grade_count, refused_code=code)
