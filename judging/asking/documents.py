"""Documents as prompts show them: plain JSON values without surprises, cut to a length before anything is escaped."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from judging.foundation.text import clean_text

MAX_DEPTH = 20
MAX_KEY_CHARS = 200
MAX_QUERY_CHARS = 1_000_000
_MARKABLE_CHARS = 40  # strings cut shorter than this are marked once per document, not each


def fit_document(title: str, fields: Mapping[str, Any], *, limit: int) -> tuple[str, dict[str, Any]]:
    """Cut a document to about `limit` characters of title, keys and values; what was cut says so.

    The longest strings are cut first, all to one length, so `fields` stays an object; members that find no room at
    all are left out from the end. The work is bounded by the limit, not by the document.
    """
    tally = _Tally(limit)
    plain_title = tally.string(title)
    plain_fields = tally.members(fields, depth=0)
    if tally.is_within_limit:
        return plain_title, plain_fields
    cut = _Cut(_longest_allowed(tally.lengths, max(limit - tally.structure, 0)), tally.mark)
    return cut.string(plain_title), cut.members(plain_fields)


def plain_json(value: Any) -> Any:
    """Copy a value as plain JSON: clean strings, string keys, no NaN, at most 20 levels."""
    return _Tally(MAX_QUERY_CHARS).value(value, depth=0)


@dataclass(slots=True)
class _Tally:
    """Copies a value and counts it. Stops where the structure alone (keys, numbers, punctuation) fills the limit."""

    limit: int
    structure: int = 0
    lengths: list[int] = field(default_factory=list)

    @property
    def mark(self) -> str:
        return f"[… cut at {self.limit} characters]"

    @property
    def is_full(self) -> bool:
        return self.structure >= self.limit

    @property
    def is_within_limit(self) -> bool:
        return self.structure + sum(self.lengths) <= self.limit

    def value(self, value: Any, *, depth: int) -> Any:
        if isinstance(value, str):
            return self.string(value)
        if depth > MAX_DEPTH:
            return self.string(f"[nested deeper than {MAX_DEPTH} levels]")
        if isinstance(value, Mapping):
            return self.members(value, depth=depth)
        if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
            return self.items(value, depth=depth)
        return self.scalar(value)

    def string(self, value: str) -> str:
        text = clean_text(value[: self.limit + 1])
        self.lengths.append(len(text))
        return text

    def members(self, members: Mapping[Any, Any], *, depth: int) -> dict[str, Any]:
        copy: dict[str, Any] = {}
        for key, value in members.items():
            if self.is_full:
                copy["…"] = self.mark
                break
            name = clean_text(str(key)[:MAX_KEY_CHARS])
            self.structure += len(name) + 4
            copy[name] = self.value(value, depth=depth + 1)
        return copy

    def items(self, items: Iterable[Any], *, depth: int) -> list[Any]:
        copy: list[Any] = []
        for value in items:
            if self.is_full:
                copy.append(self.mark)
                break
            self.structure += 2
            copy.append(self.value(value, depth=depth + 1))
        return copy

    def scalar(self, value: Any) -> Any:
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            return None
        if isinstance(value, bool | float):
            self.structure += 5
            return value
        if isinstance(value, int):
            digits = value.bit_length() // 3 + 1
            self.structure += min(digits, self.limit)
            return value if digits < 4_000 else None  # Python refuses to write longer ones
        return self.string(str(value))


@dataclass(slots=True)
class _Cut:
    """Cuts every string of a plain value to `length` and marks it."""

    length: int
    mark: str
    marked: bool = False

    def value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.string(value)
        if isinstance(value, dict):
            return self.members(value)
        return [self.value(item) for item in value] if isinstance(value, list) else value

    def string(self, text: str) -> str:
        if len(text) <= self.length or text == self.mark:
            return text
        short = text[: self.length].rstrip()
        if self.marked and self.length < _MARKABLE_CHARS:
            return short
        self.marked = True
        return f"{short} {self.mark}".lstrip()

    def members(self, members: dict[str, Any]) -> dict[str, Any]:
        return {key: self.value(value) for key, value in members.items()}


def _longest_allowed(lengths: Sequence[int], room: int) -> int:
    """Find the length to which the longest strings must be cut so that all of them fit into the room."""
    waiting = len(lengths)
    for length in sorted(lengths):
        if length * waiting > room:
            return room // waiting
        room -= length
        waiting -= 1
    return max(lengths, default=0)
