"""The first bytes of a file: what it looks like, and what it is when it is no text."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from judging.records.reading.upload import SourceFile

_BYTES = 65_536
_LINES = 20
_BOM = b"\xef\xbb\xbf"

# What begins with these bytes, and how its owner gets to something that can be read.
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "this is a gzip archive: unpack it (gunzip) and upload what is in it"),
    (b"BZh", "this is a bzip2 archive: unpack it (bunzip2) and upload what is in it"),
    (b"\xfd7zXZ\x00", "this is an xz archive: unpack it (unxz) and upload what is in it"),
    (b"\x28\xb5\x2f\xfd", "this is a zstd archive: unpack it (unzstd) and upload what is in it"),
    (b"\xd0\xcf\x11\xe0", "this is an old Excel workbook (.xls): save the sheet as CSV UTF-8 and upload that"),
    (b"PAR1", "this is a Parquet file: write it as CSV or JSON lines and upload that"),
    (b"SQLite format 3\x00", "this is an SQLite database: export the table as CSV and upload that"),
    (b"\x80\x04\x95", "this is a Python pickle: write the table as CSV or JSON lines and upload that"),
    (b"\x89PNG", "this is a PNG image: upload the table itself, as CSV or JSON lines"),
    (b"\xff\xd8\xff", "this is a JPEG image: upload the table itself, as CSV or JSON lines"),
    (b"GIF8", "this is a GIF image: upload the table itself, as CSV or JSON lines"),
    (b"%PDF", "this is a PDF document: upload the table itself, as CSV or JSON lines"),
    (
        b"version https://git-lfs",
        "this is a Git LFS pointer, not the file it stands for: fetch that (git lfs pull) and upload it",
    ),
)
_ZIP = b"PK\x03\x04"
_UTF_16 = "this is UTF-16 text: save the file as UTF-8 (in Excel: CSV UTF-8) and upload that"
_MARKUP = re.compile(rb"\s*<(?:!doctype html|html|head|body)", re.IGNORECASE)
_MARKUP_ADVICE = "this is a web page, perhaps of a login or an error: download the file itself and upload that"


@dataclass(frozen=True)
class Opening:
    """How a file begins: up to 64 kB of its text, and its first lines that are not blank."""

    text: str
    lines: list[str]
    # The first value where the file holds JSON that can be told from its beginning.
    first_object: dict[str, Any] = field(default_factory=dict)

    @property
    def first(self) -> str:
        return self.lines[0] if self.lines else ""

    @property
    def is_object(self) -> bool:
        return self.first.lstrip().startswith("{")

    @property
    def is_array(self) -> bool:
        return self.first.lstrip().startswith("[")


def opening_of(source: SourceFile) -> Opening:
    """Read how a file begins. Bytes that are no text are left to whoever reads it whole."""
    raw = source.head(_BYTES).removeprefix(_BOM)
    text = raw.decode("utf-8", errors="replace")
    lines = [line for line in re.split(r"\r?\n", text) if line.strip()]
    return Opening(text, lines[:_LINES], _first_object(text, lines))


def why_no_text(source: SourceFile) -> str | None:
    """Say what a file is that holds no text, and the way out; None where it may be text."""
    raw = source.head(_BYTES)
    for signature, message in _SIGNATURES:
        if raw.startswith(signature):
            return message
    if raw.startswith(_ZIP):
        return _archive(raw)
    if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP":
        return "this is a WebP image: upload the table itself, as CSV or JSON lines"
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or _has_utf_16_zeros(raw[:400]):
        return _UTF_16
    return _MARKUP_ADVICE if _MARKUP.match(raw.removeprefix(_BOM)) else None


def _archive(raw: bytes) -> str:
    if b"xl/" in raw:
        return "this is an Excel workbook (.xlsx): save the sheet as CSV UTF-8 and upload that"
    if b"opendocument.spreadsheet" in raw:
        return "this is a spreadsheet (.ods): save the sheet as CSV in UTF-8 and upload that"
    return "this is a zip archive: unpack it and upload what is in it"


def _has_utf_16_zeros(raw: bytes) -> bool:
    """Whether every other byte of a text without mark is zero, as Latin letters in UTF-16 have it."""
    if len(raw) < 4:
        return False
    for zeros, letters in ((raw[1::2], raw[0::2]), (raw[0::2], raw[1::2])):
        if zeros.count(0) >= 0.8 * len(zeros) and letters.count(0) <= 0.2 * len(letters):
            return True
    return False


def _first_object(text: str, lines: list[str]) -> dict[str, Any]:
    """Return the first object of JSON lines, of an array, or of a file with one object over many lines."""
    start = text.lstrip()
    try:
        if lines and lines[0].lstrip().startswith("{"):
            return _object(json.loads(lines[0]))
    except (ValueError, RecursionError):
        pass
    if start.startswith("["):
        start = start[1:].lstrip()
    if not start.startswith("{"):
        return {}
    try:
        return _object(json.JSONDecoder().raw_decode(start)[0])
    except (ValueError, RecursionError):
        return {}


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
