"""Where the results of an evaluation run come from: a list, or files (`run_files`).

A source is read twice. `check` goes over everything, raises ImportRejected with what is wrong and writes nothing;
what it returns reads the same queries again, one at a time, for writing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol

from judging.foundation.limits import MAX_CANDIDATES
from judging.models import query_identity
from judging.records.lists.corpus_rows import QueryBody
from judging.records.lists.ranked_lists import RankedCandidate, RankedList
from judging.records.reading.spellings import DOCUMENT_IDS, QUERY_IDS, names_of, plain, read_id_member
from judging.records.reading.tags import read_tags
from judging.records.reading.upload import BadValue, Problems, shown
from judging.records.reading.values import (
    check_storable,
    read_external_id,
    read_label,
    read_query,
    read_score,
)
from judging.runs.importing.formats.documents import read_content
from judging.runs.importing.formats.shapes import Notes

# One query with its candidates is held in memory at a time.
_QUERY_KEYS = {"query", "candidates", "tags"}
_CANDIDATE_IDS = ("id", *(name for name in DOCUMENT_IDS if name != "id"))
# The place in the list is the rank. As a field it would make another version of the document in every run.
_IGNORED = {"rank", "position", "_score"}
_NO_CONTENT = frozenset(("score", *_IGNORED))


@dataclass(frozen=True, slots=True)
class CheckedResults:
    """Results without a fault. `read` gives the queries, and may be called any number of times."""

    query_count: int
    candidate_count: int
    warnings: list[str]
    read: Callable[[], Iterator[RankedList]]
    # The external ids of documents without title, fields and image.
    without_content: frozenset[str] = frozenset()
    # The format of each file by its field; empty where there was none.
    read_as: dict[str, str] = field(default_factory=dict)


class RunSource(Protocol):
    def check(self, match_mode: str) -> CheckedResults:
        """Check all of it for a corpus of this match mode. Raises ImportRejected."""
        ...


@dataclass(frozen=True, slots=True)
class InlineResults:
    """Results as a list of the form `[{query, query_id?, tags?, candidates: [{id, title, fields?, image?, score?}]}]`."""

    results: Sequence[Any]

    def check(self, match_mode: str) -> CheckedResults:
        if not isinstance(self.results, list | tuple):
            problems = Problems()
            problems.add("results", 0, "a list of queries with their candidates is expected")
            problems.raise_if_any()
        return check_results(self._rows, unit="query", match_mode=match_mode)

    def _rows(self, problems: Problems) -> Iterator[tuple[int, Any]]:
        return enumerate(self.results, start=1)


class QueryRegister:
    """The queries and labels of one run seen so far, each with the line or place it stands in."""

    def __init__(self, match_mode: str, unit: str = "line") -> None:
        self._match_mode, self._unit = match_mode, unit
        self._places: dict[bytes, int] = {}
        self._labels: dict[str, int] = {}

    def problems_of(self, body: QueryBody, label: str, place: int) -> Iterator[str]:
        """Take note of a query and yield what is wrong with having it beside those before."""
        first = self._places.setdefault(bytes.fromhex(query_identity(body, self._match_mode)), place)
        if first != place:
            yield f"the same query stands in {self._unit} {first}"
        first = self._labels.setdefault(label, place) if label else place
        if first != place:
            yield f"the query_id {shown(label)} stands in {self._unit} {first}, too"


class ScoreOrder:
    """Queries whose scores rise while their ranks fall, for one warning about all of them."""

    def __init__(self) -> None:
        self.count = 0
        self.first = ""

    def note(self, candidates: Sequence[RankedCandidate], where: str) -> None:
        scores = [candidate.score for candidate in candidates if candidate.score is not None]
        if any(later > earlier for earlier, later in pairwise(scores)):
            self.count += 1
            self.first = self.first or where

    def warnings(self) -> list[str]:
        if not self.count:
            return []
        queries = "1 query" if self.count == 1 else f"{self.count} queries"
        return [f"the scores of {queries} disagree with the ranks (first: {self.first}); the ranks were used"]


def read_candidate(value: Any, notes: Notes) -> RankedCandidate:
    if not isinstance(value, dict):
        raise BadValue("an object is expected")
    name, external_id = read_id_member(value, _CANDIDATE_IDS)
    external_id = read_external_id(external_id, plain(name))
    notes.ignore(_IGNORED & value.keys())
    content = read_content(value, notes, id_name=name, ignored=_NO_CONTENT, fill_blank=False)
    return RankedCandidate(external_id, content, read_score(value.get("score")))


def read_result(value: Any, notes: Notes) -> RankedList:
    """Return a query of the JSON form with its candidates. Raises BadValue with the first thing that is wrong."""
    if not isinstance(value, dict):
        raise BadValue("an object with query and candidates is expected")
    check_storable(value)
    label_name, label_value = read_id_member(value, QUERY_IDS)
    body, label = read_query(value.get("query")), read_label(label_value)
    tags = read_tags(value.get("tags"))
    notes.ignore(value.keys() - _QUERY_KEYS - {label_name})
    rows = value.get("candidates")
    if not isinstance(rows, list):
        raise BadValue("candidates must be a list" if rows is not None else "candidates is missing")
    if len(rows) > MAX_CANDIDATES:
        raise BadValue(f"more than {MAX_CANDIDATES:,} candidates")
    candidates: list[RankedCandidate] = []
    numbers: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        try:
            candidate = read_candidate(row, notes)
        except BadValue as error:
            raise BadValue(f"candidate {number}: {error}") from None
        first = numbers.setdefault(candidate.external_id, number)
        if first != number:
            raise BadValue(f"candidates {first} and {number} are the same document {shown(candidate.external_id)}")
        candidates.append(candidate)
    return RankedList(body, label, candidates, tags)


def check_results(
    rows: Callable[[Problems], Iterator[tuple[int, Any]]],
    *,
    unit: str,
    match_mode: str,
    read_as: dict[str, str] | None = None,
) -> CheckedResults:
    """Check queries of the JSON form, each with its place counted in units. Raises ImportRejected."""
    problems, notes = Problems(), Notes()
    register, order = QueryRegister(match_mode, unit), ScoreOrder()
    query_count = candidate_count = 0
    for place, value in rows(problems):
        try:
            query = read_result(value, notes)
        except BadValue as error:
            problems.add("results", place, str(error), unit=unit)
            continue
        for message in register.problems_of(query.body, query.label, place):
            problems.add("results", place, message, unit=unit)
        order.note(query.candidates, f"{unit} {place}")
        query_count += 1
        candidate_count += len(query.candidates)
    if not query_count and not problems.total:
        problems.add("results", 0, "there are no queries in it")
    problems.raise_if_any()

    warnings = order.warnings()
    if notes.ignored:
        warnings.append(f"keys that have no meaning here were ignored: {names_of(notes.ignored)}")

    def read() -> Iterator[RankedList]:
        later = Problems()
        for _, value in rows(later):
            yield read_result(value, Notes())
        later.raise_if_any()

    return CheckedResults(
        query_count, candidate_count, warnings + notes.document_warnings(), read, read_as=read_as or {}
    )
