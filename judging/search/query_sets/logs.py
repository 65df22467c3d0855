"""Logs of queries: how often each was asked."""

from collections.abc import Iterator
from typing import IO, Any

from judging.foundation.limits import MAX_LOG_QUERIES, MAX_QUERY_TEXT
from judging.models import query_text
from judging.records.reading.delimited import checked_cells, table_rows, trimmed_header
from judging.records.reading.json_stream import json_values
from judging.records.reading.opening import opening_of, why_no_text
from judging.records.reading.spellings import LONE_QUERY_TEXTS, spelled
from judging.records.reading.upload import BadValue, Problems, SourceFile
from judging.records.reading.values import check_storable
from judging.search.query_sets.rows import read_weight

_COUNTS = ("count", "frequency", "weight", "searches")


def read_log(file: IO[bytes]) -> dict[str, float]:
    """Return how often each query of a log was asked, from CSV or JSON with `query` and `count`. Raise ImportRejected.

    A line without a count is one search, and counts of the same query are added, so a raw log can be read, too.
    Queries that were never asked (count 0) are left out.
    """
    source, problems = SourceFile("log", file), Problems()
    if what := why_no_text(source):
        problems.add(source.name, 0, what)
        problems.raise_if_any()
    opening = opening_of(source)
    is_json = opening.is_object or opening.is_array or opening.first.startswith('"')
    counts: dict[str, float] = {}
    for line, query, count in (_from_json if is_json else _from_table)(source, problems):
        try:
            text, weight = _checked(query, count)
        except BadValue as error:
            problems.add(source.name, line, str(error))
            continue
        if weight:
            counts[text] = counts.get(text, 0.0) + weight
        if len(counts) > MAX_LOG_QUERIES:
            problems.add(source.name, line, f"a log has at most {MAX_LOG_QUERIES:,} different queries")
            break
    if not counts and not problems.total:
        problems.add(source.name, 0, "there are no queries in it")
    problems.raise_if_any()
    return counts


def _from_json(source: SourceFile, problems: Problems) -> Iterator[tuple[int, Any, Any]]:
    for line, value in json_values(source, problems):
        if isinstance(value, dict):
            name = spelled(value, _COUNTS)
            yield line, value.get("query"), value[name] if name is not None else None
        else:
            yield line, value, None


def _from_table(source: SourceFile, problems: Problems) -> Iterator[tuple[int, Any, Any]]:
    rows = table_rows(source, problems)
    first = next(rows, None)
    if first is None:
        return
    header = trimmed_header(first.cells)
    query, count = spelled(header, LONE_QUERY_TEXTS), spelled(header, _COUNTS)
    if query is None:
        problems.add(source.name, first.line, 'the first line names the columns; there is no "query" among them')
        return
    query_at = header.index(query)
    count_at = header.index(count) if count is not None else None
    for row in rows:
        try:
            cells = checked_cells(row.cells, len(header))
        except BadValue as error:
            problems.add(source.name, row.line, str(error))
            continue
        yield row.line, cells[query_at], cells[count_at].strip() if count_at is not None else None


def _checked(query: Any, count: Any) -> tuple[str, float]:
    if not isinstance(query, str):
        raise BadValue("query must be text")
    check_storable(query)
    text = query_text(query)
    if not text:
        raise BadValue("the query is empty")
    if len(text) > MAX_QUERY_TEXT:
        raise BadValue(f"the query is longer than {MAX_QUERY_TEXT:,} characters")
    weight = read_weight(count)
    return text, 1.0 if weight is None else weight
