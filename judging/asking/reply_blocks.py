"""Finds blocks such as <candidate><grade>3</grade><reasoning>why</reasoning></candidate> in what a model wrote.

Not an XML parser: text around blocks is fine, and what a reply quotes from a hostile document must never turn into a
block. So whatever stands inside a prose element is prose, and a closing tag that closes nothing throws doubt on all
blocks before it: one of them may have been broken open by quoted text. Thoughts are no answer: what they hold are
drafts, and so is all before a marker that ends thoughts which nothing began. Linear in the length of the reply.
"""

import re
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

from judging.asking.thoughts import PATTERN as THOUGHT_PATTERN
from judging.asking.thoughts import Mark, mark_of, thought_ends
from judging.foundation.text import clean_text, unescape_html

MAX_PROSE_CHARS = 10_000

_ATTRIBUTE = re.compile(r"""(?<!\S)([A-Za-z_:][\w:.-]*+)\s*+=\s*+(?:"([^"<]*+)"|'([^'<]*+)')""")
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
    is_draft: it stands in the model's thoughts.
    """

    attributes: str = ""
    values: list[str | None] = field(default_factory=list)
    prose: str = ""
    is_closed: bool = False
    is_doubtful: bool = False
    is_draft: bool = False

    @property
    def is_sound(self) -> bool:
        return self.is_closed and not self.is_doubtful and not self.is_draft

    def attribute(self, name: str) -> str | None:
        """Return an attribute as it is written, None where it is missing or stands there twice."""
        found = [match for match in _ATTRIBUTE.finditer(self.attributes) if match[1] == name]
        if len(found) != 1:
            return None
        return found[0][2] if found[0][2] is not None else found[0][3]


def find_blocks(text: str, names: BlockNames, *, is_cut_off: bool = False) -> list[Block]:
    """Find all blocks in their order, the unclosed and doubtful ones and drafts too.

    is_cut_off: the provider says that the reply was cut off. Then a block that begins inside an unclosed one is
    doubtful in itself, as the closing tags that would give a quotation away may be what was cut.
    """
    return _Search(text, names, is_cut_off=is_cut_off).blocks()


class _Search:
    """One walk through the tags and markers of a reply."""

    def __init__(self, text: str, names: BlockNames, *, is_cut_off: bool) -> None:
        self._text, self._names, self._is_cut_off = text, names, is_cut_off
        self._tags = _find_tags(text, names)
        self._prose_ends = _match_prose(self._tags, names)
        self._thought_ends = thought_ends([tag.mark for tag in self._tags])
        self._blocks: list[Block] = []
        self._current: Block | None = None
        self._written_ids: set[str | None] = set()
        self._doubtful_count = self._draft_count = 0
        # What follows may still be what a broken off block quotes.
        self._is_all_doubtful = False

    def blocks(self) -> list[Block]:
        position = 0
        while position < len(self._tags):
            position = self._take(position)
        for block in self._blocks[: self._doubtful_count]:
            block.is_doubtful = True
        for block in self._blocks[: self._draft_count]:
            block.is_draft = True
        return self._blocks

    def _take(self, position: int) -> int:
        """Read the tag at a position outside of prose and return where to go on."""
        tag, names = self._tags[position], self._names
        if tag.mark is not None:
            if tag.mark.is_begin:
                # Thoughts that never end are no answer either.
                return self._thought_ends.get(position, len(self._tags)) + 1
            if tag.mark.is_strong_end:
                self._end_thoughts()
        elif tag.kind is _Kind.CLOSING:
            if tag.name == names.block and self._current is not None:
                self._current.is_closed = True
                self._current = None
            else:
                self._doubtful_count = len(self._blocks)
        elif tag.name == names.block:
            self._begin_block(tag)
        elif tag.kind is _Kind.EMPTY:
            if tag.name == names.value and self._current is not None:
                self._current.values.append(None)
        elif tag.name == names.value:
            return position + 1 + self._take_value(position)
        elif tag.name == names.prose:
            return self._skip_prose(position)
        return position + 1

    def _begin_block(self, tag: "_Tag") -> None:
        is_inside_another = self._current is not None
        block = Block(tag.attributes, is_doubtful=self._is_all_doubtful or (is_inside_another and self._is_cut_off))
        self._blocks.append(block)
        self._written_ids.add(block.attribute("id"))
        block.is_closed = tag.kind is _Kind.EMPTY
        self._current = None if block.is_closed else block

    def _take_value(self, position: int) -> bool:
        """Keep a value; return whether its closing tag follows, which is then read, too."""
        tag = self._tags[position]
        following = self._tags[position + 1] if position + 1 < len(self._tags) else None
        is_whole = following is not None and following.name == tag.name and following.kind is _Kind.CLOSING
        if self._current is not None:
            self._current.values.append(self._text[tag.end : following.start] if following and is_whole else None)
        return is_whole

    def _skip_prose(self, position: int) -> int:
        end = self._prose_ends.get(position)
        if end is None:
            return self._leave_endless_prose(position)
        mark = self._lone_end(position + 1, end)
        if self._current is None:
            if mark is None:
                return end + 1
            # No block's prose: the model thinks aloud in it.
            self._end_thoughts()
            return mark + 1
        if not self._current.prose:
            self._current.prose = _prose(self._text, self._tags[position].end, self._tags[end].start)
        if mark is not None and not self._is_plain_quotation(mark, end):
            self._doubtful_count = len(self._blocks)
        return end + 1

    def _leave_endless_prose(self, position: int) -> int:
        """Prose that is never closed goes on to the end, unless it is a draft that breaks off with the thoughts."""
        end = self._lone_end(position + 1, len(self._tags))
        if end is None:
            return len(self._tags)
        self._end_thoughts()
        return end + 1

    def _end_thoughts(self) -> None:
        # Of a reply that was cut off, the tags may be missing that would show the mark to be quoted.
        self._is_all_doubtful |= self._is_cut_off and self._current is not None
        self._current = None
        self._draft_count = len(self._blocks)

    def _is_plain_quotation(self, mark: int, end: int) -> bool:
        """Tell whether a block's prose, which holds the end of thoughts at `mark`, only quotes it.

        It does where it goes on without a block. Whole blocks of others are a quotation too: had thoughts ended here,
        the tags that close this block would close nothing. But where an answer for the same thing follows, or tags
        do not match, this block may be the draft and the quotation the answer.
        """
        names, depth = self._names, 0
        for tag in self._tags[mark:end]:
            if tag.name == names.value and not depth:
                return False
            if tag.name != names.block:
                continue
            if tag.kind is not _Kind.CLOSING and Block(tag.attributes).attribute("id") in self._written_ids:
                return False
            depth += {_Kind.OPENING: 1, _Kind.CLOSING: -1, _Kind.EMPTY: 0}[tag.kind]
            if depth not in (0, 1):
                return False
        return depth == 0

    def _lone_end(self, start: int, end: int) -> int | None:
        """Return the first mark between two positions that ends thoughts which did not begin there."""
        position = start
        while position < end:
            mark = self._tags[position].mark
            if mark is not None and mark.is_strong_end:
                return position
            if mark is not None and mark.is_begin:
                position = self._thought_ends.get(position, position)
            position += 1
        return None


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
    # Where thoughts begin or end. Such a tag has no name.
    mark: Mark | None = None


@lru_cache(maxsize=8)
def _tag_pattern(names: BlockNames) -> re.Pattern[str]:
    any_name = "|".join(map(re.escape, (names.block, names.value, names.prose)))
    # Possessive throughout: no way back, so no hostile text makes it slow. An attribute may hold a > in its quotes.
    return re.compile(
        rf"</(?P<closing>{any_name})\s*+>"
        rf"""|<(?P<opening>{any_name})(?=[\s/>])(?P<attributes>(?:"[^"<]*+"|'[^'<]*+'|[^<>])*+)>"""
        rf"|{THOUGHT_PATTERN}"
    )


def _find_tags(text: str, names: BlockNames) -> list[_Tag]:
    tags = []
    for match in _tag_pattern(names).finditer(text):
        if match["closing"]:
            tags.append(_Tag(match["closing"], _Kind.CLOSING, match.start(), match.end()))
        elif match["opening"] is None:
            tags.append(_Tag("", _Kind.EMPTY, match.start(), match.end(), mark=mark_of(match)))
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


def _prose(text: str, start: int, end: int) -> str:
    # An entity is at most some ten times as long as its character: more than this is never looked at.
    prose = text[start : min(end, start + 10 * MAX_PROSE_CHARS)].strip()
    cdata = _CDATA.fullmatch(prose)
    return clean_text(cdata[1] if cdata else unescape_html(prose)).strip()[:MAX_PROSE_CHARS]
