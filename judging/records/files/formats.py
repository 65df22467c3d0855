"""What exports can be: formats with their content types and file names."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from judging.foundation.errors import Invalid

_CHUNK_CHARACTERS = 64_000


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A way to write an export."""

    name: str
    label: str
    content_type: str
    extension: str
    # Excel takes a CSV file for UTF-8 only when it begins with a byte order mark.
    has_mark: bool = False


_MARK = "\ufeff"
_JSONL = ExportFormat("jsonl", "JSONL", "application/x-ndjson; charset=utf-8", "jsonl")
_JSON = ExportFormat("json", "JSON", "application/json", "json")
_CSV = ExportFormat("csv", "CSV", "text/csv; charset=utf-8", "csv")
_CSV_EXCEL = ExportFormat("csv_excel", "CSV for Excel", "text/csv; charset=utf-8", "csv", has_mark=True)
_QUEPID = ExportFormat("quepid", "Ratings of a Quepid case", "text/csv; charset=utf-8", "csv")
_QUEPID_BOOK = ExportFormat("quepid_book", "Quepid book", "text/csv; charset=utf-8", "csv")
_OPENSEARCH = ExportFormat("opensearch", "OpenSearch judgment list", "application/json", "json")
_RRE = ExportFormat("rre", "RRE ratings", "application/json", "json")
_RANKLIB = ExportFormat("ranklib", "RankLib lines", "text/plain; charset=utf-8", "txt")
_TREC_RUN = ExportFormat("trec_run", "TREC run", "text/plain; charset=utf-8", "run")
_QRELS = ExportFormat("qrels", "TREC qrels", "text/plain; charset=utf-8", "qrels")

RUN_FORMATS: dict[str, ExportFormat] = {each.name: each for each in (_TREC_RUN, _JSONL)}
JUDGMENT_FORMATS: dict[str, ExportFormat] = {
    each.name: each for each in (_CSV, _CSV_EXCEL, _JSONL, _QRELS, _QUEPID, _QUEPID_BOOK, _OPENSEARCH, _RRE, _RANKLIB)
}
ITEM_FORMATS: dict[str, ExportFormat] = {each.name: each for each in (_CSV, _CSV_EXCEL, _JSONL)}
QUERY_FORMATS: dict[str, ExportFormat] = {each.name: each for each in (_CSV, _CSV_EXCEL, _JSON)}
TABLE_FORMATS: dict[str, ExportFormat] = {each.name: each for each in (_CSV, _CSV_EXCEL)}


def checked_format(formats: Mapping[str, ExportFormat], name: str) -> ExportFormat:
    """Return a format by name. Raises Invalid under "file_format"."""
    if name not in formats:
        message = f"The format is one of {', '.join(formats)}."
        raise Invalid(message, errors={"file_format": [message]}, code="unknown_format")
    return formats[name]


def export_file_name(title: str, kind: str, file_format: ExportFormat) -> str:
    """Return a name that every file system and header takes: "bm25-title-judgments.csv"."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", title).strip("-._")[:80] or "export"
    return f"{stem}-{kind}.{file_format.extension}"


def in_chunks(lines: Iterable[str], file_format: ExportFormat | None = None) -> Iterator[str]:
    """Join lines to pieces worth sending, behind the mark of a format that has one."""
    piece: list[str] = []
    size = 0
    if file_format is not None and file_format.has_mark:
        lines = chain((_MARK,), lines)
    for line in lines:
        piece.append(line)
        size += len(line)
        if size >= _CHUNK_CHARACTERS:
            yield "".join(piece)
            piece, size = [], 0
    if piece:
        yield "".join(piece)
