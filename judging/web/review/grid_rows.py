"""The review grid as its templates take it: rows with their texts, in lists per query, and the metric cards."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from judging.foundation.scales import Scale
from judging.ledger.staleness import has_stale_metrics
from judging.models import EvaluationRun
from judging.review.grid import GridRow
from judging.web.metric_cards import MetricCard, cards_of, coverage_of
from judging.web.review.documents import FieldText, fields_preview, image_address, query_details, shortened

_MOST_PEOPLE = 4
_TITLE_CHARACTERS = 240
# About the two lines that a row has for it.
_REASONING_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class GradeKey:
    """A grade as a button: the label and the step of the colour scale belong to it."""

    grade: int
    label: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the grid. `saw_ai_grade`: what a grade given here says of it."""

    row: GridRow
    title: str
    preview: str
    image: str
    reasoning: str
    people: tuple[Any, ...]
    further_people: int
    saw_ai_grade: bool
    status: str

    @property
    def is_failed(self) -> bool:
        return self.row.last_item_status == "failed"

    @property
    def seen(self) -> str:
        """The candidate with the AI's grade shown, as confirming takes it."""
        return f"{self.row.candidate_pk}:{'' if self.row.ai_grade is None else self.row.ai_grade}"


@dataclass(frozen=True, slots=True)
class RankedList:
    """The rows of one query; without a heading the rows name their queries themselves."""

    entries: list[Entry]
    first: GridRow
    details: list[FieldText]
    has_heading: bool


@dataclass(frozen=True, slots=True)
class MetricCards:
    """The figures of a run; `is_renewing`: judgments are not all in the metrics yet."""

    run: EvaluationRun
    cards: list[MetricCard]
    coverage: float | None
    is_renewing: bool


def grade_keys(scale: Scale) -> list[GradeKey]:
    return [GradeKey(grade, label) for grade, label in enumerate(scale.labels)]


def entry_of(row: GridRow) -> Entry:
    return Entry(
        row=row,
        title=shortened(row.title or row.document_key, _TITLE_CHARACTERS),
        preview=fields_preview(row.fields),
        image=image_address(row.image),
        reasoning=shortened(row.reasoning, _REASONING_CHARACTERS),
        people=tuple(row.people[:_MOST_PEOPLE]),
        further_people=max(0, len(row.people) - _MOST_PEOPLE),
        saw_ai_grade=row.ai_grade is not None,
        status=_status(row),
    )


def _status(row: GridRow) -> str:
    if row.last_item_status == "failed":
        return f"Failed: {row.failure_code.replace('_', ' ')}"
    if row.people_count:
        return "By people"
    return "Unjudged" if row.ai_grade is None else "By AI"


def ranked_lists(rows: Iterable[GridRow], *, is_by_query: bool) -> list[RankedList]:
    """Return rows in lists, one per query when they come query by query, else all in one."""
    if not is_by_query:
        entries = [entry_of(row) for row in rows]
        return [RankedList(entries, entries[0].row, [], has_heading=False)] if entries else []
    lists = []
    for _, of_query in groupby(rows, key=lambda row: row.run_query_id):
        entries = [entry_of(row) for row in of_query]
        first = entries[0].row
        lists.append(RankedList(entries, first, query_details(first.query), has_heading=True))
    return lists


def metric_cards(run: EvaluationRun) -> MetricCards:
    return MetricCards(
        run=run,
        cards=cards_of(run),
        coverage=coverage_of(run),
        is_renewing=has_stale_metrics(run),
    )
