"""Queries by label: two columns with a tab between them, tables with a header, JSON lines, BEIR's queries."""

from collections.abc import Iterator
from typing import Any

from judging.foundation.limits import MAX_LABEL
from judging.records.lists.corpus_rows import QueryBody
from judging.records.reading.delimited import checked_cells, header_of, table_rows, trimmed_header
from judging.records.reading.json_stream import json_values
from judging.records.reading.opening import Opening
from judging.records.reading.spellings import (
    DOCUMENT_IDS,
    LONE_QUERY_IDS,
    LONE_QUERY_TEXTS,
    QUERY_IDS,
    QUERY_TEXTS,
    TAGS,
    plain,
    read_id_member,
    spelled,
)
from judging.records.reading.tags import read_tags
from judging.records.reading.upload import BadValue, SourceFile
from judging.records.reading.values import check_storable, read_name, read_query, read_query_cell
from judging.runs.importing.formats.shapes import Content, Format, QueryRow, Reading


def is_query_header(cells: list[str]) -> bool:
    """Whether a line names the columns of a file of queries instead of holding one."""
    return None not in _columns(cells)


def _read_lines(source: SourceFile, reading: Reading) -> Iterator[QueryRow]:
    """Read lines of label, tab, text. Quotes are part of the text; a header may name more columns than these two."""
    at_label, at_text, at_tags, width = 0, 1, None, 2
    is_first = True
    for line in source.lines(reading.problems):
        cells = line.text.split("\t")
        was_first, is_first = is_first, False
        if was_first and is_query_header(cells):
            width = len(cells)
            id_name, text_name = _columns(cells)
            at_label, at_text = cells.index(id_name or ""), cells.index(text_name or "")
            tags_name, at_tags = _tags_column(cells)
            reading.notes.ignore({cell.strip() for cell in cells if cell not in (id_name, text_name, tags_name)})
            continue
        try:
            if len(cells) != width:
                raise BadValue(f"{width} columns with a tab between them are expected, not {len(cells)}")
            label = read_name(cells[at_label], "query_id", MAX_LABEL)
            body = read_query_cell(cells[at_text].strip(), reading.match_mode)
            yield QueryRow(line.number, label, body, _tags(cells, at_tags))
        except BadValue as error:
            reading.problems.add(source.name, line.number, str(error))


def _read_table(source: SourceFile, reading: Reading) -> Iterator[QueryRow]:
    header: list[str] = []
    at_tags: int | None = None
    for line, cells in table_rows(source, reading.problems):
        try:
            if not header:
                header = trimmed_header(cells)
                id_name, text_name = _columns(header)
                if id_name is None or text_name is None:
                    reading.problems.add(source.name, line, "the header lacks query_id or query")
                    return
                at_id, at_text = header.index(id_name), header.index(text_name)
                tags_name, at_tags = _tags_column(header)
                reading.notes.ignore(set(header) - {id_name, text_name, tags_name or ""})
                continue
            row = checked_cells(cells, len(header))
            label = read_name(row[at_id], "query_id", MAX_LABEL)
            body = read_query_cell(row[at_text].strip(), reading.match_mode)
            yield QueryRow(line, label, body, _tags(row, at_tags))
        except BadValue as error:
            reading.problems.add(source.name, line, str(error))


def _columns(header: list[str]) -> tuple[str | None, str | None]:
    """Return the columns that hold label and text."""
    return spelled(header, LONE_QUERY_IDS), spelled(header, LONE_QUERY_TEXTS)


def _tags_column(header: list[str]) -> tuple[str | None, int | None]:
    """Return the column that holds tags, and where it stands."""
    name = spelled(header, TAGS)
    return name, None if name is None else header.index(name)


def _tags(cells: list[str], at: int | None) -> tuple[str, ...]:
    return () if at is None else tuple(read_tags(cells[at]))


def _read_json(source: SourceFile, reading: Reading) -> Iterator[QueryRow]:
    for line, value in json_values(source, reading.problems):
        try:
            if not isinstance(value, dict):
                raise BadValue("a JSON object is expected")
            check_storable(value)
            name, label = read_id_member(value, LONE_QUERY_IDS)
            yield QueryRow(
                line, read_name(label, plain(name), MAX_LABEL), _body(value), tuple(read_tags(value.get("tags")))
            )
        except BadValue as error:
            reading.problems.add(source.name, line, str(error))


def _body(value: dict[str, Any]) -> QueryBody:
    name = next((each for each in LONE_QUERY_TEXTS if each in value), "query")
    return read_query(value.get(name))


def _is_query(values: dict[str, Any]) -> bool:
    has_id = any(name in values for name in LONE_QUERY_IDS)
    has_text = any(name in values for name in (*QUERY_TEXTS, "text"))
    is_other = any(name in values for name in ("candidates", "grade", "rating", "rank", "score", "judgmentRatings"))
    names_document = any(name in values for name in DOCUMENT_IDS if name not in LONE_QUERY_IDS)
    return has_id and has_text and not is_other and not names_document


def _is_beir(values: dict[str, Any]) -> bool:
    return _is_query(values) and "_id" in values and "text" in values and not values.get("title")


def _is_ours(values: dict[str, Any]) -> bool:
    names_query = any(name in values for name in (*QUERY_IDS, *QUERY_TEXTS))
    return _is_query(values) and names_query


def _is_lines(opening: Opening) -> bool:
    cells = opening.first.split("\t")
    return is_query_header(cells) or (
        len(cells) == 2 and not opening.is_object and not opening.is_array and not _is_document_header(cells)
    )


def _is_document_header(cells: list[str]) -> bool:
    return plain(cells[0]) in DOCUMENT_IDS


def _is_table(opening: Opening) -> bool:
    header = header_of(opening)
    id_name, text_name = _columns(header)
    is_judged_or_ranked = spelled(header, ("grade", "rating", "score", "rank")) or spelled(header, ("doc_id", "docid"))
    return id_name is not None and text_name is not None and not is_judged_or_ranked and not _is_lines(opening)


QUERY_FORMATS = (
    Format("tsv", "queries with tabs (TSV)", Content.QUERIES, _is_lines, _read_lines),
    Format("csv", "a table of queries", Content.QUERIES, _is_table, _read_table),
    Format(
        "jsonl",
        "JSON lines of queries",
        Content.QUERIES,
        lambda opening: not opening.is_array and _is_ours(opening.first_object),
        _read_json,
    ),
    Format(
        "json",
        "a JSON array of queries",
        Content.QUERIES,
        lambda opening: opening.is_array and _is_ours(opening.first_object),
        _read_json,
    ),
    Format(
        "beir_queries",
        "BEIR queries",
        Content.QUERIES,
        lambda opening: _is_beir(opening.first_object),
        _read_json,
    ),
)
