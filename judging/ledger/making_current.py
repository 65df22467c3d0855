"""Let the grades of an ended judging run count: in chunks, each in a short transaction, gone on with after a crash.

A judging run with `made_current_at` counts from that moment instead of from its creation. Its pairs follow one chunk
after the other: what is left is every judged item whose AI judgment of record is older than the moment, so a process
that was killed between two chunks leaves nothing that the next one would not find.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet

from judging.foundation.columns import uuid_param
from judging.ledger.ai_grades import AIGrade, Source, record_ai_grades
from judging.ledger.runs import lock_unlocked_runs
from judging.models import ACTIVE_STATUSES, AuthorKind, ItemStatus, JudgingItem, JudgingRun, Judgment

CHUNK = 200


@dataclass(frozen=True, slots=True)
class Replaced:
    """How many grades of record came from one source: a judging run, or None for an import."""

    judging_run_id: UUID | None
    judge_label: str
    count: int


@dataclass(frozen=True, slots=True)
class Effect:
    """What it does to the AI grades of record of a run's pairs when the run's grades count.

    `changed_count` get another grade, `unchanged_count` keep their grade, `added_count` had none. `replaced` tells
    whose place the run takes, grades that stay the same included, the most first. `back_to_id` is the judging run
    that brings back exactly what was there: everything replaced came from it, nothing was added, and nothing else of
    it had been replaced before; None where no run does.
    """

    changed_count: int
    added_count: int
    unchanged_count: int
    replaced: tuple[Replaced, ...]
    back_to_id: UUID | None


def effect_of_making_current(judging_run: JudgingRun) -> Effect:
    """Count what would change if the run's grades counted. A few statements whatever the size."""
    run_id = judging_run.pk
    changed = added = unchanged = 0
    sources: dict[tuple[UUID | None, str], int] = {}
    for source_id, label, is_added, is_same, count in _groups(judging_run):
        if is_added:
            added += count
            continue
        if is_same:
            unchanged += count
        else:
            changed += count
        if source_id != run_id:
            sources[source_id, label] = sources.get((source_id, label), 0) + count
    replaced = sorted((Replaced(*source, count) for source, count in sources.items()), key=lambda each: -each.count)
    back_to_id = replaced[0].judging_run_id if len(replaced) == 1 and not added else None
    if back_to_id is not None and not _is_wholly_of_record(back_to_id):
        back_to_id = None
    return Effect(changed, added, unchanged, tuple(replaced), back_to_id)


def _groups(judging_run: JudgingRun) -> list[tuple[UUID | None, str, bool, bool, int]]:
    """Count the run's graded pairs by where their AI grade of record comes from, and whether it is the same."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT record.judging_run_id, record.judge_label, record.id IS NULL, record.grade = item.grade, COUNT(*)"
            " FROM judging_judgingitem item JOIN judging_candidate candidate ON candidate.id = item.candidate_id"
            " LEFT JOIN judging_judgment record ON record.query_id = candidate.query_id"
            " AND record.document_id = candidate.document_id AND record.scale = %s AND record.author_kind = 'ai'"
            " WHERE item.judging_run_id = %s AND item.status = 'judged' GROUP BY 1, 2, 3, 4",
            [judging_run.evaluation_run.scale, uuid_param(judging_run.pk)],
        )
        return [
            (UUID(str(source)) if source else None, label or "", bool(is_added), bool(is_same), count)
            for source, label, is_added, is_same, count in cursor.fetchall()
        ]


def _is_wholly_of_record(judging_run_id: UUID) -> bool:
    """Tell whether all grades of an ended run of an unlocked evaluation run are the ones of record."""
    source = (
        JudgingRun.objects.select_related("evaluation_run")
        .filter(pk=judging_run_id, evaluation_run__is_locked=False)
        .exclude(status__in=ACTIVE_STATUSES)
        .first()
    )
    return source is not None and all(found == judging_run_id for found, *_ in _groups(source))


def left_to_make_current(judging_run: JudgingRun) -> QuerySet[JudgingItem]:
    """Return the graded items of a run made current whose pair has no AI grade of that moment or later, by key."""
    newer = Judgment.objects.filter(
        query_id=OuterRef("candidate__query_id"),
        document_id=OuterRef("candidate__document_id"),
        scale=judging_run.evaluation_run.scale,
        author_kind=AuthorKind.AI,
        judging_run_created_at__gte=judging_run.counts_from,
    )
    items = JudgingItem.objects.filter(judging_run=judging_run, status=ItemStatus.JUDGED)
    return items.exclude(Exists(newer)).order_by("pk")


def make_chunk_current(judging_run_id: UUID, *, after: int) -> int | None:
    """Make up to `CHUNK` grades of a run made current the ones of record; return the last item's key, None at the end.

    `after` is what the call before returned, 0 at first. One transaction. Every unlocked run of the corpus on the scale
    follows; on the run's own candidates its items become the last ones, unless its evaluation run was locked meanwhile.
    """
    runs = JudgingRun.objects.select_related("judge_version", "evaluation_run__evaluation")
    with transaction.atomic():
        run = runs.filter(pk=judging_run_id, made_current_at__isnull=False).first()
        if run is None:
            return None
        evaluation_run = run.evaluation_run
        unlocked = lock_unlocked_runs(evaluation_run.evaluation.corpus_id, evaluation_run.scale)
        rows = list(
            left_to_make_current(run)
            .filter(pk__gt=after)
            .values_list("pk", "candidate_id", "candidate__query_id", "candidate__document_id", "grade", "reasoning")[
                :CHUNK
            ]
        )
        if not rows:
            return None
        record_ai_grades(
            [
                AIGrade(query_id, document_id, grade, reasoning)
                for _, _, query_id, document_id, grade, reasoning in rows
                if grade is not None
            ],
            corpus_id=evaluation_run.evaluation.corpus_id,
            scale=evaluation_run.scale,
            source=Source(run.pk, run.counts_from, run.judge_version_id, run.judge_version.label),
            unlocked_run_ids=unlocked,
        )
        if evaluation_run.pk in unlocked:
            with connection.cursor() as cursor:
                cursor.executemany(
                    "UPDATE judging_candidate SET last_item_id = %s, last_item_status = 'judged', failure_code = ''"
                    " WHERE id = %s",
                    [(pk, candidate_id) for pk, candidate_id, *_ in rows],
                )
    return int(rows[-1][0])
