"""How an AI provider is reached."""

from django.conf import settings

from judging.models import AIProvider, ProviderType
from judging.providers.base import Connection


def connection_of(provider: AIProvider) -> Connection:
    """Return what it takes to call the service, the decrypted key included. Raise Undecryptable."""
    base_url = provider.base_url
    if provider.type == ProviderType.LOCAL and not base_url:
        base_url = settings.LOCAL_JUDGE_URL
    return Connection(
        type=provider.type,
        base_url=base_url,
        api_key=provider.api_key(),
        region=provider.region,
        api_version=provider.api_version,
        deployment=provider.deployment,
    )
