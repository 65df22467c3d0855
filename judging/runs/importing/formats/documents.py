"""Documents: JSON lines or an array of our own form and its kin, BEIR's corpus, tables, MS MARCO's collection."""

from collections.abc import Iterator
from typing import Any

from judging.foundation.limits import MAX_IMAGE, MAX_TITLE
from judging.records.lists.corpus_rows import DocumentContent
from judging.records.reading.delimited import checked_cells, header_of, table_rows, trimmed_header
from judging.records.reading.json_stream import json_values
from judging.records.reading.opening import Opening
from judging.records.reading.spellings import (
    DOCUMENT_IDS,
    IMAGES,
    LONE_QUERY_IDS,
    QUERY_IDS,
    QUERY_TEXTS,
    plain,
    read_id_member,
    spelled,
)
from judging.records.reading.upload import BadValue, SourceFile
from judging.records.reading.values import (
    check_storable,
    read_external_id,
    read_fields,
    read_json_object,
    read_text,
)
from judging.runs.importing.formats.shapes import Content, DocumentRow, Format, Notes, Reading

# What a title is cut to that had to be taken from another text.
_BORROWED_TITLE = 200
_OWN_MEMBERS = frozenset(("title", "fields", "image"))
_URL_STARTS = ("http://", "https://", "data:", "//")


def read_content(
    values: dict[str, Any],
    notes: Notes,
    *,
    id_name: str,
    ignored: frozenset[str] = frozenset(),
    fill_blank: bool = True,
) -> DocumentContent:
    """Return title, fields and image of a document or candidate.

    Members without a meaning of their own become fields. A missing title (with `fill_blank` a blank one, too) is the
    beginning of the first field that is a text. Raises BadValue.
    """
    fields = read_fields(values.get("fields"))
    unknown = {
        name: value
        for name, value in values.items()
        if name not in _OWN_MEMBERS and name != id_name and name not in ignored and value is not None and value != {}
    }
    if unknown:
        notes.take_as_fields(set(unknown))
        fields = unknown | fields
    title, image = values.get("title"), values.get("image")
    if title is None or (fill_blank and isinstance(title, str) and not title.strip()):
        title = _borrowed_title(fields, notes, otherwise=title)
    return DocumentContent(
        read_text(title, "title", MAX_TITLE), fields, "" if image is None else read_text(image, "image", MAX_IMAGE)
    )


def _borrowed_title(fields: dict[str, Any], notes: Notes, *, otherwise: str | None) -> str:
    for name, value in fields.items():
        is_text = isinstance(value, str) and any(map(str.isalpha, value)) and not value.startswith(_URL_STARTS)
        if is_text and plain(name) not in DOCUMENT_IDS:
            notes.titles_from[name] += 1
            text = value.strip()
            return text if len(text) <= _BORROWED_TITLE else f"{text[: _BORROWED_TITLE - 1].rstrip()}…"
    if otherwise is None:
        raise BadValue("title is missing")
    return otherwise


def _read_json(source: SourceFile, reading: Reading) -> Iterator[DocumentRow]:
    for line, value in json_values(source, reading.problems):
        try:
            if not isinstance(value, dict):
                raise BadValue("a JSON object is expected")
            check_storable(value)
            name, external_id = read_id_member(value)
            yield DocumentRow(
                line, read_external_id(external_id, plain(name)), read_content(value, reading.notes, id_name=name)
            )
        except BadValue as error:
            reading.problems.add(source.name, line, str(error))


def _read_table(source: SourceFile, reading: Reading) -> Iterator[DocumentRow]:
    names: list[str] = []
    for line, cells in table_rows(source, reading.problems):
        try:
            if not names:
                names = document_columns(trimmed_header(cells))
                if "doc_id" not in names:
                    raise BadValue("the header lacks doc_id")
                continue
            values = dict(zip(names, checked_cells(cells, len(names)), strict=True))
            yield DocumentRow(
                line,
                read_external_id(values["doc_id"], "doc_id"),
                table_content(values, reading.notes, id_name="doc_id"),
            )
        except BadValue as error:
            reading.problems.add(source.name, line, str(error))
            if "doc_id" not in names:
                return


def document_columns(header: list[str]) -> list[str]:
    """Return the columns of a table with documents under our names; the others keep theirs. Raises BadValue."""
    meanings: dict[str | None, str] = {
        spelled(header, DOCUMENT_IDS, is_strict=True): "doc_id",
        spelled(header, ("title",)): "title",
        spelled(header, IMAGES): "image",
    }
    names = [meanings.get(name, name) for name in header]
    if len(set(names)) < len(names):
        raise BadValue("a column stands twice in the header")
    return names


def table_content(
    cells: dict[str, str], notes: Notes, *, id_name: str, ignored: frozenset[str] = frozenset()
) -> DocumentContent:
    """Return what a row of a table says of a document: its cells that are not empty."""
    # A column without a name holds the row numbers of a data frame.
    values: dict[str, Any] = {
        name: cell for name, cell in cells.items() if cell.strip() and name and not name.startswith("Unnamed: ")
    }
    if "fields" in values:
        values["fields"] = read_json_object(values["fields"])
        check_storable(values["fields"])
    return read_content(values, notes, id_name=id_name, ignored=ignored)


def _read_collection(source: SourceFile, reading: Reading) -> Iterator[DocumentRow]:
    for line in source.lines(reading.problems):
        try:
            cells = line.text.split("\t")
            if len(cells) != 2:
                raise BadValue(f"2 columns with a tab between them are expected (id, text), not {len(cells)}")
            values = {"text": cells[1].strip()}
            yield DocumentRow(
                line.number, read_external_id(cells[0]), read_content(values, reading.notes, id_name="doc_id")
            )
        except BadValue as error:
            reading.problems.add(source.name, line.number, str(error))


def _is_document(values: dict[str, Any]) -> bool:
    has_id = any(name in values or plain(name) in map(plain, values) for name in DOCUMENT_IDS)
    is_query = any(name in values for name in (*QUERY_IDS, *QUERY_TEXTS, "candidates"))
    return has_id and not is_query and not {"grade", "rating"} & values.keys()


def _is_beir(values: dict[str, Any]) -> bool:
    return _is_document(values) and "_id" in values and "text" in values


def _is_ours(values: dict[str, Any]) -> bool:
    return _is_document(values) and ("doc_id" in values or not _is_beir(values))


def _is_table(opening: Opening) -> bool:
    header = header_of(opening)
    others = (*QUERY_IDS, *QUERY_TEXTS, "grade", "rating", "score", "rank")
    return (
        not opening.is_object
        and len(header) > 1
        and spelled(header, DOCUMENT_IDS) is not None
        and not spelled(header, others)
    )


def _is_collection(opening: Opening) -> bool:
    cells = opening.first.split("\t")
    return (
        len(cells) == 2 and not opening.is_object and not _is_table(opening) and plain(cells[0]) not in LONE_QUERY_IDS
    )


DOCUMENT_FORMATS = (
    Format(
        "jsonl",
        "JSON lines of documents",
        Content.DOCUMENTS,
        lambda opening: not opening.is_array and _is_ours(opening.first_object),
        _read_json,
    ),
    Format(
        "json",
        "a JSON array of documents",
        Content.DOCUMENTS,
        lambda opening: opening.is_array and _is_ours(opening.first_object),
        _read_json,
    ),
    Format(
        "beir_corpus",
        "a BEIR corpus",
        Content.DOCUMENTS,
        lambda opening: _is_beir(opening.first_object),
        _read_json,
    ),
    Format("csv", "a table of documents", Content.DOCUMENTS, _is_table, _read_table),
    Format("msmarco_collection", "an MS MARCO collection", Content.DOCUMENTS, _is_collection, _read_collection),
)
