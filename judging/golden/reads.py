"""Golden sets and their checks as every interface lists them."""

from datetime import timedelta
from uuid import UUID

from django.db.models import Max, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.utils import timezone

from judging.foundation.errors import NotFound
from judging.models import ACTIVE_STATUSES, EvaluationRun, EvaluationRunStatus, GoldenCheck, GoldenSet
from judging.records.lists.archiving import IN_USE
from judging.records.roles import Actor
from judging.records.visibility import visible_judges

_OFFERED = 50


def golden_sets(user: Actor) -> QuerySet[GoldenSet]:
    """Return the golden sets of the judges that `user` sees, newest first."""
    sets = GoldenSet.objects.filter(judge__in=visible_judges(user, with_archived=True))
    others = GoldenCheck.objects.filter(golden_set=OuterRef("golden_set")).order_by("-created_at", "-pk")
    newest = GoldenCheck.objects.filter(pk=Subquery(others.values("pk")[:1])).select_related("judge_version")
    with_newest = sets.prefetch_related(Prefetch("checks", newest, to_attr="newest"))
    return with_newest.select_related("judge", "evaluation_run", "created_by").order_by("-created_at", "-pk")


def get_golden_set(user: Actor, golden_set_id: UUID) -> GoldenSet:
    """Return a golden set of a judge that `user` sees. Raise NotFound."""
    golden_set = golden_sets(user).filter(pk=golden_set_id).first()
    if golden_set is None:
        raise NotFound("no such golden set")
    return golden_set


def golden_checks(golden_set: GoldenSet) -> QuerySet[GoldenCheck]:
    """Return the checks and baselines of a golden set, newest first."""
    return golden_set.checks.select_related("judge_version", "created_by").order_by("-created_at", "-pk")


def get_golden_check(user: Actor, check_id: UUID) -> GoldenCheck:
    """Return a check of a golden set that `user` sees. Raise NotFound."""
    checks = GoldenCheck.objects.filter(pk=check_id, golden_set__in=golden_sets(user).order_by())
    check = checks.select_related("judge_version", "golden_set", "created_by").first()
    if check is None:
        raise NotFound("no such golden check")
    return check


def golden_sets_due() -> list[GoldenSet]:
    """Return the sets that want a check now. One that failed is not repeated before its time."""
    watched = GoldenSet.objects.filter(every_days__isnull=False, judge__archived_at=None)
    last = watched.annotate(last_at=Max("checks__created_at")).order_by("created_at", "pk")
    under_way = GoldenCheck.objects.filter(status__in=ACTIVE_STATUSES)
    now = timezone.now()
    return [
        golden_set
        for golden_set in last.exclude(pk__in=under_way.values("golden_set"))
        if golden_set.last_at is None or golden_set.last_at <= now - timedelta(days=golden_set.every_days or 0)
    ]


def golden_runs() -> list[EvaluationRun]:
    """Return the evaluation runs that a page offers to draw a golden set from, newest first."""
    large_enough = Q(query_count__gte=10, candidate_count__gt=0)
    completed = EvaluationRun.objects.filter(IN_USE, large_enough, status=EvaluationRunStatus.COMPLETED)
    return list(completed.select_related("evaluation").order_by("-created_at", "pk")[:_OFFERED])
