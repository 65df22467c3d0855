"""Where the results of an evaluation run come from: a list, a JSONL file, or TREC files (`trec_results`).

A source is read twice. `check` goes over everything, raises ImportRejected with what is wrong and writes nothing;
what it returns reads the same queries again, one at a time, for writing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import IO, Any, Protocol

from judging.foundation.limits import MAX_CANDIDATES, MAX_IMAGE, MAX_TITLE
from judging.models import query_identity
from judging.records.corpus_rows import DocumentContent, QueryBody
from judging.records.ranked_lists import RankedCandidate, RankedList
from judging.runs.importing.upload import BadValue, Problems, SourceFile, shown
from judging.runs.importing.values import (
    check_storable,
    read_external_id,
    read_fields,
    read_json,
    read_label,
    read_query,
    read_score,
    read_text,
)

# One query with its candidates is held in memory at a time.
_QUERY_KEYS = {"query", "query_id", "candidates"}
_CANDIDATE_KEYS = {"id", "title", "fields", "image", "score"}


@dataclass(frozen=True, slots=True)
class CheckedResults:
    """Results without a fault. `read` gives the queries, and may be called any number of times."""

    query_count: int
    candidate_count: int
    warnings: list[str]
    read: Callable[[], Iterator[RankedList]]


class RunSource(Protocol):
    def check(self, match_mode: str) -> CheckedResults:
        """Check all of it for a corpus of this match mode. Raises ImportRejected."""
        ...


@dataclass(frozen=True, slots=True)
class InlineResults:
    """Results as a list of the form `[{query, query_id?, candidates: [{id, title, fields?, image?, score?}]}]`."""

    results: Sequence[Any]

    def check(self, match_mode: str) -> CheckedResults:
        if not isinstance(self.results, list | tuple):
            problems = Problems()
            problems.add("results", 0, "a list of queries with their candidates is expected")
            problems.raise_if_any()
        return _check(self._rows, word="query", match_mode=match_mode)

    def _rows(self, problems: Problems) -> Iterator[tuple[int, Any]]:
        return enumerate(self.results, start=1)


@dataclass(frozen=True, slots=True)
class JsonlResults:
    """Results as a file with a JSON object of that form on each line."""

    file: IO[bytes]

    def check(self, match_mode: str) -> CheckedResults:
        return _check(self._rows, word="line", match_mode=match_mode)

    def _rows(self, problems: Problems) -> Iterator[tuple[int, Any]]:
        for line in SourceFile("results", self.file).lines(problems):
            try:
                yield line.number, read_json(line.text)
            except BadValue as error:
                problems.add("results", line.number, str(error))


class QueryRegister:
    """The queries and labels of one run seen so far, each with the line or place it stands in."""

    def __init__(self, match_mode: str, word: str = "line") -> None:
        self._match_mode, self._word = match_mode, word
        self._places: dict[bytes, int] = {}
        self._labels: dict[str, int] = {}

    def problems_of(self, body: QueryBody, label: str, place: int) -> Iterator[str]:
        """Take note of a query and yield what is wrong with having it beside those before."""
        first = self._places.setdefault(bytes.fromhex(query_identity(body, self._match_mode)), place)
        if first != place:
            yield f"the same query stands in {self._word} {first}"
        first = self._labels.setdefault(label, place) if label else place
        if first != place:
            yield f"the query_id {shown(label)} stands in {self._word} {first}, too"


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


def read_candidate(value: Any) -> RankedCandidate:
    if not isinstance(value, dict):
        raise BadValue("an object is expected")
    external_id = read_external_id(value.get("id"), "id")
    return RankedCandidate(external_id, read_content(value), read_score(value.get("score")))


def read_content(value: dict[str, Any]) -> DocumentContent:
    """Return title, fields and image of a candidate or document."""
    if value.get("title") is None:
        raise BadValue("title is missing")
    image = value.get("image")
    return DocumentContent(
        read_text(value["title"], "title", MAX_TITLE),
        read_fields(value.get("fields")),
        "" if image is None else read_text(image, "image", MAX_IMAGE),
    )


def read_result(value: Any) -> RankedList:
    """Return a query of the JSON form with its candidates. Raises BadValue with the first thing that is wrong."""
    if not isinstance(value, dict):
        raise BadValue("an object with query and candidates is expected")
    check_storable(value)
    body, label = read_query(value.get("query")), read_label(value.get("query_id"))
    rows = value.get("candidates")
    if not isinstance(rows, list):
        raise BadValue("candidates must be a list" if rows is not None else "candidates is missing")
    if len(rows) > MAX_CANDIDATES:
        raise BadValue(f"more than {MAX_CANDIDATES:,} candidates")
    candidates: list[RankedCandidate] = []
    numbers: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        try:
            candidate = read_candidate(row)
        except BadValue as error:
            raise BadValue(f"candidate {number}: {error}") from None
        first = numbers.setdefault(candidate.external_id, number)
        if first != number:
            raise BadValue(f"candidates {first} and {number} are the same document {shown(candidate.external_id)}")
        candidates.append(candidate)
    return RankedList(body, label, candidates)


def _check(rows: Callable[[Problems], Iterator[tuple[int, Any]]], *, word: str, match_mode: str) -> CheckedResults:
    problems = Problems()

    def report(place: int, message: str) -> None:
        if word == "line":
            problems.add("results", place, message)
        else:
            problems.add("results", 0, f"{word} {place}: {message}")

    register, order = QueryRegister(match_mode, word), ScoreOrder()
    query_count = candidate_count = 0
    ignored: set[str] = set()
    for place, value in rows(problems):
        try:
            query = read_result(value)
        except BadValue as error:
            report(place, str(error))
            continue
        for message in register.problems_of(query.body, query.label, place):
            report(place, message)
        order.note(query.candidates, f"{word} {place}")
        query_count += 1
        candidate_count += len(query.candidates)
        if len(ignored) < 10:
            ignored.update(value.keys() - _QUERY_KEYS, *(row.keys() - _CANDIDATE_KEYS for row in value["candidates"]))
    if not query_count and not problems.total:
        problems.add("results", 0, "there are no queries in it")
    problems.raise_if_any()

    warnings = order.warnings()
    if ignored:
        warnings.append(f"keys that have no meaning here were ignored: {', '.join(map(shown, sorted(ignored)[:10]))}")

    def read() -> Iterator[RankedList]:
        later = Problems()
        for _, value in rows(later):
            yield read_result(value)
        later.raise_if_any()

    return CheckedResults(query_count, candidate_count, warnings, read)
