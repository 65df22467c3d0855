"""The rule of the effective grade."""

from collections.abc import Sequence
from math import floor


def effective_grade(people_grades: Sequence[int], ai_grade: int | None) -> int | None:
    """Return the grade that counts: the mean of the people's grades, rounded half up, else the AI's, else None."""
    if people_grades:
        return floor(sum(people_grades) / len(people_grades) + 0.5)
    return ai_grade
