"""The provider and model of evaluators that name none."""

from django.conf import settings

from judging.models import AIProvider, Installation


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
