"""Tokens of texts by rule of thumb, where a provider counts none, and as a measure for what it counts. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from judging.providers.base import Message

CHARS_PER_TOKEN = 4
# At the size that vendors scale images to.
IMAGE_TOKENS = 765
# Scripts whose characters are about a token each: Chinese, Japanese, Korean.
_WIDE = re.compile("[\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff]")
_WIDE_CHARS_PER_TOKEN = 1.5
# Many of the same in a row, or white space, can be one token.
_RUNS = re.compile(r"\s{2,}+|([^\s\w])\1{3,}+")
# Below this, what a server counts differently (templates, caches) weighs too much.
_LEAST_COMPARED = 1000
_MAX_TOKEN_COUNT = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call took: as the provider counts, or, in part, counted from characters (`is_estimated`)."""

    input_tokens: int = 0
    output_tokens: int = 0
    is_estimated: bool = False


def text_tokens(text: str) -> float:
    """Estimate the tokens of a text."""
    wide = 0 if text.isascii() else len(_WIDE.findall(text))
    return (len(text) - wide) / CHARS_PER_TOKEN + wide / _WIDE_CHARS_PER_TOKEN


def message_tokens(message: Message) -> float:
    """Estimate the tokens of a chat message, images too."""
    content: Any = message["content"]
    if isinstance(content, str):
        return text_tokens(content)
    return sum(text_tokens(part["text"]) if part["type"] == "text" else IMAGE_TOKENS for part in content)


def usage_of(counted: Any, messages: Sequence[Message], written: str) -> Usage:
    """Read a reply's `usage`; what it leaves out, or gives as zero, is counted from what was sent and written."""
    given, made, rest = counted_tokens(counted)
    if given and not made and rest:
        made = rest
    elif made and not given and rest:
        given = rest
    is_estimated = not given or (not made and bool(written))
    if not made and written:
        made = _at_least_one(text_tokens(written))
        rest = max(0, rest - made)
    if not given:
        given = rest or _at_least_one(sum(message_tokens(message) for message in messages))
    return Usage(given, made, is_estimated)


def counted_tokens(counted: Any) -> tuple[int, int, int]:
    """Read a reply's `usage`: tokens of the prompt, of the answer, and what the total has beyond them; 0: not told."""
    counts: Mapping[str, Any] = counted if isinstance(counted, dict) else {}
    given = _count(counts, "prompt_tokens", "input_tokens")
    made = _count(counts, "completion_tokens", "output_tokens")
    return given, made, max(0, _count(counts, "total_tokens") - given - made)


def tokens_sent_where_cut(messages: Sequence[Message], tokens_read: int) -> int | None:
    """Return about how many tokens were sent where the service read less than half of them, else None.

    A server cuts what is longer than its context, and says nothing. Images are left out: their tokens differ widely.
    """
    texts = [text for message in messages for text in _texts(message)]
    about = sum(map(len, texts)) // CHARS_PER_TOKEN
    if about < _LEAST_COMPARED or tokens_read * 2 >= about:
        return None
    at_least = sum(len(_RUNS.sub("  ", text)) for text in texts) // CHARS_PER_TOKEN
    return about if at_least >= _LEAST_COMPARED and tokens_read * 2 < at_least else None


def _texts(message: Message) -> list[str]:
    content: Any = message["content"]
    return [content] if isinstance(content, str) else [part["text"] for part in content if part["type"] == "text"]


def _at_least_one(tokens: float) -> int:
    return max(1, round(tokens))


def _count(counts: Mapping[str, Any], *names: str) -> int:
    """Return the first count of these names that is one, 0 where none is."""
    for name in names:
        value = counts.get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is int and 0 < value <= _MAX_TOKEN_COUNT:
            return value
    return 0
