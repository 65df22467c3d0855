"""Search endpoints as every interface lists them."""

from uuid import UUID

from django.db.models import Count, QuerySet

from judging.foundation.errors import NotFound
from judging.models import SearchEndpoint
from judging.records.roles import Actor


def visible_endpoints(user: Actor, *, archived: bool | None = False) -> QuerySet[SearchEndpoint]:
    """Return the endpoints: those in use, or the archived ones, or all (None). Raters see none."""
    endpoints = SearchEndpoint.objects.select_related("corpus")
    if not user.is_active or not user.is_member:
        return endpoints.none()
    return endpoints if archived is None else endpoints.filter(archived_at__isnull=not archived)


def endpoint_list(user: Actor, *, archived: bool = False) -> QuerySet[SearchEndpoint]:
    """Return endpoints by name, each with `evaluation_count`, the evaluations that use it."""
    return (
        visible_endpoints(user, archived=archived)
        .annotate(evaluation_count=Count("evaluations"))
        .order_by("name", "pk")
    )


def get_endpoint(user: Actor, endpoint_id: UUID) -> SearchEndpoint:
    """Return an endpoint with its corpus, archived or not. Raise NotFound."""
    endpoint = visible_endpoints(user, archived=None).filter(pk=endpoint_id).first()
    if endpoint is None:
        raise NotFound("no such search endpoint")
    return endpoint
