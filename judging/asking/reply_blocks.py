"""Finds blocks such as <candidate><grade>3</grade><reasoning>why</reasoning></candidate> in what a model wrote.

Not an XML parser: text around blocks is fine, and what a reply quotes from a hostile document must never turn into a
block. So whatever stands inside a prose element is prose, and a closing tag that closes nothing throws doubt on all
blocks before it: one of them may have been broken open by quoted text. Linear in the length of the reply.
"""

import re
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

from judging.foundation.text import clean_text, unescape_html

MAX_PROSE_CHARS = 10_000

_ATTRIBUTE = re.compile(r"""(?<!\S)([A-Za-z_:][\w:.-]*+)\s*+=\s*+(?:"([^"<]*+)"|'([^'<]*+)')""")
_THOUGHTS = re.compile(r"\s*+<think(ing)?>")
_CDATA = re.compile(r"<!\[CDATA\[(.*)\]\]>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class BlockNames:
    """The element names of a block: `value` and `prose` are children of `block`."""

    block: str
    value: str
    prose: str


@dataclass(slots=True)
class Block:
    """One block as found. `values` are the raw texts of its value elements, None where one cannot be read.

    is_closed: its closing tag was found. is_doubtful: it may be quoted text, or quoted text may have ended it.
    """

    attributes: str = ""
    values: list[str | None] = field(default_factory=list)
    prose: str = ""
    is_closed: bool = False
    is_doubtful: bool = False

    @property
    def is_sound(self) -> bool:
        return self.is_closed and not self.is_doubtful

    def attribute(self, name: str) -> str | None:
        """Return an attribute as it is written, None where it is missing or stands there twice."""
        found = [match for match in _ATTRIBUTE.finditer(self.attributes) if match[1] == name]
        if len(found) != 1:
            return None
        return found[0][2] if found[0][2] is not None else found[0][3]


def find_blocks(text: str, names: BlockNames, *, is_cut_off: bool = False) -> list[Block]:
    """Find all blocks in their order, the unclosed and doubtful ones too.

    is_cut_off: the provider says that the reply was cut off. Then a block that begins inside an unclosed one is
    doubtful in itself, as the closing tags that would give a quotation away may be what was cut.
    """
    text = _without_thoughts(text)
    tags = _find_tags(text, names)
    prose_ends = _match_prose(tags, names)
    blocks: list[Block] = []
    current: Block | None = None
    doubtful_count = 0
    position = 0
    while position < len(tags):
        tag = tags[position]
        following = tags[position + 1] if position + 1 < len(tags) else None
        position += 1
        if tag.kind is _Kind.CLOSING:
            if tag.name == names.block and current is not None:
                current.is_closed = True
                current = None
            else:
                doubtful_count = len(blocks)
        elif tag.name == names.block:
            is_inside_another = current is not None
            block = Block(tag.attributes, is_doubtful=is_inside_another and is_cut_off)
            blocks.append(block)
            block.is_closed = tag.kind is _Kind.EMPTY
            current = None if block.is_closed else block
        elif tag.kind is _Kind.EMPTY:
            if tag.name == names.value and current is not None:
                current.values.append(None)
        elif tag.name == names.value:
            is_whole = following is not None and following.name == names.value and following.kind is _Kind.CLOSING
            if current is not None:
                current.values.append(text[tag.end : following.start] if following and is_whole else None)
            position += is_whole
        else:
            end = prose_ends.get(position - 1)
            if end is None:
                break  # never closed: all the rest is prose
            if current is not None and not current.prose:
                current.prose = _prose(text, tag.end, tags[end].start)
            position = end + 1
    for block in blocks[:doubtful_count]:
        block.is_doubtful = True
    return blocks


class _Kind(Enum):
    OPENING = "opening"
    CLOSING = "closing"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class _Tag:
    name: str
    kind: _Kind
    start: int
    end: int
    attributes: str = ""


@lru_cache(maxsize=8)
def _tag_pattern(names: BlockNames) -> re.Pattern[str]:
    any_name = "|".join(map(re.escape, (names.block, names.value, names.prose)))
    # Possessive throughout: no way back, so no hostile text makes it slow. An attribute may hold a > in its quotes.
    return re.compile(
        rf"</(?P<closing>{any_name})\s*+>"
        rf"""|<(?P<opening>{any_name})(?=[\s/>])(?P<attributes>(?:"[^"<]*+"|'[^'<]*+'|[^<>])*+)>"""
    )


def _find_tags(text: str, names: BlockNames) -> list[_Tag]:
    tags = []
    for match in _tag_pattern(names).finditer(text):
        if match["closing"]:
            tags.append(_Tag(match["closing"], _Kind.CLOSING, match.start(), match.end()))
        else:
            attributes = match["attributes"]
            kind = _Kind.EMPTY if attributes.endswith("/") else _Kind.OPENING
            tags.append(_Tag(match["opening"], kind, match.start(), match.end(), attributes))
    return tags


def _match_prose(tags: list[_Tag], names: BlockNames) -> dict[int, int]:
    """Tell which closing tag ends the prose that each opening tag begins, by position among the tags.

    Pairs nest, as a quoted block brings its own pair. An opening tag that stays without a partner because the prose
    only mentions the tag ends at the next closing one, unless a block begins before that.
    """
    ends: dict[int, int] = {}
    waiting: list[int] = []
    for position, tag in enumerate(tags):
        if tag.name == names.prose and tag.kind is _Kind.OPENING:
            waiting.append(position)
        elif tag.name == names.prose and tag.kind is _Kind.CLOSING and waiting:
            ends[waiting.pop()] = position
    next_end: int | None = None
    for position in range(len(tags) - 1, -1, -1):
        tag = tags[position]
        if tag.name == names.prose and tag.kind is _Kind.CLOSING:
            next_end = position
        elif tag.name == names.block and tag.kind is not _Kind.CLOSING:
            next_end = None
        elif tag.name == names.prose and tag.kind is _Kind.OPENING and next_end is not None:
            ends.setdefault(position, next_end)
    return ends


def _without_thoughts(text: str) -> str:
    # Reasoning models served without a reasoning parser think aloud first, often with drafts of blocks.
    opening = _THOUGHTS.match(text)
    if opening is None:
        return text
    return text[opening.end() :].partition("</thinking>" if opening[1] else "</think>")[2]


def _prose(text: str, start: int, end: int) -> str:
    # An entity is at most some ten times as long as its character: more than this is never looked at.
    prose = text[start : min(end, start + 10 * MAX_PROSE_CHARS)].strip()
    cdata = _CDATA.fullmatch(prose)
    return clean_text(cdata[1] if cdata else unescape_html(prose)).strip()[:MAX_PROSE_CHARS]
