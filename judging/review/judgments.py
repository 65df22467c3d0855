"""Record what people judge."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from judging import ledger
from judging.foundation.errors import Invalid, NotFound
from judging.foundation.limits import MAX_JUDGMENTS, MAX_REASONING
from judging.ledger import PersonGrade
from judging.models import Candidate, EvaluationRun, RunQuery, User
from judging.records.blindness import has_lifted
from judging.records.grading import check_open, end_leases
from judging.records.judging_activity import being_judged
from judging.records.roles import require_person
from judging.work import queue

# With more queries than this, the mean over them is renewed in the background, so that a grade is saved at once.
_INLINE_QUERIES = 2000


def record_judgments(*, run: EvaluationRun, grades: Sequence[PersonGrade], actor: User) -> None:
    """Write a person's grades of candidates of one run, all or nothing.

    The metrics of the queries touched are renewed, while an AI judging run is at work on the same candidates after its
    end. Raise Forbidden, NotFound (a candidate of another run), Invalid (outside the scale) or Conflict (run_locked,
    run_not_completed).
    """
    require_person(actor)
    _check(run, grades)
    if run.blind and has_lifted(run, actor):
        grades = [replace(grade, saw_ai_grade=True) for grade in grades]
    elif actor.is_member:
        grades = _taken_back_open(run, grades)
    stale = ledger.record_person_grades(grades, run=run, member_id=actor.pk)
    end_leases(actor, [grade.candidate_pk for grade in grades])
    renew_stale(run, stale)


def _taken_back_open(run: EvaluationRun, grades: Sequence[PersonGrade]) -> Sequence[PersonGrade]:
    """Say of grades taken back that the AI's was seen where there is one: a member's own opened it to them."""
    taken_back = [grade.candidate_pk for grade in grades if grade.grade is None]
    if not taken_back:
        return grades
    graded = Candidate.objects.by_pk(run, taken_back).filter(ai_grade__isnull=False).values_list("pk", flat=True)
    open_pks = set(graded)
    return [replace(grade, saw_ai_grade=True) if grade.candidate_pk in open_pks else grade for grade in grades]


def renew_stale(run: EvaluationRun, stale: Sequence[UUID]) -> None:
    """Renew the metrics of the runs that judgments given on `run` made stale: its own at once where that is quick."""
    if EvaluationRun.objects.filter(being_judged(), pk=run.pk).exists():
        # Its metrics change with every reply, and are renewed when the judging ends.
        stale = [run_id for run_id in stale if run_id != run.pk]
    elif run.query_count <= _INLINE_QUERIES:
        ledger.renew_metrics(run.pk)
        stale = [run_id for run_id in stale if run_id != run.pk]
    for run_id in stale:
        queue.enqueue_metrics(run_id)


def _check(run: EvaluationRun, grades: Sequence[PersonGrade]) -> None:
    if not grades:
        raise Invalid("no judgments given", errors={"queries": ["at least one judgment"]})
    if len(grades) > MAX_JUDGMENTS:
        raise Invalid("too many judgments", errors={"queries": [f"at most {MAX_JUDGMENTS} judgments at once"]})
    pks = {grade.candidate_pk for grade in grades}
    if Candidate.objects.by_pk(run, pks).count() != len(pks):
        raise NotFound("no such candidate in this evaluation run")
    if len(pks) != len(grades):
        raise Invalid("a candidate is judged twice", errors={"candidate_id": ["a candidate is judged twice"]})
    scale = run.grading_scale
    outside = [grade.grade for grade in grades if grade.grade is not None and grade.grade not in scale]
    if outside:
        told = [f"{grade} is outside the scale {scale.name} ({scale.minimum}-{scale.maximum})" for grade in outside]
        raise Invalid("some judgments are wrong; none was written", errors={"grade": told})
    if any("\x00" in (grade.reasoning or "") or len(grade.reasoning or "") > MAX_REASONING for grade in grades):
        told = [f"text of at most {MAX_REASONING} characters"]
        raise Invalid(f"a reasoning is text of at most {MAX_REASONING} characters", errors={"reasoning": told})
    check_open(run)


def named_candidates(names: Sequence[tuple[UUID, str]]) -> tuple[EvaluationRun, list[int]]:
    """Return the run and the pks of candidates named by run query and document key, in the order given.

    Raise Invalid: unknown ones, one that is named twice, queries of more than one run.
    """
    if not names:
        raise Invalid("no judgments given", errors={"queries": ["at least one judgment"]})
    run_query_ids = {run_query_id for run_query_id, _ in names}
    runs = dict(RunQuery.objects.filter(pk__in=run_query_ids).values_list("pk", "run_id"))
    problems: dict[str, list[str]] = {}
    for run_query_id in run_query_ids - runs.keys():
        problems.setdefault("query_id", []).append(f"unknown query {run_query_id}")
    if not problems and len(set(runs.values())) > 1:
        problems["query_id"] = ["the queries belong to more than one evaluation run"]
    if problems:
        raise Invalid("unknown queries", errors=problems)
    found = {
        (run_query_id, document_key): pk
        for pk, run_query_id, document_key in Candidate.objects.filter(
            run__isnull=False,
            run_query_id__in=run_query_ids,
            document__external_id__in={document_key for _, document_key in names},
        ).values_list("pk", "run_query_id", "document__external_id")
    }
    seen: set[tuple[UUID, str]] = set()
    for name in names:
        run_query_id, document_key = name
        if name in seen:
            problems.setdefault("candidate_id", []).append(f"{document_key!r} is judged twice for one query")
        seen.add(name)
        if name not in found:
            message = f"{document_key!r} is not a candidate of query {run_query_id}"
            problems.setdefault("candidate_id", []).append(message)
    if problems:
        raise Invalid("some judgments are wrong; none was written", errors=problems)
    run = EvaluationRun.objects.select_related("evaluation").get(pk=next(iter(runs.values())))
    return run, [found[name] for name in names]
