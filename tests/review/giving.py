"""Grades given by the names that files and the API use."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from judging.ledger import PersonGrade
from judging.models import User
from judging.review import judgments


@dataclass(frozen=True)
class GivenGrade:
    """A grade for a document of a run query."""

    run_query_id: UUID
    document_key: str
    grade: int | None
    reasoning: str = ""
    saw_ai_grade: bool | None = None


def record_judgments(*, grades: Sequence[GivenGrade], actor: User) -> list[int]:
    """Give grades as REST does; return the candidates' pks."""
    run, pks = judgments.named_candidates([(grade.run_query_id, grade.document_key) for grade in grades])
    given = [
        PersonGrade(pk, grade.grade, grade.reasoning, grade.saw_ai_grade) for pk, grade in zip(pks, grades, strict=True)
    ]
    judgments.record_judgments(run=run, grades=given, actor=actor)
    return pks
