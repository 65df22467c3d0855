"""Middleware of every request."""

import re
import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from judging.foundation.logs import current_id

_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{8,128}")


class RequestIdMiddleware:
    """Give every answer an X-Request-Id (the caller's own when it is well formed) and every log line the same."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        request_id = given if _ACCEPTED.fullmatch(given) else uuid.uuid4().hex
        request.log_id = request_id  # type: ignore[attr-defined]
        token = current_id.set(request_id)
        try:
            response = self.get_response(request)
        finally:
            current_id.reset(token)
        response["X-Request-Id"] = request_id
        return response


class BodyLimitMiddleware:
    """Refuse a request too large for its page before its body is read: the CSRF check would store all of it.

    The APIs know who asks before they read, and answer 413 in their own shapes. A body without a length is none.
    """

    _APIS = ("/api/", "/v1/")

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(self._APIS) and _content_length(request) > _limit(request):
            context = {
                "status": 413,
                "title": "That is too large",
                "message": f"At most {_limit(request) / 1_000_000:g} MB are taken here. Split the file and import its parts.",
            }
            return render(request, "judging/error.html", context, status=413)
        return self.get_response(request)


def _content_length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def _limit(request: HttpRequest) -> int:
    is_upload = (request.content_type or "") == "multipart/form-data"
    # Without an account there is nothing to upload.
    if is_upload and request.user.is_authenticated:
        return int(settings.MAX_UPLOAD_BYTES)
    return int(settings.MAX_JSON_BYTES)


def client_address(request: HttpRequest) -> str:
    """Return the address that failed sign-ins are counted under: behind a proxy the one that the proxy saw.

    Counted under the proxy's own, ten wrong guesses of anybody would lock the member out everywhere.
    """
    forwarded = request.headers.get("X-Forwarded-For", "")
    if settings.REST_FRAMEWORK["NUM_PROXIES"] and forwarded:
        # The proxy added the last one; the client may have made up those before it.
        return forwarded.rsplit(",", 1)[-1].strip()[:39]
    return str(request.META.get("REMOTE_ADDR", ""))
