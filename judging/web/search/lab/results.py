"""What the sides of the query lab found, as the page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass

from judging.search.lab.asking import LabCandidate, SideAnswer
from judging.web.remedies import Remedy
from judging.web.review.documents import FieldText, field_texts, image_address
from judging.web.search.lab.forms import SideForm
from judging.web.search.remedies import search_remedy


@dataclass(frozen=True, slots=True)
class LabEntry:
    """A document of a list. `mark` says where it stands in the first list, "" for the same rank."""

    candidate: LabCandidate
    mark: str
    look: str

    @property
    def image(self) -> str:
        return image_address(self.candidate.image)

    @property
    def fields(self) -> list[FieldText]:
        return field_texts(self.candidate.fields)


@dataclass(frozen=True, slots=True)
class SideResult:
    """What a side found."""

    title: str
    template_name: str
    is_first: bool
    answer: SideAnswer
    entries: list[LabEntry]

    @property
    def remedy(self) -> Remedy | None:
        return search_remedy(self.answer.failure_code) if self.answer.failure_code else None


def side_results(answers: Sequence[SideAnswer], sides: Sequence[SideForm]) -> list[SideResult]:
    """Put what was found beside the sides, in their order, that were asked."""
    first_failed = bool(answers[0].failure_code)
    return [
        SideResult(
            side.title,
            side.template_name,
            number == 0,
            answer,
            [_entry(candidate, is_compared=number > 0 and not first_failed) for candidate in answer.candidates],
        )
        for number, (side, answer) in enumerate(zip(sides, answers, strict=True))
    ]


def _entry(candidate: LabCandidate, *, is_compared: bool) -> LabEntry:
    if candidate.is_only_here:
        return LabEntry(candidate, "Only here", "success")
    if not is_compared or candidate.first_rank == candidate.rank:
        return LabEntry(candidate, "", "")
    if candidate.first_rank is None:
        return LabEntry(candidate, "New", "success")
    if candidate.first_rank > candidate.rank:
        return LabEntry(candidate, f"↑ from {candidate.first_rank}", "info")
    return LabEntry(candidate, f"↓ from {candidate.first_rank}", "neutral")
