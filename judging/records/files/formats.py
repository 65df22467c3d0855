"""What exports can be: formats with their content types and file names."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from judging.foundation.errors import Invalid

_CHUNK_CHARACTERS = 64_000


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A way to write an export."""

    name: str
    label: str
    content_type: str
    extension: str


_JSONL = ExportFormat("jsonl", "JSONL", "application/x-ndjson; charset=utf-8", "jsonl")
_CSV = ExportFormat("csv", "CSV", "text/csv; charset=utf-8", "csv")
_TREC_RUN = ExportFormat("trec_run", "TREC run", "text/plain; charset=utf-8", "run")
_QRELS = ExportFormat("qrels", "TREC qrels", "text/plain; charset=utf-8", "qrels")

RUN_FORMATS: dict[str, ExportFormat] = {each.name: each for each in (_TREC_RUN, _JSONL)}
JUDGMENT_FORMATS: dict[str, ExportFormat] = {each.name: each for each in (_CSV, _JSONL, _QRELS)}
ITEM_FORMATS: dict[str, ExportFormat] = {each.name: each for each in (_CSV, _JSONL)}


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


def in_chunks(lines: Iterable[str]) -> Iterator[str]:
    """Join lines to pieces worth sending."""
    piece: list[str] = []
    size = 0
    for line in lines:
        piece.append(line)
        size += len(line)
        if size >= _CHUNK_CHARACTERS:
            yield "".join(piece)
            piece, size = [], 0
    if piece:
        yield "".join(piece)
