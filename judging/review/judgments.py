"""Record what people judge."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import F

from judging import ledger
from judging.foundation.errors import Conflict, Invalid
from judging.foundation.limits import MAX_JUDGMENTS
from judging.ledger import PersonGrade
from judging.models import Candidate, EvaluationRun, EvaluationRunStatus, RunQuery, User
from judging.records.judging_activity import being_judged
from judging.records.roles import require_person
from judging.work import queue

# With more queries than this, the mean over them is renewed in the background, so that a grade is saved at once.
_INLINE_QUERIES = 2000


@dataclass(frozen=True, slots=True)
class GivenGrade:
    """A grade for the document `document_key` (external id) of a run query; grade None takes one's own back."""

    run_query_id: UUID
    document_key: str
    grade: int | None
    reasoning: str = ""
    saw_ai_grade: bool | None = None


def record_judgments(*, grades: Sequence[GivenGrade], actor: User) -> list[int]:
    """Write a person's grades, all or nothing; return the ids of the candidates they name, in order.

    All grades must be for queries of one evaluation run. The metrics of the queries touched are renewed, while
    an AI judging run is at work on the same candidates after its end. Raise Forbidden, Invalid (unknown ids, outside
    the scale) or Conflict (run_locked, run_not_completed).
    """
    require_person(actor)
    run, candidates = _resolve(grades)
    if run.status != EvaluationRunStatus.COMPLETED:
        raise Conflict(f"the evaluation run is {run.status}; only a completed one is judged", code="run_not_completed")
    rows = [
        PersonGrade(
            candidate_id=candidate.pk,
            query_id=candidate.query_id,
            document_id=candidate.document_id,
            grade=grade.grade,
            reasoning=grade.reasoning,
            saw_ai_grade=grade.saw_ai_grade,
        )
        for grade, candidate in zip(grades, candidates, strict=True)
    ]
    stale = ledger.record_person_grades(rows, run=run, member_id=actor.pk)
    if run.is_being_judged:  # type: ignore[attr-defined]
        # Its metrics change with every reply, and are renewed when the judging ends.
        stale = [run_id for run_id in stale if run_id != run.pk]
    elif run.query_count <= _INLINE_QUERIES:
        ledger.renew_metrics(run.pk)
        stale = [run_id for run_id in stale if run_id != run.pk]
    for run_id in stale:
        queue.enqueue_metrics(run_id)
    return [candidate.pk for candidate in candidates]


def _resolve(grades: Sequence[GivenGrade]) -> tuple[EvaluationRun, list[Candidate]]:
    if not grades:
        raise Invalid("no judgments given", errors={"queries": ["at least one judgment"]})
    if len(grades) > MAX_JUDGMENTS:
        raise Invalid("too many judgments", errors={"queries": [f"at most {MAX_JUDGMENTS} judgments at once"]})
    query_ids = {grade.run_query_id for grade in grades}
    runs = dict(RunQuery.objects.filter(pk__in=query_ids).values_list("pk", "run_id"))
    problems: dict[str, list[str]] = {}
    for query_id in query_ids - runs.keys():
        problems.setdefault("query_id", []).append(f"unknown query {query_id}")
    if not problems and len(set(runs.values())) > 1:
        problems["query_id"] = ["the queries belong to more than one evaluation run"]
    if problems:
        raise Invalid("unknown queries", errors=problems)
    runs_seen = EvaluationRun.objects.select_related("evaluation").annotate(is_being_judged=being_judged())
    run = runs_seen.get(pk=next(iter(runs.values())))
    scale = run.grading_scale
    found = {
        (candidate.run_query_id, candidate.external_id): candidate  # type: ignore[attr-defined]
        for candidate in _candidates(grades)
    }
    candidates: list[Candidate] = []
    seen: set[tuple[UUID, str]] = set()
    for grade in grades:
        key = (grade.run_query_id, grade.document_key)
        if key in seen:
            problems.setdefault("candidate_id", []).append(f"{grade.document_key!r} is judged twice for one query")
        seen.add(key)
        if key not in found:
            problems.setdefault("candidate_id", []).append(
                f"{grade.document_key!r} is not a candidate of query {grade.run_query_id}"
            )
        else:
            candidates.append(found[key])
        if grade.grade is not None and grade.grade not in scale:
            problems.setdefault("grade", []).append(
                f"{grade.grade} is outside the scale {scale.name} ({scale.minimum}-{scale.maximum})"
            )
    if problems:
        raise Invalid("some judgments are wrong; none was written", errors=problems)
    return run, candidates


def _candidates(grades: Sequence[GivenGrade]) -> list[Candidate]:
    return list(
        Candidate.objects.filter(
            run_query_id__in={grade.run_query_id for grade in grades},
            document__external_id__in={grade.document_key for grade in grades},
        ).annotate(external_id=F("document__external_id"))
    )
