"""Search endpoints as limited resources, for all that asks them."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from judging.foundation.clock import shared_now
from judging.foundation.errors import Busy
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


def reserve_start(endpoint_id: UUID, *, patience: float) -> float:
    """Take the next start of a request under an endpoint's limit per minute; return in how many seconds it is.

    For requests outside of background work. Raise Busy when it is more than `patience` seconds away.
    """
    key = resource_key(endpoint_id)
    with transaction.atomic():
        limits = EndpointLimits().hold(key)
        if limits is None or limits.requests_per_minute is None:
            return 0.0
        now = shared_now()
        start = max(limits.next_call_at or now, now)
        seconds = (start - now).total_seconds()
        if seconds > patience:
            raise Busy(
                f"The endpoint takes {limits.requests_per_minute} requests a minute, which are used up for the moment."
                " Try again in a minute."
            )
        EndpointLimits().set_next_call(key, start + timedelta(minutes=1) / limits.requests_per_minute)
    return seconds
