"""Judgments in our own columns: CSV, JSON lines or an array, other tools' spellings of the names included."""

from collections.abc import Iterator

from judging.records.reading.delimited import checked_cells, header_of, table_rows, trimmed_header
from judging.records.reading.json_stream import json_values
from judging.records.reading.opening import Opening
from judging.records.reading.spellings import (
    AUTHORS,
    DOCUMENT_IDS,
    GRADES,
    QUERY_IDS,
    QUERY_TEXTS,
    plain,
    spelled,
)
from judging.records.reading.upload import BadValue, SourceFile
from judging.records.reading.values import check_storable
from judging.runs.importing.formats.shapes import Content, Format, JudgmentValues, Reading

COLUMNS = frozenset(
    ("query_id", "query", "doc_id", "grade", "scale", "author", "kind", "judge", "reasoning", "created_at")
)
# What the export of an AI judging run has beside these.
_ITEM_COLUMNS = frozenset(("rank", "status", "failure_code"))
_SPELLINGS = (DOCUMENT_IDS, QUERY_IDS, QUERY_TEXTS, GRADES, AUTHORS)
_PLAIN_NAMES = frozenset(("scale", "kind", "judge", "reasoning", "created_at", *_ITEM_COLUMNS))


def judgment_columns(names: list[str]) -> list[str]:
    """Return columns or members under our names; those we don't know keep theirs. Raises BadValue."""
    meanings: dict[str | None, str] = {}
    for spellings in _SPELLINGS:
        meanings[spelled(names, spellings, is_strict=True)] = spellings[0]
    found = [meanings.get(name) or (plain(name) if plain(name) in _PLAIN_NAMES else name) for name in names]
    if len(set(found)) < len(found):
        raise BadValue("a column stands twice in the header")
    return found


def _checked_columns(header: list[str]) -> list[str]:
    if len({name.lower() for name in header}) < len(header):
        raise BadValue("a column stands twice in the header")
    names = judgment_columns(header)
    if missing := {"doc_id", "grade"} - set(names):
        raise BadValue(f"the header lacks {' and '.join(sorted(missing))}")
    if not {"query", "query_id"} & set(names):
        raise BadValue("the header has neither query_id nor query")
    return names


def read_judgment_table(source: SourceFile, reading: Reading) -> Iterator[JudgmentValues]:
    names: list[str] = []
    for line, cells in table_rows(source, reading.problems):
        try:
            if not names:
                names = _checked_columns(trimmed_header(cells))
                reading.notes.ignore(set(names) - COLUMNS - _ITEM_COLUMNS)
                continue
            yield JudgmentValues(line, dict(zip(names, checked_cells(cells, len(names)), strict=True)))
        except BadValue as error:
            reading.problems.add(source.name, line, str(error))
            if not names:
                return


def _read_json(source: SourceFile, reading: Reading) -> Iterator[JudgmentValues]:
    # Lines mostly have the same members: what these mean is looked up once.
    known: dict[tuple[str, ...], list[str]] = {}
    for line, value in json_values(source, reading.problems):
        try:
            if not isinstance(value, dict):
                raise BadValue("a JSON object is expected")
            check_storable(value)
            members = tuple(value)
            names = known.get(members)
            if names is None:
                names = judgment_columns(list(members))
                reading.notes.ignore(set(names) - COLUMNS - _ITEM_COLUMNS)
                if len(known) < 100:
                    known[members] = names
            yield JudgmentValues(line, dict(zip(names, value.values(), strict=True)))
        except BadValue as error:
            reading.problems.add(source.name, line, str(error))


def _has_columns(names: list[str]) -> bool:
    has_query = spelled(names, QUERY_IDS) or spelled(names, QUERY_TEXTS)
    return bool(has_query and spelled(names, DOCUMENT_IDS) and spelled(names, GRADES))


def _is_table(opening: Opening) -> bool:
    header = trimmed_header(header_of(opening))
    return not opening.is_object and _has_columns(header) and [plain(name) for name in header] != list(QUEPID_COLUMNS)


def _is_json(opening: Opening) -> bool:
    return _has_columns(list(opening.first_object))


QUEPID_COLUMNS = ("query", "docid", "rating")

JUDGMENT_FORMATS = (
    Format("csv", "a table of judgments (CSV)", Content.JUDGMENTS, _is_table, read_judgment_table),
    Format(
        "jsonl",
        "JSON lines of judgments",
        Content.JUDGMENTS,
        lambda opening: not opening.is_array and _is_json(opening),
        _read_json,
    ),
    Format(
        "json",
        "a JSON array of judgments",
        Content.JUDGMENTS,
        lambda opening: opening.is_array and _is_json(opening),
        _read_json,
    ),
)
