"""The base of the views of both REST APIs: roles, throttles, strict bodies, pages, problems."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import APIException
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from judging.models import User
from judging.rest.paging import KeysetPagination
from judging.rest.parsers import LengthRequired, StrictJSONParser, TooLarge
from judging.rest.permissions import MembersOnly
from judging.rest.problems import exception_handler
from judging.rest.throttling import AnonymousThrottle, UserThrottle

_View = TypeVar("_View", bound=Callable[..., Any])


class _OneFormat(BaseContentNegotiation):
    """Answer JSON (or the file that was asked for), whatever the Accept header says."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        given = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == given), None)

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class RestView(APIView):
    """Base of all views; each API says how it tells who asks."""

    permission_classes = [MembersOnly]
    # The permission classes of single methods, where they differ: {"POST": [AdminsOnly]}.
    method_permissions: ClassVar[dict[str, Sequence[type[BasePermission]]]] = {}
    throttle_classes = [UserThrottle, AnonymousThrottle]
    parser_classes = [StrictJSONParser]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = _OneFormat
    http_method_names = ["get", "post", "put", "patch", "delete", "head"]
    metadata_class = None
    pagination_class = KeysetPagination
    # The largest body taken; an upload sets MAX_UPLOAD_BYTES.
    upload: ClassVar[bool] = False

    @property
    def user(self) -> User:
        """The one who asks; permissions have let nobody else in."""
        user = self.request.user
        assert isinstance(user, User)
        return user

    def page(
        self,
        queryset: QuerySet[Any],
        serializer: type[BaseSerializer[Any]],
        *,
        order: Sequence[str],
        complete: Callable[[list[Any]], Any] | None = None,
    ) -> Response:
        """Answer one page of a list (`order` as KeysetPagination has it).

        `complete` turns the page's rows into what the serializer takes, for what is cheaper read per page than joined.
        """
        pages = KeysetPagination()
        rows = pages.page(queryset, self.request, order=order)
        return pages.get_paginated_response(serializer(complete(rows) if complete else rows, many=True).data)

    def body(self, serializer: type[BaseSerializer[Any]], *, partial: bool = False, full: bool = False) -> Any:
        """Return the body's validated values: what is there (PATCH: partial), with defaults for the rest (PUT: full)."""
        given = serializer(data=self.request.data, partial=partial)
        given.is_valid(raise_exception=True)
        return given.all_values() if full else given.validated_data  # type: ignore[attr-defined]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.format_kwarg = None
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        request.version, request.versioning_scheme = None, None
        try:
            _ = request.user
        except APIException:
            # Guesses at tokens are counted like everything else.
            self.check_throttles(request)
            raise
        self.check_throttles(request)
        self.check_permissions(request)
        if "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH"):
            raise LengthRequired
        limit = settings.MAX_UPLOAD_BYTES if self.upload else settings.MAX_JSON_BYTES
        if _content_length(request) > limit:
            raise TooLarge(f"A body has at most {limit} bytes here.")

    def get_permissions(self) -> list[Any]:
        classes = self.method_permissions.get(self.request.method or "", self.permission_classes)
        return [permission() for permission in classes]

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        # Answers are somebody's: no cache keeps them, least of all one with a new token in it.
        response.headers.setdefault("Cache-Control", "no-store")
        return super().finalize_response(request, response, *args, **kwargs)

    def get_exception_handler(self) -> Any:
        return exception_handler


def describe(
    summary: str,
    *,
    answer: Any = None,
    status: int = 200,
    many: bool = False,
    body: Any = None,
    conflict: str = "",
    query: Collection[OpenApiParameter] = (),
    description: str = "",
) -> Callable[[_View], _View]:
    """Describe a method for OpenAPI. The problems that any view can answer are added in openapi.py.

    `answer` and `body` are serializer classes; for files `answer` is {(status, media type): type} and `body` {media type:
    serializer}. `conflict` lists the codes of 409.
    """
    responses = answer if isinstance(answer, Mapping) else {status: answer(many=True) if many else answer}
    extensions = {"x-conflict": conflict} if conflict else None
    decorate: Callable[[_View], _View] = extend_schema(
        summary=summary,
        description=description or None,
        request=body,
        responses=responses,
        parameters=list(query),
        extensions=extensions,
    )
    return decorate


def _content_length(request: Request) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0
