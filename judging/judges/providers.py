"""AI providers: saved connections to LLM services."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone

from judging.asking.prompting import (
    DEFAULT_PROMPT_TEMPLATE,
    EvaluationContext,
    PromptCandidate,
    PromptSettings,
    build_messages,
)
from judging.foundation.crypto import Undecryptable
from judging.foundation.errors import Conflict, Forbidden
from judging.foundation.limits import MAX_API_KEY, MAX_LISTED_MODELS, MAX_MODEL
from judging.foundation.scales import SCALES
from judging.foundation.validation import clean, raise_if_any, text_problem
from judging.foundation.waiting import waiting_for_a_service
from judging.models import AIJudge, AIProvider
from judging.providers.base import CallSettings, Connection, ProviderError, Reply
from judging.providers.openai_client import open_client
from judging.providers.registry import clean_api_key, endpoint, key_problem, validate_connection
from judging.records.audit import record_event
from judging.records.connections import connection_of
from judging.records.roles import Actor, require_member, user_of
from judging.records.visibility import check_may_change

PROVIDER_FIELDS = frozenset(
    {
        "type",
        "name",
        "base_url",
        "region",
        "api_version",
        "deployment",
        "shared",
        "max_concurrency",
        "requests_per_minute",
    }
)
TEST_SECONDS = 30.0


def save_provider(
    *, actor: Actor, fields: Mapping[str, Any], provider: AIProvider | None = None, api_key: str | None = None
) -> AIProvider:
    """Make a provider, or change the given `fields` (PROVIDER_FIELDS) of one.

    `api_key` None keeps the stored key, "" removes it. Shared providers have no owner and are made by admins; a
    personal one belongs to who made it. Raise Invalid, Forbidden, NotFound or Conflict (provider_in_use, undecryptable).
    """
    require_member(actor)
    unknown = fields.keys() - PROVIDER_FIELDS
    assert not unknown, unknown
    if provider is None:
        return _create(actor, fields, api_key or "")
    with transaction.atomic():
        stored = AIProvider.objects.select_for_update(no_key=True).filter(pk=provider.pk).first()
        check_may_change(actor, stored or provider)
        return _change(actor, stored or provider, fields, api_key)


def _create(actor: Actor, fields: Mapping[str, Any], api_key: str) -> AIProvider:
    provider = AIProvider(**fields, created_by=user_of(actor))
    provider.owner = None if provider.shared else user_of(actor)
    _check_may_share(actor, provider)
    _set_key(provider, api_key)
    _check(provider)
    with transaction.atomic():
        provider.save(force_insert=True)
        record_event(actor=actor, action="provider_created", subject=provider)
    return provider


def _change(actor: Actor, provider: AIProvider, fields: Mapping[str, Any], api_key: str | None) -> AIProvider:
    if fields.get("type", provider.type) != provider.type:
        raise_if_any({"type": ["The type of a provider can't be changed."]})
    had_key, was_shared, old_endpoint = provider.has_api_key, provider.shared, _endpoint(provider)
    for field, value in fields.items():
        setattr(provider, field, value)
    if provider.shared != was_shared:
        _check_may_share(actor, provider, was_shared=was_shared)
        provider.owner = None if provider.shared else user_of(actor)
    if was_shared and not provider.shared and _judges_of_others(provider, actor).exists():
        raise Conflict("shared judges, or judges of others, use this provider: it stays shared", code="provider_in_use")
    if api_key is not None:
        _set_key(provider, api_key)
    _check(provider)
    if had_key and api_key is None and _origin(_endpoint(provider)) != _origin(old_endpoint):
        # Editing must not be a way to send the stored key to a host of one's choice.
        raise_if_any({"api_key": ["The address leads to another host now: give the key again."]})
    if _endpoint(provider) != old_endpoint:
        provider.listed_models = []
    provider.updated_at = timezone.now()
    own = ("owner", "encrypted_api_key", "listed_models", "updated_at")
    provider.save(update_fields=[*(fields.keys() - {"type"}), *own])
    record_event(
        actor=actor,
        action="provider_changed",
        subject=provider,
        detail={"fields": sorted({*fields, *(() if api_key is None else ("api_key",))})},
    )
    return provider


def delete_provider(*, actor: Actor, provider: AIProvider) -> None:
    """Delete a provider. Raise NotFound, Forbidden, or Conflict (provider_in_use) while a judge or version names it."""
    require_member(actor)
    check_may_change(actor, provider)
    with transaction.atomic():
        record_event(actor=actor, action="provider_deleted", subject=provider)
        try:
            provider.delete()
        except ProtectedError:
            names = (
                AIJudge.objects.filter(versions__ai_provider_id=provider.pk).distinct().values_list("name", flat=True)
            )
            users = ", ".join(names[:3]) or "a judge or an evaluator"
            raise Conflict(
                f"the provider is used by {users}, now or in an earlier version", code="provider_in_use"
            ) from None


@dataclass(frozen=True, slots=True)
class ProviderTest:
    """A provider's answer to a test call. `models` are those it lists, None if it lists none."""

    ok: bool
    message: str
    latency_ms: int
    models: list[str] | None = None


def try_provider(*, provider: AIProvider, model: str) -> ProviderTest:
    """Call a provider once with `model` and tell what came back; nothing is kept but the models that it lists.

    Call it outside a transaction. Raise Invalid, or Busy when too many others wait for a model.
    """
    model = model.strip()
    if not model or text_problem(model, limit=MAX_MODEL):
        raise_if_any({"model": [f"Name a model, of at most {MAX_MODEL} characters."]})
    try:
        connection = connection_of(provider)
    except Undecryptable as error:
        return ProviderTest(False, error.message, 0)
    with waiting_for_a_service():
        test = asyncio.run(_test(connection, model))
    if test.models and (listed := _fit(test.models)) != provider.listed_models:
        AIProvider.objects.filter(pk=provider.pk).update(listed_models=listed)
    return test


def _fit(models: list[str]) -> list[str]:
    return [name for name in models if name.strip() and not text_problem(name, limit=MAX_MODEL)][:MAX_LISTED_MODELS]


async def _test(connection: Connection, model: str) -> ProviderTest:
    client = open_client(connection)
    # The prompt that judges are made with: the local judge answers no other.
    messages = build_messages(
        "red running shoes",
        [PromptCandidate("1", "Running shoes, red")],
        settings=PromptSettings(DEFAULT_PROMPT_TEMPLATE),
        evaluation=EvaluationContext("", "", SCALES["binary"]),
    )
    settings = CallSettings(model=model, temperature=None, timeout=TEST_SECONDS)
    try:
        reply, models = await asyncio.gather(
            client.complete(messages, settings), client.list_models(timeout=10.0), return_exceptions=True
        )
    finally:
        await client.aclose()
    names = models if isinstance(models, list) else None
    if isinstance(reply, ProviderError):
        return ProviderTest(False, reply.message, reply.latency_ms, names)
    if not isinstance(reply, Reply):
        raise reply
    return ProviderTest(True, f"{reply.model or model} answered: {reply.text.strip()[:300]}", reply.latency_ms, names)


def _judges_of_others(provider: AIProvider, owner: Actor) -> Any:
    return AIJudge.objects.filter(ai_provider=provider, archived_at=None).exclude(owner=user_of(owner))


def _check_may_share(actor: Actor, provider: AIProvider, *, was_shared: bool = False) -> None:
    if (provider.shared or was_shared) and not actor.is_admin:
        raise Forbidden("shared providers are made by admins")


def _set_key(provider: AIProvider, api_key: str) -> None:
    pasted, api_key = api_key, clean_api_key(api_key)
    # A key travels in a header.
    problem = key_problem(api_key)
    if len(api_key) > MAX_API_KEY:
        problem = f"A key has at most {MAX_API_KEY} characters."
    elif pasted.strip() and not api_key:
        problem = "That holds no key: paste the key alone."
    if problem:
        raise_if_any({"api_key": [problem]})
    provider.set_api_key(api_key)


def _check(provider: AIProvider) -> None:
    provider.name = provider.name.strip()
    provider.base_url = provider.base_url.strip()
    clean(provider, exclude=["encrypted_api_key"])
    try:
        raise_if_any(validate_connection(connection_of(provider)))
    except Undecryptable as error:
        raise Conflict(f"{error.message}; give the key again", code=error.code) from error


def _endpoint(provider: AIProvider) -> str:
    try:
        return endpoint(connection_of(provider))
    except Undecryptable:
        # Without the key at hand, a change of any kind asks for it again.
        return ""


def _origin(url: str) -> tuple[str, str, int | None] | str:
    try:
        parts = urlsplit(url)
        return (parts.scheme, parts.hostname, parts.port) if parts.hostname else url
    except ValueError:
        return url
