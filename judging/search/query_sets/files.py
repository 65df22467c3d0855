"""Queries from files and pasted text: a query per line, JSON, or a table with a header."""

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import PurePath
from typing import IO, Any, Literal

from judging.foundation.errors import Invalid
from judging.foundation.limits import MAX_QUERY_TEXT
from judging.records.reading.delimited import checked_cells, table_rows, trimmed_header
from judging.records.reading.json_stream import json_values
from judging.records.reading.opening import why_no_text
from judging.records.reading.spellings import LONE_QUERY_TEXTS, QUERY_IDS, TAGS, plain, spelled
from judging.records.reading.tags import read_tags
from judging.records.reading.upload import BadValue, Problems, SourceFile, shown
from judging.records.reading.values import read_query
from judging.search.query_sets.rows import (
    CheckedQueries,
    NewQuery,
    checked_queries,
    read_query_label,
    read_row,
    read_weight,
)

QueryFormat = Literal["txt", "jsonl", "csv"]
FORMATS: dict[str, QueryFormat] = {
    ".txt": "txt",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
}
_LABELS = ("label", *QUERY_IDS)
_WEIGHTS = ("weight", "count", "frequency")


def read_queries_file(file: IO[bytes], name: str) -> CheckedQueries:
    """Read the queries of a file by what its name ends in: .txt, .jsonl or .csv. Raise Invalid or ImportRejected."""
    file_format = FORMATS.get(PurePath(name).suffix.lower())
    if file_format is None:
        message = "The file's name must end in .txt (a query per line), .jsonl or .csv."
        raise Invalid(message, errors={"file": [message]})
    return _read(SourceFile("file", file), file_format)


def read_pasted(text: str) -> CheckedQueries:
    """Read pasted queries: JSON where the first line begins with { or [, else a query per line. Raise ImportRejected."""
    is_json = text.lstrip()[:1] in ("{", "[")
    # Half a surrogate pair has no bytes: it comes out as text that is no UTF-8, and is told by its line.
    source = SourceFile("queries", BytesIO(text.encode(errors="surrogatepass")))
    return _read(source, "jsonl" if is_json else "txt")


def read_sent(values: Sequence[Any]) -> CheckedQueries:
    """Read queries that came as JSON values (see read_row). Raise ImportRejected, which names queries from 1."""
    problems = Problems()

    def rows() -> Iterator[tuple[int, NewQuery]]:
        for number, value in enumerate(values, start=1):
            try:
                yield number, read_row(value)
            except BadValue as error:
                problems.add("queries", number, str(error), unit="query")

    return checked_queries(rows(), problems, file="queries", unit="query")


def _read(source: SourceFile, file_format: QueryFormat) -> CheckedQueries:
    problems = Problems()
    if what := why_no_text(source):
        problems.add(source.name, 0, what)
        problems.raise_if_any()
    rows = {"txt": _text_rows, "jsonl": _json_rows, "csv": _table_rows}[file_format](source, problems)
    return checked_queries(rows, problems, file=source.name, unit="line")


def _text_rows(source: SourceFile, problems: Problems) -> Iterator[tuple[int, NewQuery]]:
    for line in source.lines(problems):
        text = line.text.strip()
        if len(text) > MAX_QUERY_TEXT:
            problems.add(source.name, line.number, f"the query is longer than {MAX_QUERY_TEXT:,} characters")
            continue
        yield line.number, NewQuery(text)


def _json_rows(source: SourceFile, problems: Problems) -> Iterator[tuple[int, NewQuery]]:
    for line, value in json_values(source, problems):
        try:
            row = read_row(value)
        except BadValue as error:
            problems.add(source.name, line, str(error))
            continue
        yield line, row


def _table_rows(source: SourceFile, problems: Problems) -> Iterator[tuple[int, NewQuery]]:
    """Read a table: a column with the query, those of label, weight and tags, and all others as text properties."""
    rows = table_rows(source, problems)
    first = next(rows, None)
    if first is None:
        return
    header = trimmed_header(first.cells)
    try:
        columns = _Columns(header)
    except BadValue as error:
        problems.add(source.name, first.line, str(error))
        return
    for row in rows:
        try:
            yield row.line, columns.query_of(checked_cells(row.cells, len(header)))
        except BadValue as error:
            problems.add(source.name, row.line, str(error))


class _Columns:
    """Which column of a table is what."""

    def __init__(self, header: list[str]) -> None:
        if len({plain(name) for name in header}) < len(header):
            raise BadValue("two columns have the same name")
        if not all(header):
            raise BadValue("a column has no name")
        self._header = header
        query = spelled(header, LONE_QUERY_TEXTS)
        if query is None:
            raise BadValue(f'there is no column "query", only {", ".join(map(shown, header[:10]))}')
        self._query = query
        self._label = spelled(header, _LABELS)
        self._weight = spelled(header, _WEIGHTS)
        self._tags = spelled(header, TAGS)
        taken = {self._query, self._label, self._weight, self._tags}
        self._properties = [name for name in header if name not in taken]

    def query_of(self, cells: list[str]) -> NewQuery:
        values = dict(zip(self._header, cells, strict=True))
        text = values[self._query]
        # An empty cell is a property that this query does not have.
        properties = {name: values[name] for name in self._properties if values[name]}
        return NewQuery(
            body=read_query({"query": text, **properties} if self._properties else text.strip()),
            label=read_query_label(values[self._label]) if self._label else "",
            weight=read_weight(values[self._weight].strip()) if self._weight else None,
            tags=read_tags(values[self._tags] if self._tags else None),
        )
