"""Where the pages of a list begin, and how a request says so.

A template may print `size`, `offset`, `page` and `cursor` itself. What it does not print is set by the names in the
endpoint's paging: in the body where that is a JSON object, else in the query string.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote_plus

from judging.engines.configuration import DEFAULT_PAGE_SIZE, check_paging
from judging.engines.expressions import compile_expression
from judging.engines.mapping import evaluate
from judging.engines.rendering import RenderedRequest, TemplateInvalid


@dataclass(frozen=True, slots=True)
class Position:
    """One page of a list: how many candidates to ask for and where it begins. number counts from 1."""

    number: int
    size: int
    offset: int
    page: int
    cursor: Any = None

    @property
    def is_first(self) -> bool:
        return self.number == 1


class Pager:
    """The paging of an endpoint."""

    def __init__(self, paging: Mapping[str, Any]) -> None:
        """Raise InvalidEndpoint."""
        check_paging(paging)
        self._paging = paging
        self.kind: str = paging.get("type", "none")
        self._page_size: int = paging.get("page_size", DEFAULT_PAGE_SIZE)
        self._first_page: int = paging.get("first_page", 1)
        self._next = compile_expression(paging["next"]) if self.kind == "cursor" else None

    def first(self, depth: int) -> Position:
        size = depth if self.kind == "none" else min(self._page_size, depth)
        return Position(1, size, 0, self._first_page)

    def after(self, position: Position, answer: Any, *, count: int, got: int, depth: int) -> Position | None:
        """Return the page after one that brought `count` candidates, `got` in all; None after the last.

        A page that is shorter than asked for may be all that the engine gives at once, so the end is a page without
        candidates. Raise MappingFailed.
        """
        if self.kind == "none" or not count or got >= depth:
            return None
        number, page = position.number + 1, position.page + 1
        if self._next is None:
            # Page numbers mean nothing once the size changes.
            size = min(position.size, depth - got) if self.kind == "offset" else position.size
            return Position(number, size, got, page)
        cursor = evaluate(self._next, answer)
        # Solr repeats its mark at the end.
        if cursor in (None, "", [], {}, False) or cursor == position.cursor:
            return None
        return Position(number, position.size, got, page, cursor)

    def placed(self, request: RenderedRequest, position: Position, printed: Collection[str]) -> RenderedRequest:
        """Set what the template does not print itself. Raise TemplateInvalid."""
        values = {"size": position.size}
        if not position.is_first:
            values |= {self.kind: getattr(position, self.kind)}
        parameters = {
            self._paging[word]: value for word, value in values.items() if word in self._paging and word not in printed
        }
        if not position.is_first and self.kind not in printed and self.kind not in self._paging:
            raise TemplateInvalid(
                "body", f"Nothing tells the engine where the next page begins: print {{{{{self.kind}}}}}, or name it."
            )
        if not parameters:
            return request
        if body := _object_of(request):
            for name, value in parameters.items():
                _set_in(body, name.split("."), value)
            return RenderedRequest(json.dumps(body, ensure_ascii=False), request.query_string, request.headers)
        return RenderedRequest(request.body, _with_parameters(request.query_string, parameters), request.headers)


def _object_of(request: RenderedRequest) -> dict[str, Any] | None:
    if not request.body.lstrip().startswith("{"):
        return None
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _set_in(body: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        inner = body.get(name)
        if not isinstance(inner, dict):
            inner = body[name] = {}
        body = inner
    body[path[-1]] = value


def _with_parameters(query_string: str, parameters: Mapping[str, Any]) -> str:
    kept = [part for part in query_string.split("&") if part and unquote_plus(part.partition("=")[0]) not in parameters]
    for name, value in parameters.items():
        text = value if isinstance(value, str) else json.dumps(value)
        kept.append(f"{quote(name, safe='.[]$')}={quote(text, safe='')}")
    return "&".join(kept)
