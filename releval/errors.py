"""Django's own error answers (400, 403, 404, 500, and 503 for the database's sake): problem+json below /api and /v1, pages elsewhere."""

import sys

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from judging.rest.problems import (
    DATABASE_TAKES_NOTHING,
    INTERNAL,
    RETRY_AFTER_SECONDS,
    UNAVAILABLE,
    is_api_path,
    problem_response,
)
from judging.web.unavailable import unavailable_page


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_api_path(request.path):
        return problem_response(400, "The request can't be read.")
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_api_path(request.path):
        return problem_response(403, "You are not allowed to do this.")
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_api_path(request.path):
        return problem_response(404, "There is nothing here.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    # Middleware uses the database, too: sessions are written after the view, where no process_exception looks.
    is_database_s = isinstance(sys.exc_info()[1], DATABASE_TAKES_NOTHING)
    if is_database_s and not is_api_path(request.path):
        return unavailable_page(request)
    if is_database_s:
        response = problem_response(503, UNAVAILABLE)
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response
    if is_api_path(request.path):
        return problem_response(500, INTERNAL)
    return defaults.server_error(request)
