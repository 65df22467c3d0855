"""Handlebars behind one door: compile, check and render templates that people write over text that nobody trusts.

The library has no limits of its own, so a template is bounded here: its parsed nodes are walked once, every list of
nodes becomes one that pays for each rendering, and every printed value pays for its length. Steps and characters are
counted, not seconds, so the same prompt always renders or never does.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from dotpromptz_handlebars import Block, HelperFn, HelperOptions, Mustache, Text
from dotpromptz_handlebars import _render as handlebars  # no public door to its parsed nodes

from judging.foundation.errors import Invalid
from judging.foundation.limits import MAX_TEXT
from judging.foundation.text import clean_text
from judging.templating.tags import MAX_TAG_CHARS, MAX_TAG_NESTING, TagProblem, check_tags, line_of

MAX_OUTPUT_CHARS = 2_000_000
MAX_STEPS = 100_000  # about 4 µs each

_XML_TEXT = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))  # & first
_XML_ALL = (*_XML_TEXT, ('"', "&quot;"), ("'", "&#39;"))


class TemplateError(Invalid):
    """A template that cannot be used. `line` counts from 1; None where no line is to blame."""

    code = "invalid_template"

    def __init__(self, message: str, *, line: int | None = None) -> None:
        self.line = line
        message = f"Line {line}: {message}" if line is not None else message
        super().__init__(message, errors={"prompt_template": [message]})


def render_template(source: str, context: Mapping[str, Any], *, max_chars: int = MAX_OUTPUT_CHARS) -> str:
    """Render a template over plain JSON-like values. Raise TemplateError; the result is valid UTF-8 without NULs."""
    return compile_template(source).render(context, max_chars=max_chars)


def to_json(value: Any) -> str:
    """Write a value as one line of JSON; what JSON does not know becomes a string."""
    return json.dumps(value, ensure_ascii=False, default=str)


def escape_xml(text: str, *, quotes: bool = True) -> str:
    """Escape text for an XML element; with quotes, for an attribute too."""
    # translate() looks up each character: of a long text that takes thirty times as long.
    for character, entity in _XML_ALL if quotes else _XML_TEXT:
        text = text.replace(character, entity)
    return text


def as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Escaping:
    """How printed values are escaped for the place that they stand in, and what toJson prints there."""

    values: Callable[[str], str] = as_it_is
    json: Callable[[str], str] = as_it_is


_NO_ESCAPING = Escaping()


class _Budget:
    """What one rendering may still spend, and how it escapes."""

    __slots__ = ("chars", "escaping", "max_chars", "steps")

    def __init__(self, max_chars: int, escaping: Escaping) -> None:
        self.steps, self.chars, self.max_chars, self.escaping = MAX_STEPS, max_chars, max_chars, escaping

    def spend(self, steps: int, chars: int) -> None:
        self.steps -= steps
        self.chars -= chars
        if self.steps < 0:
            raise TemplateError(f"the template does too much work (more than {MAX_STEPS:,} steps): nest fewer loops")
        if self.chars < 0:
            raise TemplateError(f"the template prints more than {self.max_chars:,} characters")


_budget: ContextVar[_Budget] = ContextVar("template_budget")


class _Body(list[Any]):
    """The nodes of one block. The library iterates over them once per rendering: that is where it is paid for."""

    __slots__ = ("chars", "steps")

    def __init__(self, nodes: Sequence[Any], *, steps: int, chars: int) -> None:
        super().__init__(nodes)
        self.steps, self.chars = steps, chars

    def __iter__(self) -> Iterator[Any]:
        _budget.get().spend(self.steps, self.chars)
        return super().__iter__()


@dataclass(frozen=True, slots=True)
class Template:
    """A checked template."""

    body: _Body

    @property
    def variables(self) -> frozenset[str]:
        """Return the names that it reads of the context; those inside {{#each}}, {{#with}} and sections are others'."""
        return frozenset(_variables(self.body, 0)) - {_ALL}

    def filled(self, known: Mapping[str, Any]) -> "Template":
        """Return this template with what reads nothing but `known` rendered already, unescaped. Raise TemplateError."""
        nodes = [
            Text(Template(_Body([node], steps=0, chars=0)).render(known))
            if not isinstance(node, Text) and known.keys() >= set(_variables([node], 0))
            else node
            for node in self.body[:]
        ]
        chars = sum(len(node.value) for node in nodes if isinstance(node, Text))
        return Template(_Body(nodes, steps=self.body.steps, chars=chars))

    def render(
        self, context: Mapping[str, Any], *, max_chars: int = MAX_OUTPUT_CHARS, escaping: Escaping = _NO_ESCAPING
    ) -> str:
        """Render over plain JSON-like values. Raise TemplateError; the result is valid UTF-8 without NULs."""
        if not len(self.body):
            return ""
        token = _budget.set(_Budget(max_chars, escaping))
        try:
            return clean_text(
                handlebars.render_program(
                    self.body,
                    context,
                    data=None,
                    helpers=_HELPERS,
                    partials={},
                    escape_html=False,
                    strict=False,
                )
            )
        except TemplateError:
            raise
        except RecursionError as error:
            raise TemplateError("the template, or a value that it prints, is nested too deeply") from error
        except Exception as error:  # the library raises whatever its Python happens to raise
            raise TemplateError(f"the template cannot be rendered: {str(error)[:200]}") from error
        finally:
            _budget.reset(token)


@lru_cache(maxsize=32)
def compile_template(source: str) -> Template:
    """Parse and check a template. Raise TemplateError."""
    if len(source) > MAX_TEXT:
        raise TemplateError(f"the template is longer than {MAX_TEXT:,} characters")
    for position, character in enumerate(source) if clean_text(source) != source else ():
        if clean_text(character) != character:
            raise TemplateError(
                "a character that no text may hold (NUL or half a surrogate pair)", line=line_of(source, position)
            )
    try:
        check_tags(source, helpers=_HELPERS)
        return Template(_bounded(handlebars.compile_template(source)))
    except TagProblem as problem:
        raise TemplateError(problem.message, line=problem.line) from problem
    except TemplateError:
        raise
    except Exception as error:  # the check above names the line of all that is known; this is the library's last word
        raise TemplateError(f"the template does not compile: {str(error)[:200]}") from error


def _bounded(nodes: Sequence[Any]) -> _Body:
    """Copy parsed nodes into bodies that pay, and let every printed value go through a helper that pays."""
    bounded: list[Any] = []
    steps, chars = 1 + len(nodes), 0
    for node in nodes:
        if isinstance(node, Text):
            chars += len(node.value)
            bounded.append(node)
        elif isinstance(node, Mustache):
            steps += _call_steps(node.call)
            bounded.append(Mustache(_printing(node.call), raw=True))
        elif isinstance(node, Block):
            steps += _call_steps(node.call)
            bounded.append(Block(node.call, _bounded(node.body), _bounded(node.inverse)))
        else:
            raise TemplateError(f"{type(node).__name__} is not supported in a template")
    return _Body(bounded, steps=steps, chars=chars)


def _printing(call: dict[str, Any]) -> dict[str, Any]:
    if call["name"] in _PRINTED:
        return {**call, "name": _PRINTED[call["name"]]}
    if call["literal"] or call["args"] or call["hash"]:
        return call
    return {"name": _PRINT, "args": [call["name"]], "hash": {}, "params": [], "literal": False}


def _call_steps(call: dict[str, Any]) -> int:
    tokens: list[str] = [call["name"], *call["args"], *call["hash"].values()]
    length = sum(map(len, tokens))
    nesting = max(token.count("(") for token in tokens)
    if length > MAX_TAG_CHARS:
        raise TemplateError(f"a tag is longer than {MAX_TAG_CHARS:,} characters")
    return length * (1 + min(nesting, MAX_TAG_NESTING)) // 15


# Helpers


def _text(value: Any) -> str:
    """Tell how a value is printed: objects and lists as JSON, numbers as JavaScript writes them."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return str(int(value))
    if isinstance(value, (Mapping, list, tuple)):
        return to_json(value)
    return str(value)


def _paid(text: str, options: HelperOptions) -> str:
    # The library copied the object that the tag stands in for these options.
    copied = len(options.context) if isinstance(options.context, Mapping) else 0
    _budget.get().spend(copied // 50, len(text))
    return text


def _printed(text: str, options: HelperOptions) -> str:
    return _paid(_budget.get().escaping.values(text), options)


def _argument(args: list[Any], position: int = 0) -> Any:
    return args[position] if len(args) > position else None


def _to_json(args: list[Any], options: HelperOptions) -> str:
    return _paid(to_json(_argument(args)), options)


def _xml(args: list[Any], options: HelperOptions) -> str:
    return _paid(escape_xml(_text(_argument(args)), quotes=options.hash.get("quotes") is not False), options)


def _lookup(args: list[Any], options: HelperOptions) -> Any:
    _paid("", options)
    collection, key = _argument(args), _argument(args, 1)
    if isinstance(collection, Mapping) and isinstance(key, str):
        return collection.get(key)
    if isinstance(collection, (list, tuple)) and isinstance(key, int) and 0 <= key < len(collection):
        return collection[key]
    return None


def _print(args: list[Any], options: HelperOptions) -> str:
    return _printed(_text(_argument(args)), options)


def _print_lookup(args: list[Any], options: HelperOptions) -> str:
    return _printed(_text(_lookup(args, options)), options)


def _print_xml(args: list[Any], options: HelperOptions) -> str:
    return _printed(_xml(args, options), options)


def _print_json(args: list[Any], options: HelperOptions) -> str:
    return _paid(_budget.get().escaping.json(to_json(_argument(args))), options)


# Names with a blank cannot be written in a template.
_PRINT = " print"
_PRINTED = {"lookup": " print lookup", "toJson": " print toJson", "xml": " print xml"}
_HELPERS: dict[str, HelperFn] = {
    "toJson": _to_json,
    "xml": _xml,
    "lookup": _lookup,
    _PRINT: _print,
    _PRINTED["lookup"]: _print_lookup,
    _PRINTED["toJson"]: _print_json,
    _PRINTED["xml"]: _print_xml,
}


# Variables


def _variables(nodes: Sequence[Any], depth: int) -> Iterator[str]:
    """Find names of the context, or _ALL, in nodes that stand `depth` values deep in it."""
    # As a list: a body that is iterated over pays, and there is no rendering here.
    for node in nodes[:]:
        if isinstance(node, Text):
            continue
        yield from _names_in(node.call, depth)
        if isinstance(node, Block):
            yield from _variables(node.body, depth if node.call["name"] in ("if", "unless") else depth + 1)
            yield from _variables(node.inverse, depth)


def _names_in(call: dict[str, Any], depth: int) -> Iterator[str]:
    name = call["name"]
    tokens = [*call["args"], *call["hash"].values()]
    if not call["literal"] and name not in _HELPERS and name not in _BLOCKS:
        tokens.append(name)
    for token in tokens:
        if token.startswith("("):
            yield from _names_in(handlebars._call(token[1:-1].strip()), depth)
        elif found := _name_of(token, depth):
            yield found


def _name_of(token: str, depth: int) -> str:
    if token[0] in "\"'" or token in ("true", "false") or handlebars._number(token) is not None:
        return ""
    if token.startswith("@"):
        parts = handlebars._parts(token[1:])
        if "root" not in parts:
            return ""
        return parts[1] if parts[0] == "root" and len(parts) > 1 else _ALL
    parts = handlebars._parts(token)
    climbed = 0
    while climbed < len(parts) and parts[climbed] == "..":
        climbed += 1
    names = [part for part in parts[climbed:] if part not in (".", "this")]
    if climbed != depth:
        return ""
    return names[0] if names else _ALL


# The context itself, which no name is; it has a blank.
_ALL = " all"
_BLOCKS = frozenset({"if", "unless", "each", "with"})
