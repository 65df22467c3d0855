"""The OpenAPI description of /v1."""

from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

_PROBLEM = {
    "type": "object",
    "description": "What went wrong; on 400 each wrong field stands beside these members, with a list of messages.",
    "required": ["type", "status", "title", "detail", "instance", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "status": {"type": "integer"},
        "title": {"type": "string"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string", "description": "Stable; what programs look at."},
    },
    "additionalProperties": {"type": "array", "items": {"type": "string"}},
}
_CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/VendorProblem"}}}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key and body again: the same batch. Another body: 409.",
    "schema": {"type": "string", "maxLength": 200},
}


@lru_cache(maxsize=1)
def description() -> dict[str, Any]:
    """Return the description: the same until the next start."""
    patterns = [path("v1/", include("judging.batch_api.urls"))]
    result: dict[str, Any] = SchemaGenerator(patterns=patterns).get_schema(  # type: ignore[no-untyped-call]
        request=None, public=True
    )
    result["info"] = {
        **result["info"],
        "title": "Releval batch judging API",
        "description": "Apply judges to requests and responses. Wire-compatible with Scorable's judge batch execution.",
    }
    for route, operations in result["paths"].items():
        for method, operation in operations.items():
            _complete(operation, route, method)
    schemas = result["components"].setdefault("schemas", {})
    schemas.pop("Problem", None)
    schemas["VendorProblem"] = _PROBLEM
    return result


def _complete(operation: dict[str, Any], route: str, method: str) -> None:
    """Add the problems that an operation can answer."""
    problems = {401: "No key, or a bad one", 403: "Not for your role", 429: "Too many requests"}
    if "requestBody" in operation or "parameters" in operation:
        problems[400] = "The input is wrong"
    if "{" in route or route.endswith("/by-name/"):
        problems[404] = "Unknown, or not visible to you"
    if method in ("post", "put", "patch", "delete"):
        problems |= {411: "The body has no length", 413: "The body is too large"}
    if "requestBody" in operation:
        problems[415] = "The body is not of a media type taken here"
    if "/execute/" in route:
        problems |= {502: "The model could not be asked", 503: "Too many are being executed at once"}
    if codes := operation.pop("x-conflict", ""):
        problems[409] = f"Wrong state: {codes}"
        if "idempotency_key_reused" in codes:
            operation.setdefault("parameters", []).append(_KEY)
    for status, text in sorted(problems.items()):
        operation["responses"].setdefault(str(status), {"description": text, "content": _CONTENT})


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    return JsonResponse(description())
