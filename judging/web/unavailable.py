"""Answer pages with 503 while the database refuses writes or does not answer."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.template import loader
from django_htmx.http import reswap, trigger_client_event

from judging.rest.problems import DATABASE_TAKES_NOTHING, RETRY_AFTER_SECONDS, is_api_path

logger = logging.getLogger(__name__)

_TOAST = "The database is busy, full or away, so nothing was saved. Try again in a moment."


class UnavailableMiddleware:
    """Answer 503 where a page fails because of the database, in development, too. The APIs do so themselves."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, DATABASE_TAKES_NOTHING) or is_api_path(request.path):
            return None
        logger.error("the database did not answer", exc_info=error)
        return unavailable_page(request)


def unavailable_page(request: HttpRequest) -> HttpResponse:
    """Return the page, or for htmx a toast that leaves the page as it is. Reads nothing: user and session may be gone."""
    response: HttpResponse
    if getattr(request, "htmx", None):
        response = reswap(HttpResponse(status=503), "none")
        trigger_client_event(response, "releval:toasts", {"toasts": [{"level": "error", "html": _TOAST}]})
    else:
        response = HttpResponse(loader.get_template("503.html").render(), status=503)
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    response["Cache-Control"] = "no-store"
    return response
