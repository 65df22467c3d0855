"""AI providers and AI judges."""

from django.urls import path

from judging.web.judges import judges, providers, versions

urlpatterns = [
    path("ai-providers", providers.ai_providers, name="ai_providers"),
    path("ai-providers/new", providers.ai_provider_create, name="ai_provider_create"),
    path("ai-providers/<uuid:provider_id>", providers.ai_provider, name="ai_provider"),
    path("ai-providers/<uuid:provider_id>/delete", providers.delete_ai_provider, name="delete_ai_provider"),
    path("ai-providers/<uuid:provider_id>/test", providers.ai_provider_test, name="test_ai_provider"),
    path("ai-judges", judges.ai_judges, name="ai_judges"),
    path("ai-judges/new", judges.ai_judge_create, name="ai_judge_create"),
    path("ai-judges/<uuid:judge_id>", judges.ai_judge, name="ai_judge"),
    path("ai-judges/<uuid:judge_id>/delete", judges.delete_ai_judge, name="delete_ai_judge"),
    path("ai-judges/<uuid:judge_id>/duplicate", judges.duplicate_ai_judge, name="duplicate_ai_judge"),
    path("ai-judges/<uuid:judge_id>/versions", versions.ai_judge_versions, name="ai_judge_versions"),
]
