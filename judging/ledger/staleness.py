"""Which runs' metrics wait to be renewed."""

from django.db.models import Case, Exists, OuterRef, QuerySet, When

from judging.models import EvaluationRun, RunQuery


def with_staleness(runs: QuerySet[EvaluationRun]) -> QuerySet[EvaluationRun]:
    """Have each run bring `has_stale_metrics`, what `has_stale_metrics` asks for a single one."""
    stale = RunQuery.objects.filter(run=OuterRef("pk"), has_stale_metrics=True)
    return runs.annotate(has_stale_metrics=Case(When(is_locked=True, then=False), default=Exists(stale)))


def has_stale_metrics(run: EvaluationRun) -> bool:
    """Tell whether metrics of a run waited to be renewed when it was read, or do now. Those of a locked run stand still.

    When it was read: figures read just before a renewal are old, though nothing waits a moment later.
    """
    if run.is_locked:
        return False
    waited: bool = getattr(run, "has_stale_metrics", False)
    return waited or RunQuery.objects.filter(run=run, has_stale_metrics=True).exists()
