"""From the scores of its queries to the values of a run."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from judging.metrics.computation import QueryScore
from judging.metrics.coverage import JudgedCount
from judging.metrics.names import Metric


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run comes to: value and coverage by metric name, and how many of its queries were scored.

    A value is None when no query has a judgment, a coverage None when no query returned anything.
    """

    values: dict[str, float | None]
    coverage: dict[str, float | None]
    scored_query_count: int
    query_count: int


def aggregate(metrics: Sequence[Metric], scores: Iterable[QueryScore]) -> RunSummary:
    """Sum up a run from the scores of all its queries, read once and not kept.

    A value is the mean over the queries with at least one judgment (a query that returned nothing counts 0); queries
    without a judgment are left out. The sum is exact before it is rounded once, so the order of queries is no matter.

    Coverage is pooled over all queries, those without judgments included: of all candidates that the metric looked at
    (the first k of each query), the share that has a grade. It therefore falls below the value of `Judged@k`, a mean
    per scored query, when whole queries wait for judgment.
    """
    sums = {metric.name: _ExactSum() for metric in metrics}
    judged = dict.fromkeys(sums, 0)
    returned = dict.fromkeys(sums, 0)
    query_count = scored_query_count = 0
    for score in scores:
        query_count += 1
        scored_query_count += score.is_scored
        for name, total in sums.items():
            judged[name] += score.judged[name].judged
            returned[name] += score.judged[name].returned
            value = score.values[name]
            if value is not None:
                total.add(value)
    return RunSummary(
        values={
            name: total.value() / scored_query_count if scored_query_count else None for name, total in sums.items()
        },
        coverage={name: JudgedCount(judged[name], returned[name]).share for name in sums},
        scored_query_count=scored_query_count,
        query_count=query_count,
    )


class _ExactSum:
    """`math.fsum` for numbers that come one by one, several sums at a time, without keeping them.

    Holds non-overlapping partial sums whose exact total is that of all numbers added (Shewchuk 1997, as in the
    recipe that `math.fsum` was made from, code.activestate.com/recipes/393090); a handful of them, however many come.
    """

    __slots__ = ("_partials",)

    def __init__(self) -> None:
        self._partials: list[float] = []

    def add(self, number: float) -> None:
        kept = 0
        for partial in self._partials:
            if abs(number) < abs(partial):
                number, partial = partial, number
            high = number + partial
            low = partial - (high - number)
            if low:
                self._partials[kept] = low
                kept += 1
            number = high
        self._partials[kept:] = [number]

    def value(self) -> float:
        return math.fsum(self._partials)
