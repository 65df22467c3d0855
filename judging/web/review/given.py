"""Grades as pages with grade buttons send them."""

import json
from dataclasses import replace

from judging.foundation.errors import Invalid
from judging.ledger import PersonGrade
from judging.web.base import PageRequest

_MOST_GRADES = 500


def given_grades(request: PageRequest) -> list[PersonGrade]:
    """Read `grades`, a JSON list with the fields of PersonGrade, and the `note` on the one grade. Raise Invalid."""
    try:
        grades = [PersonGrade(**fields) for fields in json.loads(request.POST.get("grades", ""))]
        is_sound = 0 < len(grades) <= _MOST_GRADES and all(
            type(grade.candidate_pk) is int
            and 0 < grade.candidate_pk < 2**63
            and (grade.grade is None or type(grade.grade) is int)
            and (grade.reasoning is None or type(grade.reasoning) is str)
            and (grade.saw_ai_grade is None or type(grade.saw_ai_grade) is bool)
            for grade in grades
        )
    except (ValueError, TypeError, RecursionError):
        is_sound = False
    if not is_sound:
        raise Invalid("these grades can't be read")
    note = given_note(request)
    if note is not None and len(grades) > 1:
        raise Invalid("a note belongs to one grade")
    return grades if note is None else [replace(grades[0], reasoning=note)]


def given_note(request: PageRequest) -> str | None:
    """Read `note`, a person's reasoning; None where the form has none."""
    note = request.POST.get("note")
    # Forms send each end of a line as two characters, of which `maxlength` counts one.
    return None if note is None else note.replace("\r\n", "\n").strip()
