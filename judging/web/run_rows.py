"""An AI judging run as pages show it: its numbers, its pace, and what helps when it failed."""

from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from judging.judging_runs.run_reads import Pace, pace_of
from judging.models import JudgingRun, Scope
from judging.web.remedies import Remedy, remedy_link, run_remedy


def money(amount: float | None) -> str:
    """Write a price, in the currency of the judge's prices; "" where there is none."""
    if amount is None:
        return ""
    if 0 < amount < 0.01:
        return "<0.01"
    return f"{amount:,.2f}"


@dataclass(frozen=True)
class JudgingRow:
    run: JudgingRun

    @property
    def done(self) -> int:
        return self.run.judged_count + self.run.failed_count

    @cached_property
    def pace(self) -> Pace:
        return pace_of(self.run)

    @property
    def left(self) -> int:
        """How many candidates it failed on or never asked about, and may still ask about."""
        return self.run.failed_count + self.run.skipped_count

    @property
    def gaps(self) -> str:
        """Return the address's query with which the form opens for what is left."""
        judge = self.run.judge_version.judge_id
        return urlencode(
            {"judge": 1, "scope": Scope.REMAINING.value, "source_run_id": self.run.pk}
            | ({"ai_judge_id": judge} if judge else {})
            | ({"trial": 1} if self.run.trial else {})
        )

    @property
    def cost(self) -> str:
        return money(self.run.cost)

    @property
    def seconds(self) -> float | None:
        run = self.run
        if run.started_at is None or run.completed_at is None:
            return None
        return (run.completed_at - run.started_at).total_seconds()

    @property
    def percent(self) -> int:
        """Whole percent, 100 only when nothing is left."""
        return int(self.run.progress * 100)

    @property
    def remedy(self) -> Remedy | None:
        return run_remedy(self.run.error_code)

    @property
    def remedy_url(self) -> str:
        return remedy_link(self.remedy, self.run.judge_version)[0]

    @property
    def remedy_link(self) -> str:
        return remedy_link(self.remedy, self.run.judge_version)[1]
