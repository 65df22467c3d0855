"""How often one may ask, counted per process."""

from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle


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
