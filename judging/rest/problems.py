"""Every error below /api/v1 as RFC 9457 problem+json, the domain's errors mapped once."""

import logging
from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InternalError, OperationalError
from django.http import Http404, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response

from judging.foundation.errors import Busy, Conflict, DomainError, Forbidden, Invalid, NotFound, Unanswered

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
# Of a million wrong rows, the first hundred say enough, and the answer stays small.
MAX_ERRORS = 100

_DOMAIN_STATUS: tuple[tuple[type[DomainError], int], ...] = (
    (Invalid, 400),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Unanswered, 502),
    (Busy, 503),
)
_CODES = {
    400: "invalid",
    401: "not_authenticated",
    403: "permission_denied",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    429: "throttled",
    500: "internal_error",
    502: "unanswered",
    503: "unavailable",
}
# A PostgreSQL that only reads, a standby for one, says so with an InternalError.
DATABASE_TAKES_NOTHING = (OperationalError, InternalError)
UNAVAILABLE = "The database is busy or away; try again."
RETRY_AFTER_SECONDS = 5
INTERNAL = "Something went wrong on our side. The log has the details, under the X-Request-Id of this answer."


def is_api_path(path: str) -> bool:
    """Tell whether problems at a path are answered as problem+json."""
    return path.startswith(("/api/", "/v1/"))


def problem(
    status: int, detail: str, *, code: str = "", errors: Mapping[str, list[str]] | None = None
) -> dict[str, Any]:
    """Return the members of a problem document; `errors` (field -> messages) stands on 400 only, up to MAX_ERRORS."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code or _CODES.get(status, "error"),
    }
    if status == 400:
        body["errors"] = _first(errors or {})
    return body


def _first(errors: Mapping[str, list[str]]) -> dict[str, list[str]]:
    kept: dict[str, list[str]] = {}
    left = MAX_ERRORS
    for field, messages in errors.items():
        if left <= 0:
            break
        kept[field] = list(messages[:left])
        left -= len(messages)
    if sum(map(len, errors.values())) > MAX_ERRORS:
        kept.setdefault("non_field_errors", []).append(f"There is more: these are the first {MAX_ERRORS} errors.")
    return kept


def problem_response(status: int, detail: str, *, code: str = "") -> JsonResponse:
    """Answer a problem outside of REST views, in the shape of /api."""
    return JsonResponse(problem(status, detail, code=code), status=status, content_type=MEDIA_TYPE)


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response:
    """Answer any exception of a view. An unexpected one is logged, and the answer reveals nothing of it."""
    headers: dict[str, str] = {}
    if isinstance(error, exceptions.APIException):
        if header := getattr(error, "auth_header", None):
            headers["WWW-Authenticate"] = header
        if wait := getattr(error, "wait", None):
            headers["Retry-After"] = str(int(wait) + 1)
        body = _from_api_exception(error)
    elif isinstance(error, DomainError):
        body = _from_domain_error(error)
        if body["status"] == 503:
            headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    elif isinstance(error, Http404):
        body = problem(404, "There is nothing here.")
    elif isinstance(error, PermissionDenied):
        body = problem(403, "You are not allowed to do this.")
    elif isinstance(error, RequestDataTooBig):
        body = problem(413, "The body is too large.")
    elif isinstance(error, DATABASE_TAKES_NOTHING):
        logger.exception("the database did not answer", exc_info=error)
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        body = problem(503, UNAVAILABLE)
    elif isinstance(error, SuspiciousOperation):
        body = problem(400, "The request can't be read.")
    else:
        logger.exception("unexpected error in %s", type(context.get("view")).__name__, exc_info=error)
        body = problem(500, INTERNAL)
    return Response(body, status=body["status"], content_type=MEDIA_TYPE, headers=headers)


def _from_domain_error(error: DomainError) -> dict[str, Any]:
    # A plain DomainError is about the state of things, such as a credential that can't be decrypted.
    status = next((status for kind, status in _DOMAIN_STATUS if isinstance(error, kind)), 409)
    errors = error.errors if isinstance(error, Invalid) else None
    return {**error.details, **problem(status, _sentence(error.message, errors or {}), code=error.code, errors=errors)}


def _from_api_exception(error: exceptions.APIException) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        errors = field_errors(error.detail)
        field, messages = next(iter(errors.items()), ("", ["The input is wrong."]))
        detail = messages[0] if field in ("", "non_field_errors") else f"{field}: {messages[0]}"
        return problem(400, detail, errors=errors)
    codes = error.get_codes()
    code = codes if isinstance(codes, str) and codes not in ("error", "parse_error") else ""
    return problem(error.status_code, str(error.detail), code=code)


def field_errors(detail: Any, path: str = "") -> dict[str, list[str]]:
    """Flatten a serializer's errors: {"queries": [{}, {"grade": ["…"]}]} -> {"queries.1.grade": ["…"]}."""
    if isinstance(detail, Mapping):
        pairs = [(f"{path}.{key}" if path else str(key), value) for key, value in detail.items()]
    elif isinstance(detail, list) and any(isinstance(item, Mapping | list) for item in detail):
        pairs = [(f"{path}.{index}" if path else str(index), value) for index, value in enumerate(detail)]
    else:
        messages = detail if isinstance(detail, list) else [detail]
        return {path or "non_field_errors": [str(message) for message in messages]} if messages else {}
    flat: dict[str, list[str]] = {}
    for key, value in pairs:
        # "queries.non_field_errors" says no more than "queries".
        flat.update(field_errors(value, path if path and key.endswith(".non_field_errors") else key))
    return flat


def _sentence(message: str, fields: Collection[str]) -> str:
    # The name of a field stays as bodies have it.
    if any(message.startswith((f"{field}:", f"{field} ")) for field in fields):
        return message
    return message[:1].upper() + message[1:]
