"""Probes of a judge."""

from django.urls import path

from judging.web.probes import views

urlpatterns = [
    path("ai-judges/<uuid:judge_id>/probes", views.start_judge_probes, name="start_probes"),
    path("ai-judges/<uuid:judge_id>/probes/<uuid:probe_run_id>", views.judge_probes, name="probes"),
    path(
        "ai-judges/<uuid:judge_id>/probes/<uuid:probe_run_id>/cancel", views.cancel_judge_probes, name="cancel_probes"
    ),
]
