"""The snapshot a locked run is read from."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Case, CharField, F, When
from django.utils import timezone

from judging.foundation.errors import Conflict
from judging.ledger.cached import refresh_run
from judging.ledger.renewal import renew_metrics
from judging.models import AuthorKind, EvaluationRun, EvaluationRunStatus, Judgment, LockedJudgment, RunQuery

_CHUNK = 2000


def snapshot_run(run_id: UUID, *, by_id: UUID | None) -> datetime:
    """Lock a completed run and store a snapshot of its judgments; return the time of it.

    The caller wraps this in its transaction. The cached grades and metrics on the run's own rows stand still from
    here on and are the rest of the snapshot. Raise Conflict (run_locked, run_not_completed).
    """
    now = timezone.now()
    with transaction.atomic():
        # Stale metrics must not get into the snapshot.
        renew_metrics(run_id)
        locked = EvaluationRun.objects.filter(pk=run_id, is_locked=False, status=EvaluationRunStatus.COMPLETED).update(
            is_locked=True, locked_at=now, locked_by_id=by_id
        )
        if not locked:
            run = EvaluationRun.objects.get(pk=run_id)
            if run.is_locked:
                raise Conflict("the evaluation run is locked already", code="run_locked")
            raise Conflict(
                f"the evaluation run is {run.status}; only a completed one can be locked", code="run_not_completed"
            )
        scale = EvaluationRun.objects.values_list("scale", flat=True).get(pk=run_id)
        judgments = (
            Judgment.objects.filter(scale=scale, query_id__in=RunQuery.objects.filter(run_id=run_id).values("query_id"))
            .annotate(
                author_label=Case(
                    When(author_kind=AuthorKind.MEMBER, then=F("member__email")),
                    When(author_kind=AuthorKind.RATER, then=F("rater__name")),
                    default=None,
                    output_field=CharField(),
                ),
                external_id=F("document__external_id"),
            )
            .order_by("pk")
        )
        chunk: list[LockedJudgment] = []
        for judgment in judgments.iterator(chunk_size=_CHUNK):
            chunk.append(
                LockedJudgment(
                    run_id=run_id,
                    query_id=judgment.query_id,
                    document_id=judgment.document_id,
                    external_id=judgment.external_id,
                    author_kind=judgment.author_kind,
                    author_label=judgment.author_label or "",
                    member_id=judgment.member_id,
                    judge_version_id=judgment.judge_version_id,
                    judge_label=judgment.judge_label,
                    grade=judgment.grade,
                    reasoning=judgment.reasoning,
                    saw_ai_grade=judgment.saw_ai_grade,
                    blind_grade=judgment.blind_grade,
                    created_at=judgment.created_at,
                )
            )
            if len(chunk) >= _CHUNK:
                LockedJudgment.objects.bulk_create(chunk)
                chunk = []
        LockedJudgment.objects.bulk_create(chunk)
    return now


def unlock_run(run_id: UUID) -> None:
    """Drop a run's snapshot and recompute it from the corpus's current judgments. Raise Conflict (run_not_locked)."""
    with transaction.atomic():
        if not EvaluationRun.objects.filter(pk=run_id, is_locked=True).update(
            is_locked=False, locked_at=None, locked_by=None
        ):
            raise Conflict("the evaluation run is not locked", code="run_not_locked")
        LockedJudgment.objects.filter(run_id=run_id).delete()
        refresh_run(run_id)
