"""JSON read value by value: JSON lines, arrays and objects of any size, never held as a whole."""

import json
from collections.abc import Iterator
from typing import Any

from judging.foundation.limits import MAX_LINE_BYTES
from judging.records.reading.upload import BadValue, Problems, SourceFile
from judging.records.reading.values import JSON_DECODER, json_message, read_json

_WHITE_SPACE = " \t\r\n"


class JsonStream:
    """A position in a JSON text that only moves forwards. Every method raises BadValue; `line` says where."""

    def __init__(self, source: SourceFile) -> None:
        self._pieces = source.pieces()
        self._text = ""
        self._at = 0
        self.line = 1

    def peek(self) -> str:
        """Return the next character that is no white space; none at the end."""
        while True:
            text, at = self._text, self._at
            while at < len(text) and text[at] in _WHITE_SPACE:
                at += 1
            self._move_to(at)
            if at < len(text):
                return text[at]
            if not self._read_more():
                return ""

    def value(self) -> Any:
        """Return the next value, whole."""
        if not self.peek():
            raise BadValue("not valid JSON: it ends too early")
        while True:
            try:
                value, end = JSON_DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                # Perhaps it goes on where the text that was read ends.
                if not self._read_twice():
                    raise BadValue(f"not valid JSON: {error.msg}") from None
            except (ValueError, RecursionError) as error:
                raise BadValue(json_message(error)) from None
            else:
                # A number may go on, too.
                if end < len(self._text) or not self._read_more():
                    self._move_to(end)
                    return value

    def elements(self) -> Iterator[tuple[int, Any]]:
        """Yield the elements of an array, each with the line it begins in."""
        for line in self._inside("[", "]"):
            yield line, self.value()

    def members(self) -> Iterator[str]:
        """Yield the keys of an object. Whoever asks reads the member's value before the next key."""
        for _ in self._inside("{", "}"):
            key = self.value()
            if not isinstance(key, str) or self.peek() != ":":
                raise BadValue("not valid JSON: a member's name and a colon are expected")
            self._move_to(self._at + 1)
            yield key

    def _inside(self, opening: str, closing: str) -> Iterator[int]:
        if self.peek() != opening:
            raise BadValue(f"not valid JSON: {opening} is expected")
        self._move_to(self._at + 1)
        if self.peek() == closing:
            self._move_to(self._at + 1)
            return
        while True:
            self.peek()
            yield self.line
            following = self.peek()
            if following not in (",", closing):
                raise BadValue(f"not valid JSON: a comma or {closing} is expected")
            self._move_to(self._at + 1)
            if following == closing:
                return

    def _move_to(self, at: int) -> None:
        self.line += self._text.count("\n", self._at, at)
        self._at = at

    def _read_more(self) -> bool:
        piece = next(self._pieces, None)
        if piece is None:
            return False
        self._text, self._at = self._text[self._at :] + piece, 0
        return True

    def _read_twice(self) -> bool:
        """Read as much again as is unread; False at the end of the file."""
        wanted = 2 * (len(self._text) - self._at)
        if wanted > 2 * MAX_LINE_BYTES:
            raise BadValue(f"a value is longer than {MAX_LINE_BYTES // 1_000_000} MB, or not valid JSON")
        pieces = [self._text[self._at :]]
        size = len(pieces[0])
        while size < wanted and (piece := next(self._pieces, None)) is not None:
            pieces.append(piece)
            size += len(piece)
        self._text, self._at = "".join(pieces), 0
        return len(pieces) > 1


def json_values(source: SourceFile, problems: Problems) -> Iterator[tuple[int, Any]]:
    """Yield the values of a file with the lines they begin in: JSON lines, an array, or objects over many lines.

    What is no JSON goes to `problems`: of JSON lines every line for itself, of an array what comes first.
    """
    first, second = _first_two(source)
    if first.startswith("["):
        yield from _array(source, problems)
    elif first.startswith("{") and not second.startswith("{") and not _is_json(first):
        yield from _sequence(source, problems)
    else:
        for line in source.lines(problems):
            try:
                value = read_json(line.text)
            except BadValue as error:
                problems.add(source.name, line.number, str(error))
                continue
            yield line.number, value


def _array(source: SourceFile, problems: Problems) -> Iterator[tuple[int, Any]]:
    stream = JsonStream(source)
    try:
        yield from stream.elements()
        if stream.peek():
            raise BadValue("something stands behind the end of the array")
    except BadValue as error:
        problems.add(source.name, stream.line, str(error))


def _sequence(source: SourceFile, problems: Problems) -> Iterator[tuple[int, Any]]:
    stream = JsonStream(source)
    try:
        while stream.peek():
            line = stream.line
            yield line, stream.value()
    except BadValue as error:
        problems.add(source.name, stream.line, str(error))


def _first_two(source: SourceFile) -> tuple[str, str]:
    lines = source.lines(Problems())
    first = next(lines, None)
    second = next(lines, None)
    return first.text.lstrip() if first else "", second.text.lstrip() if second else ""


def _is_json(text: str) -> bool:
    try:
        read_json(text)
    except BadValue:
        return False
    return True
