"""Grading scales: what a grade may be and what each one is called."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """A closed range of integer grades from 0, each with a label; relevance rises with the grade."""

    name: str
    title: str
    labels: tuple[str, ...]
    highly_relevant_from: int

    @property
    def minimum(self) -> int:
        return 0

    @property
    def maximum(self) -> int:
        return len(self.labels) - 1

    def __contains__(self, grade: object) -> bool:
        """Tell whether grade is an integer of this scale (booleans and floats are not)."""
        return type(grade) is int and 0 <= grade <= self.maximum

    def label(self, grade: int) -> str:
        return self.labels[grade]


SCALES: dict[str, Scale] = {
    scale.name: scale
    for scale in (
        Scale("binary", "Binary (0-1)", ("Not relevant", "Relevant"), 1),
        Scale(
            "graded",
            "Graded (0-4)",
            ("Not relevant", "Marginally relevant", "Fairly relevant", "Highly relevant", "Perfectly relevant"),
            3,
        ),
        Scale(
            "detailed",
            "Detailed (0-9)",
            (
                "Not relevant",
                "Slightly relevant",
                "Somewhat relevant",
                "Moderately relevant",
                "Fairly relevant",
                "Generally relevant",
                "Highly relevant",
                "Very relevant",
                "Extremely relevant",
                "Perfectly relevant",
            ),
            6,
        ),
        Scale("trec", "TREC (0-3)", ("Irrelevant", "Related", "Highly relevant", "Perfectly relevant"), 2),
    )
}

MAX_GRADE = max(scale.maximum for scale in SCALES.values())
