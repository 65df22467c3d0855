"""Search endpoints."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import ApiView, describe
from judging.api.search.endpoints.serializers import EndpointSerializer
from judging.foundation.errors import Invalid
from judging.models import SearchEndpoint
from judging.search.endpoints import acts
from judging.search.endpoints.reads import get_endpoint, visible_endpoints

_ARCHIVED = OpenApiParameter("archived", OpenApiTypes.BOOL, description="Those out of the lists instead.")


class EndpointList(ApiView):
    @describe("List the search endpoints", answer=EndpointSerializer, many=True, query=[_ARCHIVED])
    def get(self, request: Request) -> Response:
        given = request.query_params.get("archived", "false")
        if given not in ("true", "false"):
            message = "archived is true or false."
            raise Invalid(message, errors={"archived": [message]})
        endpoints = visible_endpoints(self.user, archived=given == "true")
        return self.page(endpoints, EndpointSerializer, order=("name", "id"))

    @describe(
        "Make a search endpoint",
        body=EndpointSerializer,
        answer=EndpointSerializer,
        status=201,
        description="Mapping, paging and method left out are those of its type.",
    )
    def post(self, request: Request) -> Response:
        fields, authentication, is_archived = _parts(self.body(EndpointSerializer))
        endpoint = acts.create_endpoint(actor=self.user, fields=fields, authentication=authentication)
        return Response(EndpointSerializer(_archived(self, endpoint, is_archived)).data, status=201)


class EndpointDetail(ApiView):
    @describe("Show a search endpoint", answer=EndpointSerializer)
    def get(self, request: Request, endpoint_id: UUID) -> Response:
        return Response(EndpointSerializer(get_endpoint(self.user, endpoint_id)).data)

    @describe(
        "Replace a search endpoint",
        body=EndpointSerializer,
        answer=EndpointSerializer,
        conflict="in_use",
        description="What is left out takes its default, but authentication and `archived`, which stay as they are."
        " The type can't be changed.",
    )
    def put(self, request: Request, endpoint_id: UUID) -> Response:
        endpoint = get_endpoint(self.user, endpoint_id)
        # Mapping, paging and method have defaults by type, which the model's are not.
        given = self.body(EndpointSerializer)
        full = {**self.body(EndpointSerializer, full=True), **acts.with_presets(given)}
        return Response(EndpointSerializer(_update(self, endpoint, full)).data)

    @describe(
        "Change a search endpoint",
        body=EndpointSerializer,
        answer=EndpointSerializer,
        conflict="in_use",
        description="An address on another host needs the authentication given again. Runs that have started keep what"
        " they began with, but for authentication, TLS settings and limits.",
    )
    def patch(self, request: Request, endpoint_id: UUID) -> Response:
        endpoint = get_endpoint(self.user, endpoint_id)
        return Response(EndpointSerializer(_update(self, endpoint, self.body(EndpointSerializer, partial=True))).data)

    @describe(
        "Delete a search endpoint",
        status=204,
        conflict="in_use",
        description="One that an evaluation uses, or that a run is asking, can be archived only.",
    )
    def delete(self, request: Request, endpoint_id: UUID) -> Response:
        acts.delete_endpoint(actor=self.user, endpoint=get_endpoint(self.user, endpoint_id))
        return Response(status=204)


def _parts(given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None, bool | None]:
    fields = dict(given)
    return fields, fields.pop("authentication", None), fields.pop("is_archived", None)


def _update(view: ApiView, endpoint: SearchEndpoint, given: dict[str, Any]) -> SearchEndpoint:
    fields, authentication, is_archived = _parts(given)
    if fields or authentication is not None:
        endpoint = acts.update_endpoint(
            actor=view.user, endpoint=endpoint, fields=fields, authentication=authentication
        )
    return _archived(view, endpoint, is_archived)


def _archived(view: ApiView, endpoint: SearchEndpoint, is_archived: bool | None) -> SearchEndpoint:
    if is_archived is None or is_archived == endpoint.is_archived:
        return endpoint
    act = acts.archive_endpoint if is_archived else acts.restore_endpoint
    return act(actor=view.user, endpoint=endpoint)
