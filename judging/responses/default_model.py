"""The provider and model of evaluators that name none."""

from uuid import UUID

from django.conf import settings
from django.db import transaction

from judging.foundation.validation import clean, raise_if_any
from judging.models import AIProvider, Installation
from judging.records.audit import record_event
from judging.records.roles import Actor, require_admin


def default_model() -> tuple[AIProvider, str] | None:
    """Return the installation's default, None where there is none.

    What the settings page says comes first, then RELEVAL_DEFAULT_MODEL: the name of a shared provider, a slash and the
    model ("OpenAI/gpt-5-mini").
    """
    row = Installation.objects.select_related("default_ai_provider").first()
    if row is not None and row.default_ai_provider is not None and row.default_model:
        return row.default_ai_provider, row.default_model
    name, _, model = settings.DEFAULT_MODEL.partition("/")
    provider = (
        AIProvider.objects.filter(name=name.strip(), shared=True).order_by("created_at").first() if name else None
    )
    return (provider, model.strip()) if provider is not None and model.strip() else None


def set_default_model(*, actor: Actor, ai_provider_id: UUID | None, model: str = "") -> Installation:
    """Set the shared provider and the model of evaluators that name none; None takes the default away.

    Raise Forbidden for all but admins, and Invalid.
    """
    require_admin(actor)
    model = model.strip()
    with transaction.atomic():
        provider = None
        if ai_provider_id is not None:
            provider = AIProvider.objects.select_for_update(no_key=True).filter(pk=ai_provider_id, shared=True).first()
            if provider is None:
                raise_if_any({"ai_provider_id": ["There is no such shared AI provider."]})
            if not model:
                raise_if_any({"model": ["A provider needs a model."]})
        installation = Installation(pk=1, default_ai_provider=provider, default_model=model if provider else "")
        clean(installation)
        Installation.objects.update_or_create(
            pk=installation.pk,
            defaults={"default_ai_provider": provider, "default_model": installation.default_model},
        )
        record_event(actor=actor, action="default_model_set", subject=installation, detail={"model": model})
    return installation
