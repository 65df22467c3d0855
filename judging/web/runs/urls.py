"""Evaluations, their runs, and AI judging runs."""

from django.urls import path

from judging.web.judging_runs import compare, consensus, current, detail, start
from judging.web.runs import archiving, evaluation_runs, evaluations, imports, query_table, query_tags, run_settings
from judging.web.trust import run_trust

urlpatterns = [
    # First steps
    path("first-steps/sample", imports.load_sample, name="load_sample"),
    path("first-steps/local-judge", imports.create_local_judge, name="create_local_judge"),
    # Evaluations
    path("evaluations", evaluations.evaluations, name="evaluations"),
    path("evaluations/new", evaluations.evaluation_create, name="evaluation_create"),
    path("evaluations/<uuid:evaluation_id>", evaluations.evaluation, name="evaluation"),
    path("evaluations/<uuid:evaluation_id>/edit", evaluations.evaluation_edit, name="evaluation_edit"),
    path("evaluations/<uuid:evaluation_id>/archive", archiving.archive_evaluation, name="archive_evaluation"),
    path("evaluations/<uuid:evaluation_id>/restore", archiving.restore_evaluation, name="restore_evaluation"),
    path("evaluations/<uuid:evaluation_id>/delete", evaluations.evaluation_delete, name="evaluation_delete"),
    path("evaluations/<uuid:evaluation_id>/import", imports.import_run, name="import_run"),
    path("evaluations/<uuid:evaluation_id>/import/progress", imports.import_progress, name="import_progress"),
    path("evaluations/<uuid:evaluation_id>/import-judgments", imports.import_judgments, name="import_judgments"),
    # Evaluation runs
    path("evaluations/runs/<uuid:run_id>", evaluation_runs.evaluation_run, name="evaluation_run"),
    path("evaluations/runs/<uuid:run_id>/settings", run_settings.run_settings, name="run_settings"),
    path("evaluations/runs/<uuid:run_id>/show-grades", run_settings.show_grades, name="show_grades"),
    path("evaluations/runs/<uuid:run_id>/lock", evaluation_runs.lock_run, name="lock_run"),
    path("evaluations/runs/<uuid:run_id>/unlock", evaluation_runs.unlock_run, name="unlock_run"),
    path("evaluations/runs/<uuid:run_id>/archive", archiving.archive_run, name="archive_run"),
    path("evaluations/runs/<uuid:run_id>/restore", archiving.restore_run, name="restore_run"),
    path("evaluations/runs/<uuid:run_id>/delete", evaluation_runs.delete_evaluation_run, name="delete_run"),
    path("evaluations/runs/<uuid:run_id>/export", evaluation_runs.run_export, name="run_export"),
    path("evaluations/runs/<uuid:run_id>/queries/export", query_table.queries_export, name="queries_export"),
    path("evaluations/runs/<uuid:run_id>/tags", query_tags.tag_queries, name="tag_queries"),
    path("evaluations/runs/<uuid:run_id>/judgments/export", evaluation_runs.judgments_export, name="judgments_export"),
    path("evaluations/runs/<uuid:run_id>/trust", run_trust.run_trust, name="run_trust"),
    # AI judging
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
