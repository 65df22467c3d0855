"""Reading uploaded files line by line, and gathering what is wrong with them."""

import codecs
import re
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

from judging.foundation.errors import ImportProblem, ImportRejected
from judging.foundation.limits import MAX_LINE_BYTES

# A line of a results file holds one query with all its candidates. Longer than the largest JSON body is no line.
_BOM = b"\xef\xbb\xbf"
_PIECE_BYTES = 65_536
_NOT_UTF_8 = "the line is not UTF-8 text (byte {}): save the file as UTF-8"
_PLACE = re.compile(r" \((?:column|byte) [0-9]+\)")


class BadValue(ValueError):
    """A value that an import can't take; the text says why, without saying where."""


class Problems:
    """What is wrong with an import: the first `ImportRejected.LIMIT` different problems and the number of all."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], ImportProblem] = {}
        self.total = 0

    @property
    def rows(self) -> list[ImportProblem]:
        return list(self._found.values())

    def add(self, file: str, line: int, message: str, *, unit: str = "line") -> None:
        self.total += 1
        # Where in the line it is does not make it another mistake.
        what = _PLACE.sub("", message)
        if known := self._found.get((file, what)):
            known.also_in(line)
        elif len(self._found) < ImportRejected.LIMIT:
            self._found[file, what] = ImportProblem(file, line, message, unit=unit)

    def raise_if_any(self) -> None:
        if self.total:
            # Problems are found file by file and check by check; people read a file from the top.
            rows = sorted(self.rows, key=lambda problem: (problem.file, problem.line))
            raise ImportRejected(rows, total=self.total)


class Line(NamedTuple):
    """A line of a file, counted from 1."""

    number: int
    text: str


class SourceFile:
    """A seekable binary file and the name its problems are reported under. It may be read any number of times."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self.name = name
        self._file = file

    def head(self, size: int) -> bytes:
        """Return the first bytes."""
        self._file.seek(0)
        return self._file.read(size)

    def lines(self, problems: Problems, *, keep_ends: bool = False) -> Iterator[Line]:
        """Yield the lines that are not blank, without their ends unless `keep_ends`.

        Lines that are no text are reported and left out.
        """
        # Not `for line in file`: Django's uploads split at a lone CR, too, and a line may be of any length.
        readline = self._file.readline
        self._file.seek(0)
        number = 0
        while raw := readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(raw) > MAX_LINE_BYTES:
                problems.add(self.name, number, f"the line is longer than {MAX_LINE_BYTES // 1_000_000} MB")
                return
            try:
                text = _decoded(raw, is_first=number == 1)
            except BadValue as error:
                problems.add(self.name, number, str(error))
                continue
            if keep_ends:
                yield Line(number, text)
            elif text.strip():
                yield Line(number, text.rstrip("\r\n"))

    def pieces(self) -> Iterator[str]:
        """Yield the text in pieces of some 64 kB, whatever its lines. Raises BadValue where it is no text."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        self._file.seek(0)
        is_first = True
        while raw := self._file.read(_PIECE_BYTES):
            raw = raw.removeprefix(_BOM) if is_first else raw
            is_first = False
            if b"\x00" in raw:
                raise BadValue("the text holds a NUL character")
            yield _decoded_piece(decoder, raw)
        _decoded_piece(decoder, b"")


def _decoded_piece(decoder: codecs.IncrementalDecoder, raw: bytes) -> str:
    """Decode the next piece; an empty one is the end."""
    try:
        return decoder.decode(raw, final=not raw)
    except UnicodeDecodeError:
        raise BadValue("the text is not UTF-8: save the file as UTF-8") from None


def _decoded(raw: bytes, *, is_first: bool) -> str:
    if is_first:
        raw = raw.removeprefix(_BOM)
    if b"\x00" in raw:
        raise BadValue("the line holds a NUL character")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadValue(_NOT_UTF_8.format(error.start + 1)) from None


def shown(value: Any) -> str:
    """Return a value as a message may quote it: short, on one line, nothing unprintable."""
    text = value if isinstance(value, str) else repr(value)[:200]
    text = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text[:61])
    return f'"{text[:60]}…"' if len(text) > 60 else f'"{text}"'
