"""The tags of a Handlebars template, one by one with their lines: the library's errors and nodes know no lines."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from dotpromptz_handlebars import _render as handlebars

MAX_TAG_CHARS = 2_000
MAX_TAG_NESTING = 5  # the library parses a subexpression anew, level by level, whenever it is evaluated

_BLOCKS_WITH_ARGUMENT = frozenset({"if", "unless", "each", "with"})
_COMMENT = re.compile(r"\{\{~?!--")
_COMMENT_END = re.compile(r"--~?\}\}")
_TRIPLE_END = re.compile(r"\}~?\}\}")


class TagProblem(Exception):
    """What is wrong with a tag, and on which line it begins (from 1)."""

    def __init__(self, message: str, *, line: int) -> None:
        super().__init__(message)
        self.message, self.line = message, line


def check_tags(source: str, *, helpers: Collection[str]) -> None:
    """Raise TagProblem for the first tag that cannot be read, is not supported, or does not fit its block."""
    blocks: list[_OpenBlock] = []
    for body, position in find_tags(source):
        try:
            _check_tag(body, position, blocks, helpers)
        except _Wrong as wrong:
            raise TagProblem(str(wrong), line=line_of(source, position)) from wrong
    if blocks:
        raise TagProblem(f"{{{{#{blocks[-1].name[:60]}}}}} is never closed", line=line_of(source, blocks[-1].position))


def line_of(source: str, position: int) -> int:
    """Count lines from 1."""
    return source.count("\n", 0, position) + 1


class _Wrong(Exception):
    """What is wrong with the tag at hand; who walks over the tags knows its line."""


@dataclass(slots=True)
class _OpenBlock:
    name: str
    position: int
    has_else: bool = False


def _check_tag(body: str, position: int, blocks: list[_OpenBlock], helpers: Collection[str]) -> None:
    if body.startswith("!"):
        return
    if len(body) > MAX_TAG_CHARS:
        raise _Wrong(f"a tag is longer than {MAX_TAG_CHARS:,} characters")
    if body.startswith((">", "#>", "#*", "*")):
        raise _Wrong("partials and decorators are not supported in a template")
    if body.startswith("/"):
        opened = blocks.pop() if blocks else None
        if opened is None or body[1:].split()[:1] != [opened.name]:
            raise _Wrong(
                f"{{{{{body[:60]}}}}} closes nothing" + (f"; open is {{{{#{opened.name[:60]}}}}}" if opened else "")
            )
    elif body == "else" or body.startswith("else "):
        if not blocks or blocks[-1].has_else:
            raise _Wrong("{{else}} without a block that it belongs to")
        condition = body[len("else ") :].strip()
        blocks[-1].has_else = not condition
        if condition and not condition.startswith(("if ", "unless ")):
            raise _Wrong("only an if or unless may follow {{else}}")
        if condition:
            _check_call(_parsed(condition), helpers, is_block=True)
    elif body.startswith(("#", "^")):
        call = _parsed(body[1:])
        _check_call(call, helpers, is_block=True)
        blocks.append(_OpenBlock(call["name"], position))
    else:
        _check_call(_parsed(body.removeprefix("&").strip()), helpers, is_block=False)


def _check_call(call: dict[str, Any], helpers: Collection[str], *, is_block: bool, nesting: int = 0) -> None:
    name, arguments = call["name"], [*call["args"], *call["hash"].values()]
    if nesting > MAX_TAG_NESTING:
        raise _Wrong(f"subexpressions are nested more than {MAX_TAG_NESTING} deep")
    if is_block and name in _BLOCKS_WITH_ARGUMENT:
        if len(call["args"]) != 1:
            raise _Wrong(f"{{{{#{name}}}}} takes exactly one argument")
    elif is_block and (arguments or name in helpers or call["literal"] or name.startswith("(")):
        raise _Wrong(f'"{name[:60]}" is no block helper (there are if, unless, each and with)')
    elif name not in helpers and (arguments or nesting):
        raise _Wrong(f'unknown helper "{name[:60]}" (there are toJson, xml and lookup)')
    for argument in [name, *arguments]:
        if argument.startswith("(") and argument.endswith(")"):
            _check_call(_parsed(argument[1:-1].strip()), helpers, is_block=False, nesting=nesting + 1)


def _parsed(header: str) -> dict[str, Any]:
    try:
        return handlebars._call(header)
    except Exception as error:  # IndexError and its like for rubbish
        raise _Wrong(f"the tag cannot be read ({str(error)[:200]})") from error


def find_tags(source: str) -> Iterator[tuple[str, int]]:
    """Find the tags as the library's tokenizer does: (body, position), raw blocks as an opening and a closing tag."""
    start, floor = source.find("{{"), 0
    while start >= 0:
        slashes = start - len(source[floor:start].rstrip("\\")) - floor
        if slashes == 1:
            end = start + 2
        elif source.startswith("{{{{", start):
            opening_end = _closing(source, "}}}}", start + 4, start)
            header = source[start + 4 : opening_end].strip()
            if not header or header.startswith("/"):
                raise TagProblem("a raw block without a name", line=line_of(source, start))
            closing = "{{{{/" + header.split()[0] + "}}}}"
            position = _closing(source, closing, opening_end + 4, start)
            yield f"#{header}", start
            yield f"/{header.split()[0]}", position
            end = position + len(closing)
        elif comment := _COMMENT.match(source, start):
            closing_tag = _COMMENT_END.search(source, comment.end())
            if closing_tag is None:
                raise TagProblem("a comment that is never closed", line=line_of(source, start))
            yield "!", start
            end = closing_tag.end()
        elif source.startswith(("{{{", "{{~{"), start):
            body_start = start + (4 if source.startswith("{{~{", start) else 3)
            closing_tag = _TRIPLE_END.search(source, body_start)
            if closing_tag is None:
                raise TagProblem("a tag that is never closed", line=line_of(source, start))
            yield source[body_start : closing_tag.start()].strip(), start
            end = closing_tag.end()
        else:
            closing_at = _closing(source, "}}", start + 2, start)
            yield source[start + 2 : closing_at].removeprefix("~").removesuffix("~").strip(), start
            end = closing_at + 2
        start, floor = source.find("{{", end), end


def _closing(source: str, mark: str, start: int, opened_at: int) -> int:
    position = source.find(mark, start)
    if position < 0:
        raise TagProblem("a tag that is never closed", line=line_of(source, opened_at))
    return position
