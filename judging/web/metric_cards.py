"""A run's metrics as pages show them: a value each, with its coverage."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from judging.models import EvaluationRun


@dataclass(frozen=True, slots=True)
class MetricCard:
    """A metric of a run. `is_best`: no run beside it on the same scale has more."""

    name: str
    value: float | None
    coverage: float | None
    is_best: bool = False
    certificate_id: UUID | None = None


def cards_of(
    run: EvaluationRun,
    *,
    names: Iterable[str] | None = None,
    best: Iterable[str] = (),
    certificates: Mapping[tuple[UUID, str], UUID] | None = None,
) -> list[MetricCard]:
    """Return cards of a run's metrics, or of `names`; those in `best` are marked, and those that are certified."""
    marked, certified = set(best), certificates or {}
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
