"""AI grades that a person confirms many at once, and takes back: chunk by chunk, so that no lock is held long.

What is confirmed at one moment is known by it: created and last changed then, by that person.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from judging.ledger.people import lock_with_others, refresh_pairs
from judging.ledger.seen import note_seen
from judging.models import AuthorKind, Candidate, EvaluationRun, Judgment


def confirmed_at(run: EvaluationRun, member_id: UUID, at: datetime) -> QuerySet[Judgment]:
    """Return the judgments on a run's corpus and scale that a member first gave at a moment and has not changed since."""
    return Judgment.objects.filter(
        author_kind=AuthorKind.MEMBER,
        member_id=member_id,
        corpus_id=run.evaluation.corpus_id,
        scale=run.scale,
        created_at=at,
        updated_at=at,
    )


def confirm_chunk(seen: Mapping[int, int], *, run: EvaluationRun, member_id: UUID, at: datetime) -> list[UUID]:
    """Make the AI's grade a member's own where it still is the one `seen` (by candidate_pk) and they gave none.

    Return the runs whose metrics have become stale by it. Raise Conflict (run_locked).
    """
    own = Judgment.objects.filter(
        author_kind=AuthorKind.MEMBER,
        member_id=member_id,
        scale=run.scale,
        query=OuterRef("query_id"),
        document=OuterRef("document_id"),
    )
    with transaction.atomic():
        unlocked = lock_with_others(run)
        rows = Candidate.objects.by_pk(run, seen).filter(~Exists(own))
        grades = {
            (query_id, document_id): grade
            for pk, query_id, document_id, grade in rows.values_list("pk", "query_id", "document_id", "ai_grade")
            if grade == seen[pk]
        }
        Judgment.objects.bulk_create(
            Judgment(
                corpus_id=run.evaluation.corpus_id,
                query_id=query_id,
                document_id=document_id,
                scale=run.scale,
                author_kind=AuthorKind.MEMBER,
                member_id=member_id,
                grade=grade,
                saw_ai_grade=True,
                created_at=at,
                updated_at=at,
            )
            for (query_id, document_id), grade in grades.items()
        )
        return refresh_pairs(set(grades), scale=run.scale, unlocked=unlocked)


def take_back_chunk(
    judgment_pks: Collection[int], *, run: EvaluationRun, member_id: UUID, at: datetime
) -> tuple[int, list[UUID]]:
    """Remove those of these judgments that a member confirmed at a moment and has not changed since.

    Return how many, and the runs whose metrics have become stale by it. Raise Conflict (run_locked).
    """
    with transaction.atomic():
        unlocked = lock_with_others(run)
        unchanged = confirmed_at(run, member_id, at).filter(pk__in=judgment_pks)
        taken_back = list(unchanged)
        pairs = {(judgment.query_id, judgment.document_id) for judgment in taken_back}
        note_seen(taken_back)
        removed, _ = unchanged.delete()
        return removed, refresh_pairs(pairs, scale=run.scale, unlocked=unlocked)
