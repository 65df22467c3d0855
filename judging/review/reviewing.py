"""Grades given on a page, where candidates are named by their internal id and every act can be undone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from judging.foundation.errors import Forbidden, Invalid, NotFound
from judging.foundation.limits import MAX_JUDGMENTS
from judging.ledger import PersonGrade
from judging.models import Candidate, EvaluationRun, User
from judging.records.blindness import sight_of
from judging.records.roles import require_person
from judging.review.grid import rows_of
from judging.review.judgments import record_judgments
from judging.review.own_grades import own_grades


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The result of confirming: the actor's earlier grades, to undo it, and how many rows were left alone and why."""

    before: Sequence[PersonGrade]
    without_ai_grade: int
    changed_meanwhile: int


def grade_candidates(*, run: EvaluationRun, grades: Sequence[PersonGrade], actor: User) -> list[PersonGrade]:
    """Write `actor`'s grades of candidates of one run, all or nothing; return their earlier grades, to undo it.

    Grade None removes the actor's own. Raise NotFound (a candidate of another run), Forbidden, Invalid, Conflict (run_locked).
    """
    require_person(actor)
    if len(grades) > MAX_JUDGMENTS:
        raise Invalid(f"at most {MAX_JUDGMENTS} judgments at once")
    pks = [grade.candidate_pk for grade in grades]
    before = own_grades(run, pks, actor)
    if not grades or len(before) != len(set(pks)):
        raise NotFound("no such candidate in this evaluation run")
    record_judgments(run=run, grades=grades, actor=actor)
    return [before[pk] for pk in pks]


def confirm_ai_grades(*, run: EvaluationRun, seen: Mapping[int, int | None], actor: User) -> Confirmed:
    """Make the AI's grade of each candidate `actor`'s own, where it still is the one they saw.

    `seen` maps candidate_pk to the AI grade on the page (None: there was none). Raise Forbidden (also blind), NotFound,
    Conflict (run_locked).
    """
    require_person(actor)
    now = dict(Candidate.objects.by_pk(run, seen).values_list("pk", "ai_grade"))
    if len(now) != len(seen):
        raise NotFound("no such candidate in this evaluation run")
    if sight_of(run, actor).is_blind:
        # What is on the page of the blind are the AI's grades of what they have graded themselves.
        shown = {row.candidate_pk for row in rows_of(run, list(seen), viewer=actor) if not row.is_hidden}
        if shown != seen.keys():
            raise Forbidden("the AI's grades are hidden from you here: grade for yourself first", code="blind")
    graded = {pk: grade for pk, grade in seen.items() if grade is not None}
    same = [PersonGrade(pk, grade, saw_ai_grade=True) for pk, grade in graded.items() if now[pk] == grade]
    before = grade_candidates(run=run, grades=same, actor=actor) if same else []
    return Confirmed(before, len(seen) - len(graded), len(graded) - len(same))
