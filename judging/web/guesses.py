"""How fast passwords may be tried: a bound for each address, on every page that checks one."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from judging.rest.throttling import PasswordThrottle

_CHECKS_PASSWORD = frozenset({"login", "password", "admin:login", "admin:password_change"})


class GuessLimitMiddleware:
    """Answer 429 without checking a password once an address has posted too many of them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        match = request.resolver_match
        if request.method != "POST" or match is None or match.view_name not in _CHECKS_PASSWORD:
            return None
        throttle: Any = PasswordThrottle()
        if throttle.allow_request(request, view):
            return None
        seconds = int(throttle.wait() or 0) + 1
        response = render(request, "registration/too_many_attempts.html", {"seconds": seconds}, status=429)
        response["Retry-After"] = str(seconds)
        return response
