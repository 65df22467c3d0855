"""AI providers and AI judges."""

from django.urls import path

from judging.web import providers

urlpatterns = [
    path("ai-providers", providers.ai_providers, name="ai_providers"),
    path("ai-providers/new", providers.ai_provider_create, name="ai_provider_create"),
    path("ai-providers/<uuid:provider_id>", providers.ai_provider, name="ai_provider"),
    path("ai-providers/<uuid:provider_id>/delete", providers.delete_ai_provider, name="delete_ai_provider"),
    path("ai-providers/<uuid:provider_id>/test", providers.test_ai_provider, name="test_ai_provider"),
]
