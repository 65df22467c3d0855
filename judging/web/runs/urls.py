"""Evaluations and their runs."""

from django.urls import path

from judging.web.runs import archiving, evaluation_runs, evaluations, imports, query_table, query_tags, run_settings

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
]
