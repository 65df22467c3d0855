"""What every view of /v1 is made of: the vendor's keys, errors and pages around the common base."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.db.models import Model, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.utils.urls import remove_query_param

from judging.batch_api.authentication import ApiKeyAuthentication
from judging.foundation.errors import Invalid
from judging.rest.paging import MAX_PAGE_SIZE, KeysetPagination
from judging.rest.problems import exception_handler
from judging.rest.views import RestView

NEWEST_FIRST = ("-created_at", "-id")


class VendorPagination(KeysetPagination):
    """Pages as the vendor's SDK walks them: it sends the whole `next` back as the cursor, and asks for any size."""

    def page_size(self, given: str | None) -> int:
        if given and given.isascii() and given.isdecimal() and len(given) < 10:
            given = str(min(int(given), MAX_PAGE_SIZE))
        return super().page_size(given)

    def _read(self, token: str | None, model: type[Model]) -> tuple[bool, list[Any] | None]:
        if token and "cursor=" in token:
            with suppress(ValueError):
                token = parse_qs(urlsplit(token).query).get("cursor", [token])[-1]
        return super()._read(token, model)

    def _link(self, row: Any, direction: str) -> str:
        token = parse_qs(urlsplit(super()._link(row, direction)).query)["cursor"][0]
        url = remove_query_param(self._url, "cursor")
        # Last: clients exist that take everything behind "cursor=".
        return f"{url}{'&' if '?' in url else '?'}cursor={token}"


class MergedPagination(VendorPagination):
    """Pages over several tables that have the order's fields in common, newest first."""

    def __init__(self, *more: QuerySet[Any]) -> None:
        self._more = more

    def rows(self, queryset: QuerySet[Any], values: Sequence[Any] | None, *, backwards: bool, count: int) -> list[Any]:
        found: list[Any] = []
        for each in (queryset, *self._more):
            found += super().rows(each, values, backwards=backwards, count=count)
        found.sort(key=lambda row: (row.created_at, row.pk), reverse=not backwards)
        return found[:count]


class BatchApiView(RestView):
    """Base of all views of /v1."""

    authentication_classes = [ApiKeyAuthentication]
    pagination_class = VendorPagination

    def get_exception_handler(self) -> Any:
        return vendor_exception_handler

    def listed(
        self,
        queryset: QuerySet[Any],
        serializer: type[BaseSerializer[Any]],
        answers: Callable[[list[Any]], list[dict[str, Any]]],
        *,
        pages: VendorPagination | None = None,
    ) -> Response:
        """Answer one page of a list, newest first; `answers` makes the wire's dicts of a page's rows."""
        ordering = self.request.query_params.get("ordering", "")
        if ordering not in ("", NEWEST_FIRST[0]):
            raise Invalid(
                f"ordering can't be {ordering[:50]!r}: lists stand newest first.",
                errors={"ordering": [f"Only {NEWEST_FIRST[0]}, which is the order without it."]},
            )
        pages = pages or VendorPagination()
        rows = pages.page(queryset, self.request, order=NEWEST_FIRST)
        return pages.get_paginated_response(serializer(answers(rows), many=True).data)


def vendor_exception_handler(error: Exception, context: Mapping[str, Any]) -> Response:
    """Answer an exception in the vendor's shape: the fields' messages stand beside the problem's members."""
    response = exception_handler(error, context)
    request: Request | None = context.get("request")
    response.data = vendor_problem(response.data or {}, request.path if request is not None else "")
    return response


def vendor_problem(body: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return a problem in the vendor's shape."""
    members = {
        "type": body["type"],
        "status": body["status"],
        "title": body["title"],
        "detail": body["detail"],
        "instance": path[:500],
        "code": body["code"],
    }
    # A field that is named like a member of the problem gives way to it.
    return {**{name: messages for name, messages in body.get("errors", {}).items() if name not in members}, **members}
