"""What pages show of runs beyond their rows: how grades are spread, two runs query by query, an import under way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q

from judging.models import Candidate, Evaluation, EvaluationRun, EvaluationRunStatus, RunQuery, User


@dataclass(frozen=True, slots=True)
class GradeCount:
    """How many candidates of a run have a grade; of these, how many by people."""

    grade: int
    label: str
    count: int
    by_people: int
    share: float

    @property
    def width(self) -> float:
        """Percent, for a bar."""
        return round(self.share * 100, 1)


def grade_distribution(run: EvaluationRun) -> list[GradeCount]:
    """Return the run's effective grades from the lowest of its scale, each with its share of the judged candidates."""
    found = {
        row["effective_grade"]: (row["count"], row["by_people"])
        for row in Candidate.objects.filter(run=run, effective_grade__isnull=False)
        .order_by()
        .values("effective_grade")
        .annotate(count=Count("pk"), by_people=Count("pk", filter=Q(people_count__gt=0)))
    }
    total = sum(count for count, _ in found.values())
    scale = run.grading_scale
    return [
        GradeCount(grade, scale.label(grade), *found.get(grade, (0, 0)), found.get(grade, (0, 0))[0] / (total or 1))
        for grade in range(scale.minimum, scale.maximum + 1)
    ]


@dataclass(frozen=True, slots=True)
class QueryChange:
    """A query that both runs have, with its values there."""

    query: str
    before: float
    after: float

    @property
    def change(self) -> float:
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a metric went from one run to another, over the queries that are scored in both."""

    metric: str
    better: int
    worse: int
    same: int
    most_better: Sequence[QueryChange]
    most_worse: Sequence[QueryChange]

    @property
    def query_count(self) -> int:
        return self.better + self.worse + self.same


def compare_runs(before: EvaluationRun, after: EvaluationRun, metric: str, *, most: int = 5) -> Comparison:
    """Compare two runs of one corpus by a metric that both have. Holds a number per query in memory, nothing more."""
    earlier = dict(_values(before, metric))
    changes = sorted((value - earlier[query], query) for query, value in _values(after, metric) if query in earlier)
    worst = [query for change, query in changes[:most] if change < 0]
    best = [query for change, query in reversed(changes[-most:]) if change > 0]
    later = {
        query_id: (text, values[metric])
        for query_id, text, values in RunQuery.objects.filter(run=after, query_id__in=[*worst, *best]).values_list(
            "query_id", "text", "metric_values"
        )
    }

    def shown(queries: list[int]) -> list[QueryChange]:
        return [QueryChange(later[query][0], earlier[query], later[query][1]) for query in queries]

    better = sum(change > 0 for change, _ in changes)
    worse = sum(change < 0 for change, _ in changes)
    return Comparison(metric, better, worse, len(changes) - better - worse, shown(best), shown(worst))


def _values(run: EvaluationRun, metric: str) -> Any:
    rows = RunQuery.objects.filter(run=run, is_scored=True).values_list("query_id", "metric_values")
    return ((query, values[metric]) for query, values in rows.iterator() if values.get(metric) is not None)


def run_being_imported(evaluation: Evaluation, user: User) -> EvaluationRun | None:
    """Return the newest run that `user` is importing into an evaluation."""
    running = EvaluationRun.objects.filter(
        evaluation=evaluation, created_by=user, status=EvaluationRunStatus.RUNNING, depth=None
    )
    return running.order_by("-created_at").first()


def count_written(run: EvaluationRun) -> int:
    """Return how many candidates of a run that is being imported are written so far."""
    return Candidate.objects.filter(run=run).count()
