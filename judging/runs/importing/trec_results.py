"""Results of an evaluation run in TREC's form: a run file, the queries as TSV, the documents as JSONL."""

import math
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, NamedTuple

from judging.foundation.limits import MAX_CANDIDATES, MAX_LABEL
from judging.records.corpus_rows import DocumentContent, QueryBody
from judging.records.ranked_lists import RankedCandidate, RankedList
from judging.runs.importing.results import (
    CheckedResults,
    QueryRegister,
    ScoreOrder,
    read_content,
)
from judging.runs.importing.upload import BadValue, Problems, SourceFile, shown
from judging.runs.importing.values import (
    check_storable,
    read_external_id,
    read_json_object,
    read_name,
    read_query_cell,
)

_RANK = re.compile(r"[0-9]{1,9}")
_SCORE = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
# Not str.split(): it also splits at U+00A0 and other spaces that ids hold.
_COLUMN = re.compile(r"[^ \t\r\n\f\v]+")
_HEADERS = {("query_id", "query"), ("qid", "query"), ("query_id", "text"), ("qid", "text")}


class RunLine(NamedTuple):
    label: str
    external_id: str
    rank: int
    score: float


class RankedLine(NamedTuple):
    number: int
    line: RunLine


class LabelledQuery(NamedTuple):
    """A line of a queries file."""

    number: int
    body: QueryBody


@dataclass(frozen=True, slots=True)
class TrecResults:
    """A TREC run. The order is the rank column; every query of the queries file is part of the run, found or not."""

    run: IO[bytes]
    queries: IO[bytes]
    documents: IO[bytes] | None = None
    allow_missing_documents: bool = False

    def check(self, match_mode: str) -> CheckedResults:
        problems = Problems()
        queries = read_queries(SourceFile("queries", self.queries), problems, match_mode)
        register = QueryRegister(match_mode)
        for label, query in queries.items():
            # Labels are unique already.
            for message in register.problems_of(query.body, "", query.number):
                problems.add("queries", query.number, f"{message} (query_id {shown(label)})")
        # What lines that were refused would have held is unknown: no complaints that it is missing.
        has_all_queries = not problems.total
        documents = _Documents(self.documents, problems)
        has_all_documents = has_all_queries and not problems.total
        if self.documents is None and not self.allow_missing_documents:
            problems.add("documents", 0, "a documents file is needed, or allow missing documents")
        ranked = _Ranked(SourceFile("run", self.run), problems)
        if not queries and not problems.total:
            problems.add("queries", 0, "there are no queries in it")
        if not ranked.labels and not problems.total:
            problems.add("run", 0, "there are no ranked documents in it")

        order = ScoreOrder()
        missing: set[str] = set()
        for label in ranked.labels:
            lines = ranked.sorted_lines(label, problems)
            if label not in queries and has_all_queries:
                first = min((ranked_line.number for ranked_line in lines), default=0)
                problems.add("run", first, f"the query_id {shown(label)} is not in the queries file")
            for number, line in lines:
                if line.external_id not in documents and line.external_id not in missing:
                    missing.add(line.external_id)
                    if has_all_documents and not self.allow_missing_documents and self.documents is not None:
                        problems.add("run", number, f"{shown(line.external_id)} is not in the documents file")
            candidates = [RankedCandidate(line.external_id, None, line.score) for _, line in lines]
            order.note(candidates, f"query {label}")
        problems.raise_if_any()

        warnings = order.warnings()
        if missing:
            warnings.append(f"{_documents(len(missing))} of the run came without content")

        def read() -> Iterator[RankedList]:
            later = Problems()
            for label, query in queries.items():
                candidates = [
                    RankedCandidate(line.external_id, documents.get(line.external_id), line.score)
                    for _, line in ranked.sorted_lines(label, later)
                ]
                later.raise_if_any()
                yield RankedList(query.body, label, candidates)

        return CheckedResults(len(queries), ranked.line_count, warnings, read)


def read_queries(source: SourceFile, problems: Problems, match_mode: str) -> dict[str, LabelledQuery]:
    """Return the queries of a TSV file (label, tab, text) by label. What is wrong goes to `problems`."""
    queries: dict[str, LabelledQuery] = {}
    is_first = True
    for line in source.lines(problems):
        cells = line.text.split("\t")
        was_first, is_first = is_first, False
        if was_first and tuple(cell.strip().lower() for cell in cells) in _HEADERS:
            continue
        try:
            if len(cells) != 2:
                raise BadValue(f"2 columns with a tab between them are expected, not {len(cells)}")
            label = read_name(cells[0], "query_id", MAX_LABEL)
            query = LabelledQuery(line.number, read_query_cell(cells[1].strip(), match_mode))
        except BadValue as error:
            problems.add(source.name, line.number, str(error))
            continue
        first = queries.setdefault(label, query)
        if first is not query:
            problems.add(source.name, line.number, f"the query_id {shown(label)} stands in line {first.number}, too")
    return queries


class _Documents:
    """A documents file by id: the place of each document is held, its content is read again when it is asked for."""

    def __init__(self, file: IO[bytes] | None, problems: Problems) -> None:
        self._numbers: dict[str, int] = {}
        if file is None:
            return
        self._source = SourceFile("documents", file)
        for line in self._source.lines(problems):
            try:
                external_id, _ = self._read(line.text)
            except BadValue as error:
                problems.add("documents", line.number, str(error))
                continue
            first = self._numbers.setdefault(external_id, line.number)
            if first != line.number:
                problems.add("documents", line.number, f"{shown(external_id)} stands in line {first}, too")

    def __contains__(self, external_id: str) -> bool:
        return external_id in self._numbers

    def get(self, external_id: str) -> DocumentContent | None:
        number = self._numbers.get(external_id)
        return None if number is None else self._read(self._source.line_at(number))[1]

    def _read(self, text: str) -> tuple[str, DocumentContent]:
        value: dict[str, Any] = read_json_object(text)
        check_storable(value)
        return read_external_id(value.get("doc_id"), "doc_id"), read_content(value)


class _Ranked:
    """A run file by query: only the numbers of its lines are held, since a file may be larger than memory."""

    def __init__(self, source: SourceFile, problems: Problems) -> None:
        self._source = source
        self._numbers: dict[str, array[int]] = {}
        self.line_count = 0
        for line in source.lines(problems):
            try:
                label = _read_run_line(line.text).label
            except BadValue as error:
                problems.add(source.name, line.number, str(error))
                continue
            self._numbers.setdefault(label, array("Q")).append(line.number)
            self.line_count += 1

    @property
    def labels(self) -> list[str]:
        return list(self._numbers)

    def sorted_lines(self, label: str, problems: Problems) -> list[RankedLine]:
        """Return a query's lines in the order of their ranks. Two of one rank or document are reported."""
        numbers = self._numbers.get(label, array("Q"))
        if len(numbers) > MAX_CANDIDATES:
            problems.add(self._source.name, numbers[0], f"query {shown(label)} has more than {MAX_CANDIDATES:,} lines")
            return []
        lines = [RankedLine(number, _read_run_line(self._source.line_at(number))) for number in numbers]
        ranks: dict[int, int] = {}
        documents: dict[str, int] = {}
        for number, line in lines:
            first = ranks.setdefault(line.rank, number)
            if first != number:
                message = f"rank {line.rank} of query {shown(label)} stands in line {first}, too"
                problems.add(self._source.name, number, message)
            first = documents.setdefault(line.external_id, number)
            if first != number:
                message = f"query {shown(label)} has the document {shown(line.external_id)} in line {first}, too"
                problems.add(self._source.name, number, message)
        return sorted(lines, key=lambda ranked: ranked.line.rank)


def _read_run_line(text: str) -> RunLine:
    columns = _COLUMN.findall(text)
    if len(columns) != 6:
        raise BadValue(f"6 columns are expected (query_id Q0 doc_id rank score tag), not {len(columns)}")
    label, _, external_id, rank, score, _ = columns
    if not _RANK.fullmatch(rank):
        raise BadValue(f"the rank must be a whole number, not {shown(rank)}")
    if not _SCORE.fullmatch(score) or not math.isfinite(float(score)):
        raise BadValue(f"the score must be a finite number, not {shown(score)}")
    return RunLine(
        read_name(label, "query_id", MAX_LABEL), read_external_id(external_id, "doc_id"), int(rank), float(score)
    )


def _documents(count: int) -> str:
    return "1 document" if count == 1 else f"{count:,} documents"
