"""Every route of the site, taken from the resolver, so that no test of this folder can forget one."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
# Django's admin has a test of its own (tests/api/test_site.py), and names its pages by model.
_ADMIN = "admin/"


@dataclass(frozen=True, slots=True)
class Route:
    """A route as it is written: "/evaluations/runs/{run_id}". Catch-alls, whose pattern is a regex, are left out."""

    template: str
    callback: Any

    @property
    def parameters(self) -> set[str]:
        return set(re.findall(r"\{(\w+)\}", self.template))

    def path(self, ids: Mapping[str, Any]) -> str:
        return self.template.format_map(ids)


def routes(*prefixes: str) -> list[Route]:
    """Return the routes below any of `prefixes`, all of them without one."""
    return [route for route in _all_routes() if not prefixes or route.template.startswith(prefixes)]


@cache
def _all_routes() -> list[Route]:
    return [route for route in _walk(get_resolver(), "/") if not route.template.startswith(f"/{_ADMIN}")]


def pages() -> list[Route]:
    """Return the routes of the HTML interface."""
    apis = ("/api/", "/v1/", "/healthz", "/readyz", "/metrics")
    return [route for route in routes() if not route.template.startswith(apis)]


def assert_policy(response: Any, where: object) -> None:
    """Check the headers that every answer carries: what may run in it, and that browsers must not guess."""
    policy = response["Content-Security-Policy"]
    assert "default-src 'self'" in policy, where
    assert "unsafe" not in policy, where
    assert "script-src 'self'" in policy, where
    assert "frame-ancestors 'none'" in policy, where
    assert response["X-Content-Type-Options"] == "nosniff", where
    assert response["X-Frame-Options"] == "DENY", where
    assert response["Referrer-Policy"] == "same-origin", where


def _walk(resolver: URLResolver, prefix: str) -> Iterator[Route]:
    for pattern in resolver.url_patterns:
        own = str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern, prefix + own)
        elif isinstance(pattern, URLPattern) and not own.startswith("^"):
            yield Route(_PARAMETER.sub(r"{\1}", prefix + own), pattern.callback)
