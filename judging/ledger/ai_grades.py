"""The AI judgment of record: one per (query, document, scale), from the judging run created last."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from django.db import connection
from django.utils import timezone

from judging.foundation.columns import insert_returning_keys, time_param, uuid_param
from judging.ledger.runs import mark_stale, note_change
from judging.models import AuthorKind, Candidate, Judgment
from judging.records.certificates import void_regraded

Pair: TypeAlias = tuple[int, int]  # of the internal ids of a query and a document


@dataclass(frozen=True, slots=True)
class AIGrade:
    """A grade of an AI judge for a document (by internal ids)."""

    query_id: int
    document_id: int
    grade: int
    reasoning: str


@dataclass(frozen=True, slots=True)
class Source:
    """The judging run that graded, and the judge of record."""

    judging_run_id: UUID
    judging_run_created_at: datetime
    judge_version_id: UUID
    judge_label: str


def record_ai_grades(
    grades: Sequence[AIGrade], *, corpus_id: UUID, scale: str, source: Source, unlocked_run_ids: Sequence[UUID]
) -> None:
    """Write grades of one judging run as judgments of record, and onto the candidates of every unlocked run.

    Grades of a judging run created later than `source` stay. `unlocked_run_ids` is what `lock_unlocked_runs` returned
    in this same transaction. The cost does not grow with the corpus.
    """
    if not grades:
        return
    by_pair = {(grade.query_id, grade.document_id): grade for grade in grades}
    judgment_ids, alike = _write_judgments(by_pair, corpus_id=corpus_id, scale=scale, source=source)
    if judgment_ids:
        _write_candidates(by_pair, judgment_ids, alike, unlocked_run_ids)


def _write_judgments(
    by_pair: dict[Pair, AIGrade], *, corpus_id: UUID, scale: str, source: Source
) -> tuple[dict[Pair, int], set[Pair]]:
    """Return the keys of what was written, and the pairs that the same judge version had given the same grade."""
    now = timezone.now()
    order = (source.judging_run_created_at, source.judging_run_id.hex)
    judge = (source.judge_version_id, source.judge_label)
    existing: dict[Pair, tuple[int, bool]] = {}
    alike: set[Pair] = set()
    rows = Judgment.objects.filter(
        author_kind=AuthorKind.AI,
        scale=scale,
        query_id__in={query_id for query_id, _ in by_pair},
        document_id__in={document_id for _, document_id in by_pair},
    ).values_list(
        "pk",
        "query_id",
        "document_id",
        "judging_run_created_at",
        "judging_run_id",
        "grade",
        "judge_version_id",
        "judge_label",
    )
    for pk, query_id, document_id, created_at, run_id, grade, *version in rows:
        is_newer = created_at is not None and run_id is not None and (created_at, run_id.hex) > order
        existing[query_id, document_id] = (pk, is_newer)
        given = by_pair.get((query_id, document_id))
        if given is not None and given.grade == grade and tuple(version) == judge:
            alike.add((query_id, document_id))

    ids = {pair: pk for pair, (pk, is_newer) in existing.items() if pair in by_pair and not is_newer}
    if ids:
        changed = (
            uuid_param(source.judge_version_id),
            source.judge_label,
            uuid_param(source.judging_run_id),
            time_param(source.judging_run_created_at),
            time_param(now),
        )
        # executemany, not bulk_update: its CASE of every row costs several times as much.
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE judging_judgment SET grade = %s, reasoning = %s, judge_version_id = %s, judge_label = %s,"
                " judging_run_id = %s, judging_run_created_at = %s, updated_at = %s WHERE id = %s",
                [(by_pair[pair].grade, by_pair[pair].reasoning, *changed, pk) for pair, pk in ids.items()],
            )
    new = [pair for pair in by_pair if pair not in existing]
    ids |= zip(new, _insert(new, by_pair, corpus_id=corpus_id, scale=scale, source=source, now=now), strict=True)
    return ids, alike


def _insert(
    pairs: Sequence[Pair], by_pair: dict[Pair, AIGrade], *, corpus_id: UUID, scale: str, source: Source, now: datetime
) -> list[int]:
    """Insert a judgment for each pair; return their keys."""
    common = {
        "corpus_id": corpus_id,
        "scale": scale,
        "author_kind": AuthorKind.AI.value,
        "judge_version_id": source.judge_version_id,
        "judge_label": source.judge_label,
        "judging_run_id": source.judging_run_id,
        "judging_run_created_at": source.judging_run_created_at,
        "created_at": now,
        "updated_at": now,
    }
    own = ("query_id", "document_id", "grade", "reasoning")
    rows = ((*pair, by_pair[pair].grade, by_pair[pair].reasoning, *common.values()) for pair in pairs)
    return insert_returning_keys(Judgment, (*own, *common), rows)


def _write_candidates(
    by_pair: dict[Pair, AIGrade],
    judgment_ids: dict[Pair, int],
    alike: set[Pair],
    unlocked_run_ids: Sequence[UUID],
) -> None:
    # The runs are filtered here: with run_id in the statement, SQLite reads a whole run instead of a few pairs.
    wanted = set(unlocked_run_ids)
    reached = Candidate.objects.filter(
        query_id__in={query_id for query_id, _ in judgment_ids},
        document_id__in={document_id for _, document_id in judgment_ids},
    )
    columns = ("pk", "run_id", "query_id", "document_id", "effective_grade", "people_count", "rank")
    rows = reached.order_by().values_list(*columns)
    updates: list[tuple[int, int, int, int]] = []
    newly_judged: Counter[UUID] = Counter()
    stale: set[int] = set()
    affected: set[UUID] = set()
    regraded: dict[UUID, int] = {}
    for pk, run_id, query_id, document_id, effective, people_count, rank in rows:
        judgment_id = judgment_ids.get((query_id, document_id))
        if judgment_id is None or run_id not in wanted:
            continue
        grade = by_pair[query_id, document_id].grade
        counts = effective if people_count and effective is not None else grade
        updates.append((grade, judgment_id, counts, pk))
        affected.add(run_id)
        if effective is None:
            newly_judged[run_id] += 1
        if effective != counts:
            stale.add(query_id)
        if (query_id, document_id) not in alike:
            regraded[run_id] = min(rank, regraded.get(run_id, rank))
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE judging_candidate SET ai_grade = %s, ai_judgment_id = %s, effective_grade = %s WHERE id = %s",
            updates,
        )
    note_change(affected, newly_judged)
    mark_stale(stale, wanted)
    if regraded:
        void_regraded(regraded)
