"""Golden sets of a judge and their checks."""

from django.urls import path

from judging.web.golden import views

_GOLDEN_SET = "ai-judges/<uuid:judge_id>/golden-sets/<uuid:golden_set_id>"

urlpatterns = [
    path("ai-judges/<uuid:judge_id>/golden-sets", views.create_judge_golden_set, name="create_golden_set"),
    path(_GOLDEN_SET, views.judge_golden_set, name="golden_set"),
    path(f"{_GOLDEN_SET}/check", views.check_judge_golden_set, name="check_golden_set"),
    path(f"{_GOLDEN_SET}/schedule", views.schedule_judge_golden_set, name="schedule_golden_set"),
    path(f"{_GOLDEN_SET}/delete", views.delete_judge_golden_set, name="delete_golden_set"),
    path(
        "ai-judges/<uuid:judge_id>/golden-checks/<uuid:check_id>/cancel",
        views.cancel_judge_golden_check,
        name="cancel_golden_check",
    ),
]
