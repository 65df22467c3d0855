"""Tests of search endpoints: the endpoint's own answer passed through, or what the mapping makes of it."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import ApiView, describe
from judging.api.search.endpoints.serializers import (
    REQUEST_FIELDS,
    EndpointTestSerializer,
    MappedAnswerSerializer,
    SampleSerializer,
    SuggestionsSerializer,
)
from judging.engines.mapping import suggest_mappings
from judging.foundation.errors import Unanswered
from judging.foundation.limits import DEFAULT_DEPTH
from judging.models import SearchEndpoint
from judging.rest.problems import MEDIA_TYPE
from judging.search.endpoints.acts import with_presets
from judging.search.endpoints.drafts import apply_changes, check_endpoint
from judging.search.endpoints.reads import get_endpoint
from judging.search.endpoints.trying import EndpointTrial, template_of, try_endpoint

_VIEW = OpenApiParameter("view", str, enum=["mapped"], description="What the mapping makes of it, in our words.")
_ANSWERS = {
    (200, "application/json"): MappedAnswerSerializer,
    (200, "application/octet-stream"): OpenApiTypes.BINARY,
    (502, MEDIA_TYPE): OpenApiTypes.OBJECT,
}
_PASSED_THROUGH = (
    "Answers what the endpoint answers, its status included, with the header `X-Eval-Response: endpoint`; without that"
    " header we refused, or nothing came back (502). Nothing is stored."
)


class EndpointDraftTest(ApiView):
    @extend_schema(operation_id="endpoints_test_draft")
    @describe(
        "Ask a search endpoint that is not stored",
        body=EndpointTestSerializer,
        answer=_ANSWERS,
        query=[_VIEW],
        description=_PASSED_THROUGH,
    )
    def post(self, request: Request) -> HttpResponse:
        given = self.body(EndpointTestSerializer)
        fields, authentication = _fields(given)
        endpoint = SearchEndpoint(name="Draft")
        apply_changes(endpoint, with_presets(fields), authentication)
        return _test(self, endpoint, given)


class EndpointTest(ApiView):
    @describe(
        "Ask a search endpoint",
        body=EndpointTestSerializer,
        answer=_ANSWERS,
        query=[_VIEW],
        conflict="undecryptable",
        description=_PASSED_THROUGH + " Fields of the endpoint in the body stand for stored ones.",
    )
    def post(self, request: Request, endpoint_id: UUID) -> HttpResponse:
        endpoint = get_endpoint(self.user, endpoint_id)
        given = self.body(EndpointTestSerializer, partial=True)
        fields, authentication = _fields(given)
        # Those of the request, sent besides the stored ones.
        fields.pop("headers", None)
        apply_changes(endpoint, fields, authentication)
        return _test(self, endpoint, given)


class MappingSuggestion(ApiView):
    @describe(
        "Propose mappings for an answer",
        body=SampleSerializer,
        answer=SuggestionsSerializer,
        description="The likeliest first, by how id-like and title-like keys are; no model is asked.",
    )
    def post(self, request: Request) -> Response:
        mappings = suggest_mappings(self.body(SampleSerializer)["sample"])
        return Response(SuggestionsSerializer({"mappings": mappings}).data)


def _fields(given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    fields = {name: value for name, value in given.items() if name not in {*REQUEST_FIELDS, "is_archived"}}
    return fields, fields.pop("authentication", None)


def _test(view: ApiView, endpoint: SearchEndpoint, given: dict[str, Any]) -> HttpResponse:
    check_endpoint(endpoint)
    template = template_of(
        template_id=given.get("query_template_id"),
        body=given.get("body"),
        query_string=given.get("query_string"),
        content_type=given.get("content_type"),
        headers=given.get("headers"),
    )
    depth = given.get("depth", DEFAULT_DEPTH)
    queries = [given.get("query", "")]
    [trial] = try_endpoint(actor=view.user, endpoint=endpoint, template=template, queries=queries, depth=depth)
    if view.request.query_params.get("view") == "mapped":
        return Response(MappedAnswerSerializer(_mapped(trial)).data)
    return _passed_through(trial)


def _passed_through(trial: EndpointTrial) -> HttpResponse:
    exchange = trial.exchange
    if exchange is None or exchange.status is None:
        raise Unanswered(trial.message, code=trial.failure_code)
    # Hostile: it is data, whatever it says that it is, and no browser draws it under our origin.
    is_json = trial.answer is not None
    return HttpResponse(
        exchange.response_body,
        status=exchange.status,
        content_type="application/json" if is_json else "application/octet-stream",
        headers={
            "X-Eval-Response": "endpoint",
            "X-Content-Type-Options": "nosniff",
            "Content-Disposition": f'attachment; filename="answer.{"json" if is_json else "bin"}"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )


def _mapped(trial: EndpointTrial) -> dict[str, Any]:
    exchange, reading = trial.exchange, trial.reading
    problems = list(reading.problems) if reading else []
    if trial.message and trial.message not in problems:
        problems.insert(0, trial.message)
    return {
        "request": exchange,
        "status": exchange.status if exchange else None,
        "milliseconds": exchange.latency_ms if exchange else None,
        "raw": exchange.response_body.decode("utf-8", "replace") if exchange else "",
        "is_truncated": exchange is not None and exchange.is_truncated,
        "failure_code": trial.failure_code,
        "total": reading.total if reading else None,
        "candidates": reading.rows if reading else [],
        "problems": problems,
    }
