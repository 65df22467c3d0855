"""BEIR's qrels: a table with the columns query-id, corpus-id and score. Its queries and corpus are JSON lines."""

from collections.abc import Iterator

from judging.records.reading.delimited import checked_cells, header_of, table_rows, trimmed_header
from judging.records.reading.opening import Opening
from judging.records.reading.spellings import plain
from judging.records.reading.upload import BadValue, SourceFile
from judging.records.reading.values import is_whole_number
from judging.runs.importing.formats.shapes import Content, Format, JudgmentValues, Reading
from judging.runs.importing.formats.trec import columns_of

_NAMES = {"query_id": "query_id", "corpus_id": "doc_id", "score": "grade"}


def _read(source: SourceFile, reading: Reading) -> Iterator[JudgmentValues]:
    """Read the three columns; without a header they stand in BEIR's order."""
    names: list[str] = []
    for line, cells in table_rows(source, reading.problems):
        if not names:
            header = [plain(name) for name in trimmed_header(cells)]
            names = [_NAMES.get(name, name) for name in header]
            if set(_NAMES) <= set(header) and len(set(names)) == len(names):
                reading.notes.ignore(set(names) - set(_NAMES.values()))
                continue
            names = list(_NAMES.values())
        try:
            # Spaces may stand between the columns where a header is missing.
            row = columns_of(cells[0]) if len(cells) == 1 else checked_cells(cells, len(names))
            if len(row) != len(names):
                raise BadValue(f"3 columns are expected (query-id corpus-id score), not {len(row)}")
            yield JudgmentValues(line, dict(zip(names, row, strict=True)))
        except BadValue as error:
            reading.problems.add(source.name, line, str(error))


def _is_qrels(opening: Opening) -> bool:
    if opening.is_object or opening.is_array:
        return False
    header = {plain(name) for name in header_of(opening)}
    columns = columns_of(opening.first)
    return set(_NAMES) <= header or (len(columns) == 3 and is_whole_number(columns[2]))


BEIR_QRELS = Format("beir_qrels", "a BEIR qrels file", Content.JUDGMENTS, _is_qrels, _read)
