"""AI providers and AI judges."""

from django.urls import path

from judging.web.golden import views as golden
from judging.web.judges import judges, providers, versions
from judging.web.probes import views as probes
from judging.web.trust import judge_trust

_GOLDEN_SET = "ai-judges/<uuid:judge_id>/golden-sets/<uuid:golden_set_id>"

urlpatterns = [
    path("ai-providers", providers.ai_providers, name="ai_providers"),
    path("ai-providers/new", providers.ai_provider_create, name="ai_provider_create"),
    path("ai-providers/<uuid:provider_id>", providers.ai_provider, name="ai_provider"),
    path("ai-providers/<uuid:provider_id>/delete", providers.delete_ai_provider, name="delete_ai_provider"),
    path("ai-providers/<uuid:provider_id>/test", providers.ai_provider_test, name="test_ai_provider"),
    path("ai-judges", judges.ai_judges, name="ai_judges"),
    path("ai-judges/agreement", judge_trust.judges_agreement, name="judges_agreement"),
    path("ai-judges/new", judges.ai_judge_create, name="ai_judge_create"),
    path("ai-judges/<uuid:judge_id>", judges.ai_judge, name="ai_judge"),
    path("ai-judges/<uuid:judge_id>/delete", judges.delete_ai_judge, name="delete_ai_judge"),
    path("ai-judges/<uuid:judge_id>/duplicate", judges.duplicate_ai_judge, name="duplicate_ai_judge"),
    path("ai-judges/<uuid:judge_id>/versions", versions.ai_judge_versions, name="ai_judge_versions"),
    path("ai-judges/<uuid:judge_id>/trust", judge_trust.judge_trust, name="ai_judge_trust"),
    path("ai-judges/<uuid:judge_id>/probes", probes.start_judge_probes, name="start_probes"),
    path("ai-judges/<uuid:judge_id>/probes/<uuid:probe_run_id>", probes.judge_probes, name="probes"),
    path(
        "ai-judges/<uuid:judge_id>/probes/<uuid:probe_run_id>/cancel", probes.cancel_judge_probes, name="cancel_probes"
    ),
    path("ai-judges/<uuid:judge_id>/golden-sets", golden.create_judge_golden_set, name="create_golden_set"),
    path(_GOLDEN_SET, golden.judge_golden_set, name="golden_set"),
    path(f"{_GOLDEN_SET}/check", golden.check_judge_golden_set, name="check_golden_set"),
    path(f"{_GOLDEN_SET}/schedule", golden.schedule_judge_golden_set, name="schedule_golden_set"),
    path(f"{_GOLDEN_SET}/delete", golden.delete_judge_golden_set, name="delete_golden_set"),
    path(
        "ai-judges/<uuid:judge_id>/golden-checks/<uuid:check_id>/cancel",
        golden.cancel_judge_golden_check,
        name="cancel_golden_check",
    ),
]
