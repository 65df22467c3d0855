"""A run's metrics as pages show them: a value each, with its coverage."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from judging.models import EvaluationRun


@dataclass(frozen=True, slots=True)
class MetricCard:
    """A metric of a run. `is_highest`: no run beside it on the same scale has more."""

    name: str
    value: float | None
    coverage: float | None
    is_highest: bool = False
    certificate_id: UUID | None = None

    @property
    def is_best(self) -> bool:
        """Whether it is the highest and enough of what it looks at is judged to say so."""
        return self.is_highest and (self.coverage or 0) >= best_coverage()


def best_coverage() -> float:
    """Return the share of what a metric looks at that must be judged before a value is called the best."""
    return float(settings.BEST_COVERAGE / 100)


def cards_of(
    run: EvaluationRun,
    *,
    names: Iterable[str] | None = None,
    highest: Iterable[str] = (),
    certificates: Mapping[tuple[UUID, str], UUID] | None = None,
) -> list[MetricCard]:
    """Return cards of a run's metrics, or of `names`; those in `highest` are marked, and those that are certified."""
    marked, certified = set(highest), certificates or {}
    return [
        MetricCard(
            name,
            run.metric_values.get(name),
            run.coverage_values.get(name),
            name in marked,
            certified.get((run.pk, name)),
        )
        for name in (run.metrics if names is None else names)
    ]


def coverage_of(run: EvaluationRun) -> float | None:
    """Return the share of a run's candidates that have a grade, None when it has no candidates."""
    return run.judged_count / run.candidate_count if run.candidate_count else None
