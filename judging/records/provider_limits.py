"""AI providers as limited resources, for all kinds of work that call models."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from judging.models import AIProvider

_PREFIX = "ai_provider:"


def resource_key(provider_id: UUID) -> str:
    """Return the key by which the engine knows a provider."""
    return f"{_PREFIX}{provider_id}"


def _provider_id(key: str) -> UUID:
    return UUID(key.removeprefix(_PREFIX))


class ProviderLimits:
    """`judging.work.kind.Resources` of AI providers."""

    def limited(self, keys: Collection[str]) -> set[str]:
        providers = AIProvider.objects.filter(pk__in=[_provider_id(key) for key in keys])
        has_limit = providers.exclude(max_concurrency=None, requests_per_minute=None)
        return {resource_key(pk) for pk in has_limit.values_list("pk", flat=True)}

    def hold(self, key: str) -> AIProvider | None:
        limits = AIProvider.objects.select_for_update(no_key=True).only(
            "max_concurrency", "requests_per_minute", "next_call_at"
        )
        return limits.filter(pk=_provider_id(key)).first()

    def set_next_call(self, key: str, next_call_at: datetime) -> None:
        AIProvider.objects.filter(pk=_provider_id(key)).update(next_call_at=next_call_at)
