"""The OpenAPI description of /api/v1, and the page that shows it and that of /v1."""

from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import include, path, reverse
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

_PREFIX = "/api/v1"
# Of the descriptions that the page shows: this one, and that of batch judging.
_ROUTES = ("api-schema", "batch-api-schema")
_PROBLEM = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "Stable; what programs look at."},
        "errors": {
            "type": "object",
            "description": "On 400: field -> messages.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
}
_CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def add_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add to every operation the problems that it can answer (a post-processing hook of drf-spectacular)."""
    for route, operations in result["paths"].items():
        if not route.startswith(_PREFIX):
            continue
        for method, operation in operations.items():
            if not isinstance(operation, dict):
                continue
            problems = {401: "No token, or a bad one", 403: "Not for your role", 429: "Too many requests"}
            if "requestBody" in operation or "parameters" in operation:
                problems[400] = "The input is wrong"
            named = operation.get("parameters", ())
            if any(each["in"] == "path" or each["schema"].get("format") == "uuid" for each in named):
                problems[404] = "Unknown, or not visible to you"
            if method in ("post", "put", "patch", "delete"):
                problems |= {411: "The body has no length", 413: "The body is too large"}
            if "requestBody" in operation:
                problems |= {415: "The body is not of a media type taken here"}
            if codes := operation.pop("x-conflict", ""):
                problems[409] = f"Wrong state: {codes}"
            for status, description in sorted(problems.items()):
                operation["responses"].setdefault(str(status), {"description": description, "content": _CONTENT})
    result["components"].setdefault("schemas", {})["Problem"] = _PROBLEM
    return result


@lru_cache(maxsize=1)
def _schema() -> dict[str, Any]:
    # The same until the next start; making it takes a good part of a second.
    patterns = [path("api/v1/", include("judging.api.urls"))]
    return dict(SchemaGenerator(patterns=patterns).get_schema(request=None, public=True))  # type: ignore[no-untyped-call]


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    return JsonResponse(_schema())


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    is_batch = request.GET.get("of") == "batches"
    return render(request, "judging/api/docs.html", {"is_batch": is_batch, "schema_url": reverse(_ROUTES[is_batch])})
