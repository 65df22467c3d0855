"""Search endpoints as limited resources, for all that asks them."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from judging.models import SearchEndpoint

_PREFIX = "search_endpoint:"


def resource_key(endpoint_id: UUID) -> str:
    """Return the key by which the engine knows an endpoint."""
    return f"{_PREFIX}{endpoint_id}"


def _endpoint_id(key: str) -> UUID:
    return UUID(key.removeprefix(_PREFIX))


class EndpointLimits:
    """`judging.work.kind.Resources` of search endpoints. Each has a limit: `max_concurrency` is never None."""

    def limited(self, keys: Collection[str]) -> set[str]:
        stored = SearchEndpoint.objects.filter(pk__in=[_endpoint_id(key) for key in keys])
        return {resource_key(pk) for pk in stored.values_list("pk", flat=True)}

    def hold(self, key: str) -> SearchEndpoint | None:
        limits = SearchEndpoint.objects.select_for_update(no_key=True).only(
            "max_concurrency", "requests_per_minute", "next_call_at"
        )
        return limits.filter(pk=_endpoint_id(key)).first()

    def set_next_call(self, key: str, next_call_at: datetime) -> None:
        SearchEndpoint.objects.filter(pk=_endpoint_id(key)).update(next_call_at=next_call_at)
