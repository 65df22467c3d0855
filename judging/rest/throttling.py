"""Throttles of the REST APIs, counted per process."""

from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from judging.foundation.middleware import client_address


class _Throttle(SimpleRateThrottle):
    scope: str

    def get_rate(self) -> str | None:
        # Read at every request: the class attribute of the base is fixed when it is imported. None: no limit.
        rate: str | None = settings.API_THROTTLE_RATES[self.scope]
        return rate


class UserThrottle(_Throttle):
    scope = "user"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        return f"throttle-user-{request.user.pk}" if request.user.is_authenticated else None


class AnonymousThrottle(_Throttle):
    scope = "anonymous"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        return None if request.user.is_authenticated else f"throttle-anonymous-{self.get_ident(request)}"


class PasswordThrottle(_Throttle):
    """Password attempts per address, for any account. Locking an account only stops attempts at that one."""

    scope = "password"

    def get_cache_key(self, request: Any, view: Any) -> str | None:
        return f"throttle-password-{client_address(request)}"
