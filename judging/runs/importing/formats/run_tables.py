"""A run as a table: query, doc_id, rank or score, and what is known of the documents (title and other columns)."""

from collections.abc import Iterator

from judging.foundation.limits import MAX_LABEL
from judging.records.lists.corpus_rows import DocumentContent, QueryBody
from judging.records.reading.delimited import checked_cells, header_of, table_rows, trimmed_header
from judging.records.reading.opening import Opening
from judging.records.reading.spellings import (
    DOCUMENT_IDS,
    GRADES,
    QUERY_IDS,
    QUERY_TEXTS,
    RANKS,
    SCORES,
    spelled,
)
from judging.records.reading.upload import BadValue, SourceFile, shown
from judging.records.reading.values import read_external_id, read_name, read_query_cell, whole_number
from judging.runs.importing.formats.documents import document_columns, table_content
from judging.runs.importing.formats.shapes import Content, Format, Reading, RunRow
from judging.runs.importing.formats.trec import read_score_text

_OWN = frozenset(("query_id", "query", "doc_id", "rank", "score"))


def _columns(header: list[str]) -> list[str]:
    """Return a header under our names. Raises BadValue."""
    names = document_columns(header)
    for spellings in (QUERY_IDS, QUERY_TEXTS, RANKS, SCORES):
        if (name := spelled(names, spellings)) is not None:
            names[names.index(name)] = spellings[0]
    if "doc_id" not in names:
        raise BadValue("the header lacks doc_id")
    if not {"query", "query_id"} & set(names):
        raise BadValue("the header has neither query_id nor query")
    if not {"rank", "score"} & set(names):
        raise BadValue("the header has neither rank nor score")
    if len(set(names)) < len(names):
        raise BadValue("a column stands twice in the header")
    return names


def _read(source: SourceFile, reading: Reading) -> Iterator[RunRow]:
    names: list[str] = []
    for line, cells in table_rows(source, reading.problems):
        try:
            if not names:
                names = _columns(trimmed_header(cells))
                continue
            yield _row(line, dict(zip(names, checked_cells(cells, len(names)), strict=True)), reading)
        except BadValue as error:
            reading.problems.add(source.name, line, str(error))
            if not names:
                return


def _row(line: int, values: dict[str, str], reading: Reading) -> RunRow:
    body: QueryBody | None = None
    if text := values.get("query", "").strip():
        body = read_query_cell(text, reading.match_mode)
    label = values.get("query_id", "")
    label = read_name(label, "query_id", MAX_LABEL) if label.strip() else ""
    if body is None and not label:
        raise BadValue("query_id or query is needed")
    rank, score = _rank(values.get("rank", "")), _score(values.get("score", ""))
    if rank is None and score is None:
        raise BadValue("rank or score is needed")
    content: DocumentContent | None = None
    if values.keys() - _OWN:
        own = {name: cell for name, cell in values.items() if name not in _OWN}
        if any(cell.strip() for cell in own.values()):
            content = table_content(own, reading.notes, id_name="doc_id")
    return RunRow(line, label, body, read_external_id(values["doc_id"], "doc_id"), rank, score, content)


def _rank(text: str) -> int | None:
    if not text.strip():
        return None
    rank = whole_number(text)
    if rank is None or rank < 0:
        raise BadValue(f"the rank must be a whole number, not {shown(text)}")
    return rank


def _score(text: str) -> float | None:
    return read_score_text(text.strip()) if text.strip() else None


def _fits(opening: Opening) -> bool:
    header = header_of(opening)
    return (
        not opening.is_object
        and spelled(header, DOCUMENT_IDS) is not None
        and (spelled(header, QUERY_IDS) or spelled(header, QUERY_TEXTS)) is not None
        and (spelled(header, RANKS) or spelled(header, SCORES)) is not None
        and spelled(header, GRADES) is None
        and spelled(header, ("corpus_id",)) is None
    )


RUN_TABLE = Format("csv", "a run as a table (CSV)", Content.RUN, _fits, _read)
