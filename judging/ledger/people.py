"""Grades that people give."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from judging.foundation.errors import Conflict
from judging.ledger.cached import recompute
from judging.ledger.runs import lock_unlocked_runs, mark_stale, note_change
from judging.ledger.seen import blind_grades_before_seeing, note_seen
from judging.models import AuthorKind, Candidate, EvaluationRun, Judgment


@dataclass(frozen=True, slots=True)
class PersonGrade:
    """A person's grade of a candidate, as it is given and can be given back; grade None: none.

    A button of the review grid, the request, undo and every act have these very fields. reasoning None: as it was;
    saw_ai_grade None: not known.
    """

    candidate_pk: int
    grade: int | None = None
    reasoning: str | None = None
    saw_ai_grade: bool | None = None


def record_person_grades(grades: Sequence[PersonGrade], *, run: EvaluationRun, member_id: UUID) -> list[UUID]:
    """Write or take back a member's grades of candidates of `run`, all or nothing.

    Return the runs whose metrics have become stale by it.

    The grades count in every unlocked run of the corpus that holds the pair. Raise Conflict (run_locked) when `run`
    is locked, also when the lock came a moment ago.
    """
    corpus_id = run.evaluation.corpus_id
    now = timezone.now()
    with transaction.atomic():
        unlocked = lock_with_others(run)
        pairs = {
            pk: (query_id, document_id)
            for pk, query_id, document_id in Candidate.objects.by_pk(
                run, (grade.candidate_pk for grade in grades)
            ).values_list("pk", "query_id", "document_id")
        }
        own = Judgment.objects.filter(
            author_kind=AuthorKind.MEMBER,
            member_id=member_id,
            scale=run.scale,
            query_id__in={query_id for query_id, _ in pairs.values()},
            document_id__in={document_id for _, document_id in pairs.values()},
        )
        existing = {(judgment.query_id, judgment.document_id): judgment for judgment in own}
        blind_before = blind_grades_before_seeing(member_id, run.scale, pairs.values())
        seen: list[Judgment] = []
        removed: list[int] = []
        new: list[Judgment] = []
        changed: list[Judgment] = []
        for grade in grades:
            query_id, document_id = pairs[grade.candidate_pk]
            judgment = existing.get((query_id, document_id))
            if grade.grade is None:
                if judgment is not None:
                    removed.append(judgment.pk)
                    if judgment.saw_ai_grade or grade.saw_ai_grade:
                        seen.append(judgment)
                continue
            if judgment is None:
                judgment = Judgment(
                    corpus_id=corpus_id,
                    query_id=query_id,
                    document_id=document_id,
                    scale=run.scale,
                    author_kind=AuthorKind.MEMBER,
                    member_id=member_id,
                    blind_grade=blind_before.get((query_id, document_id)),
                    created_at=now,
                )
                new.append(judgment)
            else:
                changed.append(judgment)
            if (query_id, document_id) in blind_before:
                judgment.saw_ai_grade = True
            if _note_blindness(judgment, grade):
                seen.append(judgment)
            judgment.grade = grade.grade
            judgment.reasoning = judgment.reasoning if grade.reasoning is None else grade.reasoning
            judgment.updated_at = now
        note_seen(seen)
        Judgment.objects.filter(pk__in=removed).delete()
        Judgment.objects.bulk_create(new)
        Judgment.objects.bulk_update(
            changed, ["grade", "blind_grade", "reasoning", "saw_ai_grade", "updated_at"], batch_size=200
        )
        return refresh_pairs(set(pairs.values()), scale=run.scale, unlocked=unlocked)


def lock_with_others(run: EvaluationRun) -> list[UUID]:
    """Lock an unlocked run with the others of its corpus and scale, as `lock_unlocked_runs` does.

    Raise Conflict (run_locked).
    """
    unlocked = lock_unlocked_runs(run.evaluation.corpus_id, run.scale)
    if run.pk not in unlocked:
        raise Conflict("the evaluation run is locked: no judgment on it can change", code="run_locked")
    return unlocked


def _note_blindness(judgment: Judgment, given: PersonGrade) -> bool:
    """Set whether a person saw the AI's grade, and what they said before they did; tell whether they went back to that.

    What was shown can't be unseen: from then on no grade of this person's is blind, whatever it claims, but for going
    back to the blind one.
    """
    if judgment.saw_ai_grade:
        judgment.saw_ai_grade = given.saw_ai_grade is not False or judgment.blind_grade != given.grade
        return not judgment.saw_ai_grade
    judgment.saw_ai_grade = given.saw_ai_grade
    if given.saw_ai_grade is False:
        judgment.blind_grade = given.grade
    return False


def refresh_pairs(pairs: set[tuple[int, int]], *, scale: str, unlocked: list[UUID]) -> list[UUID]:
    """Renew what unlocked runs cache of pairs (query, document); return the runs whose metrics became stale by it."""
    # The runs are filtered here: with run_id in the statement, SQLite reads a whole run instead of a few pairs.
    wanted = set(unlocked)
    rows = Candidate.objects.filter(
        query_id__in={query_id for query_id, _ in pairs}, document_id__in={document_id for _, document_id in pairs}
    ).values_list("pk", "run_id", "query_id", "document_id", "effective_grade")
    affected = [row for row in rows if row[1] in wanted and (row[2], row[3]) in pairs]
    ids = [row[0] for row in affected]
    is_judged: dict[int, bool] = {}
    for start in range(0, len(ids), 500):
        chunk = Candidate.objects.filter(pk__in=ids[start : start + 500])
        recompute(chunk, scale)
        is_judged |= {pk: grade is not None for pk, grade in chunk.values_list("pk", "effective_grade")}
    newly_judged: Counter[UUID] = Counter()
    for pk, run_id, _, _, grade_before in affected:
        newly_judged[run_id] += is_judged[pk] - (grade_before is not None)
    note_change((row[1] for row in affected), newly_judged)
    return sorted(mark_stale({query_id for query_id, _ in pairs}, wanted))
