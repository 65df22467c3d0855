"""What holds for the whole installation."""

from uuid import UUID

from django.db import transaction

from judging.foundation.validation import clean, raise_if_any
from judging.models import AIProvider, Installation
from judging.records.audit import record_event
from judging.records.roles import Actor, require_admin


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
