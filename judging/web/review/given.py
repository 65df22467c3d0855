"""Grades as pages with grade buttons send them."""

import json

from judging.foundation.errors import Invalid
from judging.ledger import PersonGrade
from judging.web.base import PageRequest

_MOST_GRADES = 500


def given_grades(request: PageRequest) -> list[PersonGrade]:
    """Read `grades`, a JSON list with the fields of PersonGrade. Raise Invalid."""
    try:
        grades = [PersonGrade(**fields) for fields in json.loads(request.POST.get("grades", ""))]
        is_sound = 0 < len(grades) <= _MOST_GRADES and all(
            type(grade.candidate_pk) is int
            and 0 < grade.candidate_pk < 2**63
            and (grade.grade is None or type(grade.grade) is int)
            and type(grade.reasoning) is str
            and (grade.saw_ai_grade is None or type(grade.saw_ai_grade) is bool)
            for grade in grades
        )
    except (ValueError, TypeError, RecursionError):
        is_sound = False
    if not is_sound:
        raise Invalid("these grades can't be read")
    return grades
