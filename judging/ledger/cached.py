"""The grades cached on candidates, computed from the judgments in whole statements."""

from functools import cache
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Avg, Case, Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, Floor

from judging.ledger.renewal import renew_metrics
from judging.ledger.runs import note_change
from judging.models import PEOPLE, AuthorKind, Candidate, EvaluationRun, Judgment, RunQuery


def recompute(candidates: QuerySet[Candidate], scale: str) -> None:
    """Set the cached grades of `candidates` (of runs on `scale`) to what the judgments say now."""
    is_judged, grades = _of_judgments(scale)
    candidates.filter(is_judged).update(**grades)
    candidates.filter(_HAS_GRADE).update(effective_grade=_EFFECTIVE_GRADE)


# To write a row costs several times as much as to see that nobody judged it: most of a new run's candidates.
_WAS_JUDGED = Q(people_count__gt=0) | Q(ai_judgment__isnull=False) | Q(effective_grade__isnull=False)
_HAS_GRADE = Q(people_mean__isnull=False) | Q(ai_grade__isnull=False) | Q(effective_grade__isnull=False)
_EFFECTIVE_GRADE = Case(
    When(people_mean__isnull=False, then=Cast(Floor(F("people_mean") + 0.5), IntegerField())),
    default=F("ai_grade"),
    output_field=IntegerField(),
)


@cache
def _of_judgments(scale: str) -> tuple[Combinable, dict[str, Any]]:
    """Return which candidates are or were judged, and what the judgments make of them: to put it together costs much."""
    pair = Judgment.objects.filter(query_id=OuterRef("query_id"), document_id=OuterRef("document_id"), scale=scale)
    people = pair.filter(author_kind__in=PEOPLE).order_by().values("query_id", "document_id")
    of_record = pair.filter(author_kind=AuthorKind.AI)
    grades = {
        "people_mean": Subquery(people.annotate(mean=Avg("grade")).values("mean")),
        "people_count": Coalesce(Subquery(people.annotate(count=Count("pk")).values("count")), Value(0)),
        "ai_judgment_id": Subquery(of_record.values("pk")[:1]),
        "ai_grade": Subquery(of_record.values("grade")[:1]),
    }
    return _WAS_JUDGED | Exists(pair), grades


def recount(run_ids: list[UUID]) -> None:
    """Set the runs' numbers of candidates with an effective grade."""
    for run_id in run_ids:
        judged = Candidate.objects.filter(run_id=run_id, effective_grade__isnull=False).count()
        EvaluationRun.objects.filter(pk=run_id).update(judged_count=judged)


def refresh_run(run_id: UUID) -> None:
    """Recompute what an unlocked run derives from the corpus's judgments: cached grades, counts, metrics."""
    with transaction.atomic():
        run = EvaluationRun.objects.select_for_update(no_key=True).filter(pk=run_id, is_locked=False).first()
        if run is None:
            return
        recompute(Candidate.objects.filter(Q(run_id=run_id)), run.scale)
        recount([run_id])
        note_change([run_id])
        RunQuery.objects.filter(run_id=run_id, has_stale_metrics=False).update(has_stale_metrics=True)
    renew_metrics(run_id)
