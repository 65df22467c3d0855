"""An engine's own noise: how two runs of one configuration (A/A) differ, and whether a change is larger than that."""

from dataclasses import dataclass

from judging.models import EvaluationRun
from judging.trust.comparisons.queries.query_table import Measure, TableSummary, read_query_table


@dataclass(frozen=True, slots=True)
class Noise:
    """How `run`, taken for a second run of a's configuration, differs from a.

    `level` is how far from 0 the mean difference may lie by its interval, without one what it is.
    """

    run: EvaluationRun
    summary: TableSummary

    @property
    def level(self) -> float:
        figure, mean = self.summary.interval, self.summary.mean_delta
        if figure.low is None or figure.high is None:
            return abs(mean or 0.0)
        return max(abs(figure.low), abs(figure.high))

    def covers(self, delta: float | None) -> bool:
        """Say whether a difference is no larger than the noise."""
        return delta is not None and self.summary.scored_count > 0 and abs(delta) <= self.level


def read_noise(a: EvaluationRun, again: EvaluationRun, measure: Measure) -> Noise:
    """Read what `again` says of a's noise; both are runs that `check_comparable` lets through."""
    return Noise(again, read_query_table(a, again, measure).summary)
