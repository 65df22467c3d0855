"""Pages of a list by the values of its order, not by counting: the last page costs what the first does."""

import base64
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import F, Model, Q, QuerySet
from django.utils import timezone
from rest_framework import serializers
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 500


class KeysetPagination(BasePagination):
    """Answer `{"results", "next", "previous"}`.

    `order` names fields or annotations, "-" for falling, so that no two rows are equal in all of them. Nulls stand
    last in both directions; a field that can be null is marked with a "?": ("-effective_grade?", "position", "rank").
    """

    def page(self, queryset: QuerySet[Any], request: Request, *, order: Sequence[str]) -> list[Any]:
        self._url = request.build_absolute_uri()
        self._terms = [_Term(name) for name in order]
        size = self.page_size(request.query_params.get("page_size"))
        backwards, values = self._read(request.query_params.get("cursor"), queryset.model)
        found = self.rows(queryset, values, backwards=backwards, count=size + 1)
        has_more, found = len(found) > size, found[:size]
        if backwards:
            found.reverse()
        self._next = self._link(found[-1], "n") if found and (has_more or backwards) else None
        self._previous = None
        if found and (has_more if backwards else values is not None):
            self._previous = self._link(found[0], "p")
        return found

    def rows(self, queryset: QuerySet[Any], values: Sequence[Any] | None, *, backwards: bool, count: int) -> list[Any]:
        """Return the next `count` rows beyond `values` (None: from the start), in the direction of reading."""
        rows = queryset.order_by(*(term.ordering(backwards=backwards) for term in self._terms))
        if values is not None:
            rows = rows.filter(_beyond(self._terms, values, backwards=backwards))
        return list(rows[:count])

    def page_size(self, given: str | None) -> int:
        return page_size(given)

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self._next, "previous": self._previous})

    def _link(self, row: Any, direction: str) -> str:
        values = [term.value(row) for term in self._terms]
        token = base64.urlsafe_b64encode(json.dumps([direction, *values]).encode()).decode().rstrip("=")
        return replace_query_param(self._url, "cursor", token)

    def _read(self, token: str | None, model: type[Model]) -> tuple[bool, list[Any] | None]:
        if not token:
            return False, None
        try:
            direction, *values = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
            if direction not in ("n", "p") or len(values) != len(self._terms):
                raise ValueError
            return direction == "p", [term.read(value, model) for term, value in zip(self._terms, values, strict=True)]
        except (ValueError, TypeError, OverflowError, RecursionError, ValidationError):
            message = "This is no cursor of this list; take it from `next` or `previous`."
            raise serializers.ValidationError({"cursor": [message]}) from None

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": "page_size",
                "in": "query",
                "description": f"Rows of a page, {DEFAULT_PAGE_SIZE} when left out.",
                "schema": {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE},
            },
            {
                "name": "cursor",
                "in": "query",
                "description": "Where the page begins; `next` and `previous` have it.",
                "schema": {"type": "string"},
            },
        ]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {"results": schema, "next": link, "previous": link},
        }


class _Term:
    def __init__(self, name: str) -> None:
        self.is_falling = name.startswith("-")
        self.is_nullable = name.endswith("?")
        self.name = name.strip("-?")

    def ordering(self, *, backwards: bool) -> Any:
        nulls = {"nulls_first" if backwards else "nulls_last": True} if self.is_nullable else {}
        return F(self.name).desc(**nulls) if self.is_falling != backwards else F(self.name).asc(**nulls)

    def value(self, row: Any) -> Any:
        value = row[self.name] if isinstance(row, dict) else getattr(row, self.name)
        if isinstance(value, datetime):
            return value.isoformat()
        return str(value) if isinstance(value, UUID) else value

    def read(self, value: Any, model: type[Model]) -> Any:
        """Return a cursor's value as the column has it. Raise ValueError, OverflowError or ValidationError."""
        if value is None:
            if not self.is_nullable:
                raise ValueError
            return None
        if not isinstance(value, str | int | float) or (isinstance(value, str) and "\0" in value):
            raise ValueError
        if isinstance(value, str):
            value.encode()
        elif not abs(value) < 2**63:
            raise ValueError
        # An annotation has no field.
        with suppress(FieldDoesNotExist):
            value = model._meta.get_field(self.name).to_python(value)  # type: ignore[union-attr]
        if isinstance(value, datetime):
            if timezone.is_naive(value):
                raise ValueError
            value = value.astimezone(UTC)
        return value

    def equals(self, value: Any) -> Q:
        return Q(**{f"{self.name}__isnull": True}) if value is None else Q(**{self.name: value})

    def beyond(self, value: Any, *, backwards: bool, or_equal: bool = False) -> Q | None:
        """Return what stands after `value` in the order (before it when backwards); None: nothing does."""
        if value is None:
            return Q(**{f"{self.name}__isnull": False}) if backwards else None
        operator = ("lt" if self.is_falling != backwards else "gt") + ("e" if or_equal else "")
        beyond = Q(**{f"{self.name}__{operator}": value})
        return beyond | Q(**{f"{self.name}__isnull": True}) if self.is_nullable and not backwards else beyond


def _beyond(terms: Sequence[_Term], values: Sequence[Any], *, backwards: bool) -> Q:
    anything = Q(pk__in=[])
    equal = Q()
    for term, value in zip(terms, values, strict=True):
        beyond = term.beyond(value, backwards=backwards)
        if beyond is not None:
            anything |= equal & beyond
        equal &= term.equals(value)
    first, value = terms[0], values[0]
    if value is not None and not first.is_nullable:
        # Implied by the rest, but lets the database seek in the index instead of reading up to here.
        bound = first.beyond(value, backwards=backwards, or_equal=True)
        assert bound is not None
        return bound & anything
    return anything


def page_size(given: str | None) -> int:
    """Read the number of rows a page is to have. Raise ValidationError."""
    if given is None:
        return DEFAULT_PAGE_SIZE
    # isdecimal lets int() take it; the length keeps it small.
    if not (given.isascii() and given.isdecimal() and len(given) < 6 and 1 <= int(given) <= MAX_PAGE_SIZE):
        raise serializers.ValidationError({"page_size": [f"An integer from 1 to {MAX_PAGE_SIZE}."]})
    return int(given)
