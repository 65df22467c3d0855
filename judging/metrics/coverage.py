"""Coverage: how much of what a metric looked at has a grade. Stands beside every metric, for unjudged counts as not
relevant and a value over thin judgments means little."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeVar

from judging.metrics.names import Metric

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class JudgedCount:
    """How many of the `returned` candidates that a metric looks at are `judged`."""

    judged: int
    returned: int

    @property
    def share(self) -> float | None:
        """Give judged / returned, 0 to 1; None when nothing was returned."""
        return self.judged / self.returned if self.returned else None


def count_judged(metrics: Sequence[Metric], ranked: Sequence[K], grades: Mapping[K, int]) -> dict[str, JudgedCount]:
    """Count the judged candidates of one query, by metric name.

    `ranked` holds the returned documents in rank order, `grades` the effective grades of the query's judged
    documents. A metric with a cut-off k looks at the first k, one without at all of them.
    """
    return count_judged_by_cutoff(metrics, [document in grades for document in ranked])


def count_judged_by_cutoff(metrics: Sequence[Metric], is_judged: Sequence[bool]) -> dict[str, JudgedCount]:
    """Count as `count_judged` does, from one flag per returned document in rank order."""
    judged_within = list(accumulate(is_judged, initial=0))
    returned = len(is_judged)
    counts: dict[str, JudgedCount] = {}
    for metric in metrics:
        depth = returned if metric.cutoff is None else min(metric.cutoff, returned)
        counts[metric.name] = JudgedCount(judged_within[depth], depth)
    return counts


def coverage(metrics: Sequence[Metric], ranked: Sequence[K], grades: Mapping[K, int]) -> dict[str, float | None]:
    """Give judged@k of one query for each metric's cut-off k, by metric name; None when nothing was returned."""
    return {name: count.share for name, count in count_judged(metrics, ranked, grades).items()}
