"""What a run needs beside its ranking, and the ranking itself: put aside on disk, since files may outgrow memory."""

from array import array
from collections.abc import Iterator
from typing import Any, NamedTuple

from judging.foundation.limits import MAX_CANDIDATES
from judging.models import query_identity
from judging.records.lists.corpus_rows import DocumentContent, QueryBody
from judging.records.lists.ranked_lists import RankedCandidate
from judging.records.reading.spool import Spool
from judging.records.reading.upload import Problems, SourceFile, shown
from judging.runs.importing.formats.shapes import DocumentRow, Format, QueryRow, Reading, RunRow


class RankedLine(NamedTuple):
    """A line of a run."""

    number: int
    external_id: str
    rank: int | None
    score: float | None
    content: DocumentContent | None


def read_queries(source: SourceFile, known: Format[QueryRow], reading: Reading) -> dict[str, QueryRow]:
    """Return the queries of a file by label. A line that stands twice counts once, a label that does is a problem."""
    queries: dict[str, QueryRow] = {}
    for row in known.read(source, reading):
        first = queries.setdefault(row.label, row)
        if first is not row and first.body != row.body:
            message = f"the query_id {shown(row.label)} stands in line {first.line}, too"
            reading.problems.add(source.name, row.line, message)
        elif first is not row:
            reading.notes.duplicates += 1
    return queries


class Documents:
    """A documents file by id."""

    def __init__(self, source: SourceFile, known: Format[DocumentRow], reading: Reading) -> None:
        self._spool = Spool()
        self._numbers: dict[str, int] = {}
        for row in known.read(source, reading):
            number = self._numbers.get(row.external_id)
            if number is None:
                self._numbers[row.external_id] = self._spool.add([row.line, *_content_values(row.content)])
                continue
            line, *values = self._spool.row(number)
            if _content(values) == row.content:
                reading.notes.duplicates += 1
            else:
                message = f"{shown(row.external_id)} stands in line {line}, too"
                reading.problems.add(source.name, row.line, message)

    def __contains__(self, external_id: str) -> bool:
        return external_id in self._numbers

    def get(self, external_id: str) -> DocumentContent | None:
        number = self._numbers.get(external_id)
        return None if number is None else _content(self._spool.row(number)[1:])


class Ranking:
    """A run file by query. A query is known by a key: its label, or where it has none its identity."""

    def __init__(self, source: SourceFile, known: Format[RunRow], reading: Reading) -> None:
        self._source = source
        self._spool = Spool()
        self._numbers: dict[str, array[int]] = {}
        # The queries as the file itself gives their text, by key.
        self.bodies: dict[str, QueryRow] = {}
        first_rank: int | None = None
        is_varied = False
        for row in known.read(source, reading):
            if not self._numbers:
                first_rank = row.rank
            is_varied = is_varied or row.rank != first_rank
            key = row.label
            if row.body is not None:
                key = self._take_body(row, row.body, reading)
            content = [] if row.content is None else _content_values(row.content)
            number = self._spool.add([row.line, row.external_id, row.rank, row.score, *content])
            self._numbers.setdefault(key, array("Q")).append(number)
        has_lists = any(len(numbers) > 1 for numbers in self._numbers.values())
        # The rank of every line, where they all have the same: BEIR writes 0.
        self.only_rank = first_rank if has_lists and not is_varied else None
        self._is_by_score = has_lists and not is_varied

    def _take_body(self, row: RunRow, body: QueryBody, reading: Reading) -> str:
        key = row.label or f"\x00{query_identity(body, reading.match_mode)}"
        first = self.bodies.setdefault(key, QueryRow(row.line, row.label, body))
        if first.body is not body and row.label and first.body != body:
            message = f"the query_id {shown(row.label)} stands for another query in line {first.line}"
            reading.problems.add(self._source.name, row.line, message)
        return key

    @property
    def keys(self) -> list[str]:
        return list(self._numbers)

    def __contains__(self, key: str) -> bool:
        return key in self._numbers

    def candidates(self, key: str, documents: Documents | None) -> list[RankedCandidate]:
        """Return a query's candidates in order, with what is known of their content."""
        return [
            RankedCandidate(
                line.external_id, (documents.get(line.external_id) if documents else None) or line.content, line.score
            )
            for line in self.sorted_lines(key, Reading(Problems()))
        ]

    def sorted_lines(self, key: str, reading: Reading) -> list[RankedLine]:
        """Return a query's lines in order. Two of one rank or document are a problem, identical ones count once."""
        problems = reading.problems
        numbers = self._numbers.get(key, array("Q"))
        query = shown(key if not key.startswith("\x00") else self.bodies[key].body)
        if len(numbers) > MAX_CANDIDATES:
            line = self._spool.row(numbers[0])[0]
            problems.add(self._source.name, line, f"query {query} has more than {MAX_CANDIDATES:,} lines")
            return []
        lines: list[RankedLine] = []
        ranks: dict[int | None, int] = {}
        documents: dict[str, RankedLine] = {}
        for number in numbers:
            line = _line(self._spool.row(number))
            first = documents.setdefault(line.external_id, line)
            if first is not line and first[1:] == line[1:]:
                reading.notes.duplicates += 1
                continue
            lines.append(line)
            if not self._is_by_score and (taken := ranks.setdefault(line.rank, line.number)) != line.number:
                rank = (
                    f"rank {line.rank} of query {query}" if line.rank is not None else f"query {query} without a rank"
                )
                problems.add(self._source.name, line.number, f"{rank} stands in line {taken}, too")
            if first is not line:
                message = f"query {query} has the document {shown(line.external_id)} in line {first.number}, too"
                problems.add(self._source.name, line.number, message)
        if self._is_by_score:
            return sorted(lines, key=lambda line: -line.score if line.score is not None else 0.0)
        return sorted(lines, key=lambda line: line.rank if line.rank is not None else -1)

    def lines_without_score(self) -> Iterator[int]:
        """Yield the lines that have none although the scores decide."""
        if self._is_by_score:
            for number in range(len(self._spool)):
                row = self._spool.row(number)
                if row[3] is None:
                    yield row[0]


def _content_values(content: DocumentContent) -> list[Any]:
    return [content.title, content.fields, content.image]


def _content(values: list[Any]) -> DocumentContent:
    title, fields, image = values
    return DocumentContent(title, fields, image)


def _line(row: list[Any]) -> RankedLine:
    number, external_id, rank, score, *content = row
    return RankedLine(number, external_id, rank, score, _content(content) if content else None)
