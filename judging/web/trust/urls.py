"""Whether grades can be believed: check samples, certificates, comparisons of runs, how the figures are made."""

from django.urls import path

from judging.web.trust import (
    certificates,
    comparison,
    deciding,
    grading,
    how,
    judge_trust,
    run_trust,
    samples,
    side_by_side,
)

urlpatterns = [
    path("trust/how", how.how, name="trust_how"),
    path("ai-judges/agreement", judge_trust.judges_agreement, name="judges_agreement"),
    path("ai-judges/<uuid:judge_id>/trust", judge_trust.judge_trust, name="ai_judge_trust"),
    path("evaluations/runs/<uuid:run_id>/trust", run_trust.run_trust, name="run_trust"),
    path("evaluations/runs/<uuid:run_id>/check-samples", samples.run_samples, name="run_samples"),
    path("evaluations/runs/<uuid:run_id>/check-samples/plan", samples.plan_sample, name="plan_sample"),
    path("evaluations/runs/<uuid:run_id>/check-samples/open", samples.open_samples, name="open_samples"),
    path("check-samples/open", samples.all_open_samples, name="all_open_samples"),
    path("check-samples/<uuid:sample_id>", samples.show_sample, name="check_sample"),
    path("check-samples/<uuid:sample_id>/delete", samples.delete_sample, name="delete_sample"),
    path("check-samples/<uuid:sample_id>/grade", grading.grade_sample, name="grade_sample"),
    path("check-samples/<uuid:sample_id>/certify", certificates.certify, name="certify"),
    path("certificates/<uuid:certificate_id>", certificates.certificate, name="certificate"),
    path("certificates/<uuid:certificate_id>/export", certificates.certificate_export, name="certificate_export"),
    path("evaluations/<uuid:evaluation_id>/compare", comparison.compare_chosen, name="compare_chosen"),
    path("evaluations/runs/<uuid:run_id>/compare/<uuid:other_run_id>", comparison.compare, name="compare"),
    path(
        "evaluations/runs/<uuid:run_id>/compare/<uuid:other_run_id>/judge",
        deciding.judge_deciding,
        name="judge_deciding",
    ),
    path(
        "evaluations/runs/<uuid:run_id>/compare/<uuid:other_run_id>/queries/<str:query_key>",
        side_by_side.side_by_side,
        name="side_by_side",
    ),
    path(
        "evaluations/runs/<uuid:run_id>/compare/<uuid:other_run_id>/queries/<str:query_key>/grade",
        side_by_side.grade_side_by_side,
        name="grade_side_by_side",
    ),
]
