"""AI judging runs, and what they say beside each other."""

from django.urls import path

from judging.web.judging_runs import compare, consensus, current, detail, start

urlpatterns = [
    path("evaluations/runs/<uuid:run_id>/trust/judges", consensus.run_consensus, name="run_consensus"),
    path("evaluations/runs/<uuid:run_id>/ai-judge", start.start_judging, name="start_judging"),
    path("evaluations/runs/<uuid:run_id>/ai-judge/form", start.judge_form, name="judge_form"),
    path("evaluations/runs/<uuid:run_id>/ai-judge/estimate", start.estimate, name="estimate_judging"),
    path("evaluations/runs/<uuid:run_id>/ai-judging-runs", start.judging_list, name="judging_list"),
    path("ai-judging-runs/<uuid:judging_run_id>", detail.judging_run, name="judging_run"),
    path("ai-judging-runs/<uuid:judging_run_id>/cancel", start.cancel_judging, name="cancel_judging"),
    path("ai-judging-runs/<uuid:judging_run_id>/make-current", current.make_current, name="make_judging_run_current"),
    path("ai-judging-runs/compare", compare.compare_judging_runs, name="compare_judging_runs"),
    path("ai-judging-runs/<uuid:judging_run_id>/export", detail.judging_run_export, name="judging_run_export"),
]
