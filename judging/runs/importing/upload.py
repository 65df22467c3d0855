"""Reading uploaded files line by line, and gathering what is wrong with them."""

from array import array
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

from judging.foundation.errors import ImportProblem, ImportRejected
from judging.foundation.limits import MAX_LINE_BYTES

# A line of a results file holds one query with all its candidates. Longer than the largest JSON body is no line.
_BOM = b"\xef\xbb\xbf"


class BadValue(ValueError):
    """A value that an import can't take; the text says why, without saying where."""


class Problems:
    """What is wrong with an import: the first `ImportRejected.LIMIT` problems and the number of all."""

    def __init__(self) -> None:
        self.rows: list[ImportProblem] = []
        self.total = 0

    def add(self, file: str, line: int, message: str) -> None:
        self.total += 1
        if len(self.rows) < ImportRejected.LIMIT:
            self.rows.append(ImportProblem(file, line, message))

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
        self._offsets = array("Q")

    def lines(self, problems: Problems, *, keep_ends: bool = False) -> Iterator[Line]:
        """Yield the lines that are not blank, without their ends unless `keep_ends`.

        Lines that are no text are reported and left out. Afterwards `line_at` finds every line again.
        """
        # Not `for line in file`: Django's uploads split at a lone CR, too, and a line may be of any length.
        readline = self._file.readline
        self._file.seek(0)
        offset = number = 0
        self._offsets = array("Q")
        while raw := readline(MAX_LINE_BYTES + 1):
            number += 1
            self._offsets.append(offset)
            offset += len(raw)
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

    def line_at(self, number: int) -> str:
        """Return a line that `lines` went past, without its end. Raises BadValue when it is no text any more."""
        offset = self._offsets[number - 1]
        # The reading position of `lines` is not kept: the two are never used at once.
        self._file.seek(offset)
        return _decoded(self._file.readline(MAX_LINE_BYTES), is_first=number == 1).rstrip("\r\n")


def _decoded(raw: bytes, *, is_first: bool) -> str:
    if is_first:
        raw = raw.removeprefix(_BOM)
    if b"\x00" in raw:
        raise BadValue("the line holds a NUL character")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadValue(f"the line is not UTF-8 text (byte {error.start + 1})") from None


def shown(value: Any) -> str:
    """Return a value as a message may quote it: short, on one line, nothing unprintable."""
    text = value if isinstance(value, str) else repr(value)[:200]
    text = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text[:61])
    return f'"{text[:60]}…"' if len(text) > 60 else f'"{text}"'
