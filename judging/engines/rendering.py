"""From a query and a template to what is sent: every value escaped for the place that it stands in.

In a JSON body a printed value is the content of a JSON string, in a query string and a form it is percent-encoded, in
XML it is escaped. toJson prints JSON: as it is in a JSON body, escaped like any value elsewhere. In a header, what no
header may hold (and %) is percent-encoded. {{{name}}} and {{name}} are the same.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from judging.engines.configuration import InvalidEndpoint, TemplateText, check_headers
from judging.foundation.limits import MAX_CONTENT_TYPE, MAX_PLAIN_HEADERS, MAX_QUERY_STRING
from judging.templating import templates
from judging.templating.templates import Escaping, Template, TemplateError, escape_xml

__all__ = [
    "PAGING_VARIABLES",
    "InvalidTemplate",
    "RenderedRequest",
    "SearchTemplate",
    "TemplateInvalid",
    "compile_template",
]

# What a template may read besides a query's properties; a property of the same name can't be read.
PAGING_VARIABLES = frozenset({"size", "offset", "page", "cursor"})

_MAX_QUERY_STRING_SENT = 200_000
_MAX_HEADER_SENT = 8_000
_MEDIA_TYPE = re.compile(
    r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(?:[ \t]*;[ \t]*[A-Za-z0-9_-]+=(?:[A-Za-z0-9_.+-]+|\"[^\"\\\x00-\x1f\x7f-\uffff]*\"))*"
)
_LINE_BREAKS = re.compile(r"[ \t]*[\r\n]+[ \t]*")
# What a query string may hold, percent signs of what is encoded already among it.
_OF_QUERY_STRINGS = "!$%&'()*+,-./:;=?@_~[]"


class InvalidTemplate(ValueError):
    """A template that can't be used. `place` is body, query_string, content_type or headers."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(message)
        self.place, self.message = place, message


class TemplateInvalid(ValueError):
    """A query that this template makes no request of. `place` as above."""

    code = "template_invalid"

    def __init__(self, place: str, message: str) -> None:
        super().__init__(message)
        self.place, self.message = place, message


@dataclass(frozen=True, slots=True)
class RenderedRequest:
    """What is sent. `query_string` is without "?"; `headers` has the content type when there is a body."""

    body: str
    query_string: str
    headers: dict[str, str] = field(default_factory=dict)


class SearchTemplate:
    """A compiled query template."""

    def __init__(self, text: TemplateText, parts: Mapping[str, Template], headers: Mapping[str, Template]) -> None:
        self._content_type = text.content_type
        self._format = _format_of(text.content_type)
        self._parts, self._headers = parts, headers
        #: The names that it reads of a query, those of paging included.
        self.variables: frozenset[str] = frozenset().union(
            *(template.variables for template in (*parts.values(), *headers.values()))
        )

    def render(
        self, query_body: Any, size: int, *, offset: int = 0, page: int = 1, cursor: Any = None
    ) -> RenderedRequest:
        """Render the request for a query, a text or an object. Raise TemplateInvalid."""
        properties = query_body if isinstance(query_body, Mapping) else {"query": query_body}
        context = {**properties, "size": size, "offset": offset, "page": page, "cursor": cursor}
        body = _rendered(self._parts["body"], "body", context, self._format.escaping)
        if body.strip():
            self._format.check(body)
        query_string = _rendered(self._parts["query_string"], "query_string", context, _PERCENT)
        query_string = quote(_LINE_BREAKS.sub("", query_string).strip(), safe=_OF_QUERY_STRINGS)
        if len(query_string) > _MAX_QUERY_STRING_SENT:
            raise TemplateInvalid("query_string", f"It is longer than {_MAX_QUERY_STRING_SENT:,} characters.")
        headers = {name: self._header(name, template, context) for name, template in self._headers.items()}
        if body.strip():
            headers["Content-Type"] = self._content_type
        else:
            body = ""
        return RenderedRequest(body, query_string, headers)

    def _header(self, name: str, template: Template, context: Mapping[str, Any]) -> str:
        value = _rendered(template, "headers", context, _HEADER).strip()
        if len(value) > _MAX_HEADER_SENT:
            raise TemplateInvalid("headers", f"{name} is longer than {_MAX_HEADER_SENT:,} characters.")
        return value


def compile_template(text: TemplateText) -> SearchTemplate:
    """Compile a template. Raise InvalidTemplate."""
    if len(text.content_type) > MAX_CONTENT_TYPE or not _MEDIA_TYPE.fullmatch(text.content_type):
        raise InvalidTemplate("content_type", "The content type is a media type, such as application/json.")
    if len(text.query_string) > MAX_QUERY_STRING:
        raise InvalidTemplate("query_string", f"The query string is longer than {MAX_QUERY_STRING:,} characters.")
    if len(text.headers) > MAX_PLAIN_HEADERS:
        raise InvalidTemplate("headers", f"There are more than {MAX_PLAIN_HEADERS} headers.")
    parts = {
        "body": _compiled(text.body, "body"),
        "query_string": _compiled(text.query_string.strip().removeprefix("?"), "query_string"),
    }
    headers: dict[str, Template] = {}
    for name, value in text.headers.items():
        try:
            check_headers({name: value})
        except InvalidEndpoint as error:
            raise InvalidTemplate("headers", error.message) from None
        if name.lower() == "content-type":
            raise InvalidTemplate("headers", "The content type has a field of its own.")
        headers[name] = _compiled(value, "headers")
    return SearchTemplate(text, parts, headers)


def _compiled(source: str, place: str) -> Template:
    try:
        return templates.compile_template(source)
    except TemplateError as error:
        raise InvalidTemplate(place, error.message) from None


def _rendered(template: Template, place: str, context: Mapping[str, Any], escaping: Escaping) -> str:
    try:
        return template.render(context, escaping=escaping)
    except TemplateError as error:
        raise TemplateInvalid(place, error.message) from None


def _json_content(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _percent(text: str) -> str:
    # Half a surrogate pair has no UTF-8.
    return quote(text, safe="", errors="replace")


def _header_content(text: str) -> str:
    return re.sub(r"[^\x20-\x24\x26-\x7e]+", lambda found: _percent(found[0]), text)


def _unchecked(body: str) -> None:
    pass


def _check_json(body: str) -> None:
    try:
        json.loads(body, parse_constant=_refuse_constant)
    except RecursionError:
        raise TemplateInvalid("body", "The body is nested too deeply.") from None
    except json.JSONDecodeError as error:
        near = body[max(0, error.pos - 20) : error.pos + 20]
        raise TemplateInvalid(
            "body", f"The body is no JSON: {error.msg} at line {error.lineno}, near {near!r}."
        ) from None
    except ValueError as error:
        raise TemplateInvalid("body", f"The body is no JSON: {error}.") from None


def _check_json_lines(body: str) -> None:
    for line in body.split("\n"):
        if line.strip():
            _check_json(line)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


@dataclass(frozen=True, slots=True)
class _Format:
    escaping: Escaping
    check: Callable[[str], None] = _unchecked


_PERCENT = Escaping(values=_percent, json=_percent)
_HEADER = Escaping(values=_header_content, json=_header_content)
_JSON = Escaping(values=_json_content)


def _format_of(content_type: str) -> _Format:
    media_type = content_type.partition(";")[0].strip().lower()
    subtype = media_type.rpartition("/")[2]
    if subtype in ("x-ndjson", "ndjson", "jsonl", "json-seq") or subtype.endswith("x-ndjson"):
        return _Format(_JSON, _check_json_lines)
    if subtype == "json" or subtype.endswith("+json"):
        return _Format(_JSON, _check_json)
    if subtype == "x-www-form-urlencoded":
        return _Format(_PERCENT)
    if subtype == "xml" or subtype.endswith("+xml"):
        return _Format(Escaping(values=escape_xml, json=escape_xml))
    return _Format(Escaping())
