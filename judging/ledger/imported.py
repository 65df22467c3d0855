"""Write imported judgments from their staging rows into the ledger, in one statement."""

from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from judging.foundation.columns import time_param, uuid_param
from judging.ledger.cached import recompute, recount
from judging.ledger.runs import lock_unlocked_runs, note_change
from judging.models import AuthorKind, Candidate, JudgmentImport, RunQuery, StagedJudgment

# One author has one grade for (query, document, scale); which columns name the author depends on its kind.
_CONFLICT = {
    AuthorKind.MEMBER: "(query_id, document_id, scale, member_id) WHERE author_kind = 'member'",
    AuthorKind.RATER: "(query_id, document_id, scale, rater_id) WHERE author_kind = 'rater'",
    AuthorKind.AI: "(query_id, document_id, scale) WHERE author_kind = 'ai'",
}
# An imported AI grade never replaces what a judging run of this installation wrote.
_GUARD = {AuthorKind.AI: "WHERE judging_judgment.judging_run_id IS NULL"}


def apply_staged(judgment_import_id: UUID) -> int:
    """Write the staged rows of an import as judgments; return how many were written.

    One transaction: an author's grades of the same pairs are replaced, the candidates of every unlocked run that holds
    a pair are renewed, their queries' metrics marked stale. The caller renews the metrics and removes the rows.
    """
    with transaction.atomic():
        staged = StagedJudgment.objects.filter(judgment_import_id=judgment_import_id)
        corpus_id = JudgmentImport.objects.values_list("corpus_id", flat=True).get(pk=judgment_import_id)
        scales = sorted(staged.order_by().values_list("scale", flat=True).distinct())
        unlocked = {scale: lock_unlocked_runs(corpus_id, scale) for scale in scales}
        written = sum(_upsert(judgment_import_id, corpus_id, kind) for kind in AuthorKind)
        for scale in scales:
            ids = _affected(judgment_import_id, scale, set(unlocked[scale]))
            for start in range(0, len(ids), 5000):
                chunk = Candidate.objects.filter(pk__in=ids[start : start + 5000])
                recompute(chunk, scale)
                RunQuery.objects.filter(pk__in=chunk.values("run_query_id")).update(has_stale_metrics=True)
            # Documents that a run did not return count in its ideal ranking, too.
            RunQuery.objects.filter(
                run_id__in=unlocked[scale], query_id__in=staged.filter(scale=scale).values("query_id")
            ).update(has_stale_metrics=True)
            recount(unlocked[scale])
            note_change(unlocked[scale])
    return written


def _affected(judgment_import_id: UUID, scale: str, unlocked: set[UUID]) -> list[int]:
    """Return the candidates of the unlocked runs that the staged rows are about.

    A join from the staged rows, each of which finds its candidates through the index on (query, document): asked the
    other way round, SQLite reads every staged row for every candidate.
    """
    wanted = {uuid_param(run_id) for run_id in unlocked}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT candidate.id, candidate.run_id FROM judging_stagedjudgment staged"
            " JOIN judging_candidate candidate"
            " ON candidate.query_id = staged.query_id AND candidate.document_id = staged.document_id"
            " WHERE staged.judgment_import_id = %s AND staged.scale = %s ORDER BY candidate.id",
            [uuid_param(judgment_import_id), scale],
        )
        return [pk for pk, run_id in cursor.fetchall() if run_id in wanted]


def _upsert(judgment_import_id: UUID, corpus_id: UUID, kind: AuthorKind) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO judging_judgment (corpus_id, query_id, document_id, scale, author_kind, member_id, rater_id,"
            " judge_label, grade, blind_grade, reasoning, created_at, updated_at)"
            " SELECT %s, query_id, document_id, scale, author_kind, member_id, rater_id, judge_label, grade,"
            # An imported rater has never seen this product, nor its AI's grades. Of a member it isn't known.
            " CASE WHEN author_kind = 'rater' THEN grade END, reasoning, created_at, %s FROM judging_stagedjudgment"
            " WHERE judgment_import_id = %s AND author_kind = %s"
            f" ON CONFLICT {_CONFLICT[kind]} DO UPDATE SET grade = excluded.grade, reasoning = excluded.reasoning,"
            " judge_label = excluded.judge_label, created_at = excluded.created_at, updated_at = excluded.updated_at,"
            # Whether the AI grade was visible belongs to the grade that was given then; for a new one it is unknown.
            # What was shown to a person once stays so, and what they said before it stands.
            " saw_ai_grade = CASE WHEN judging_judgment.saw_ai_grade OR judging_judgment.grade = excluded.grade"
            " THEN judging_judgment.saw_ai_grade END,"
            " blind_grade = COALESCE(excluded.blind_grade, judging_judgment.blind_grade)"
            f" {_GUARD.get(kind, '')}",
            [uuid_param(corpus_id), time_param(timezone.now()), uuid_param(judgment_import_id), kind.value],
        )
        return int(cursor.rowcount)
