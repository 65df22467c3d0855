"""Django's own error answers: problem+json below /api and /v1, pages elsewhere.

400, 403, 404, 500, and 503 where the database takes nothing.
"""

import sys

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

from judging.batch_api.base import vendor_problem
from judging.rest.problems import (
    DATABASE_TAKES_NOTHING,
    INTERNAL,
    MEDIA_TYPE,
    RETRY_AFTER_SECONDS,
    UNAVAILABLE,
    is_api_path,
    problem,
)
from judging.web.unavailable import unavailable_page


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _problem(request, 400, "The request can't be read.") or defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _problem(request, 403, "You are not allowed to do this.") or defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _problem(request, 404, "There is nothing here.") or defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    # Middleware uses the database, too: sessions are written after the view, where no process_exception looks.
    if isinstance(sys.exc_info()[1], DATABASE_TAKES_NOTHING):
        response = _problem(request, 503, UNAVAILABLE) or unavailable_page(request)
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response
    return _problem(request, 500, INTERNAL) or defaults.server_error(request)


def _problem(request: HttpRequest, status: int, detail: str) -> HttpResponse | None:
    """Answer in the shape of the API that was asked; None where it was none."""
    if not is_api_path(request.path):
        return None
    body = problem(status, detail)
    if request.path.startswith("/v1/"):
        body = vendor_problem(body, request.path)
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE)
