"""Batch executions, response judges and evaluators."""

from django.urls import path

from judging.web.responses import comparison, evaluators, executions, upload

urlpatterns = [
    path("batches", executions.batches, name="batches"),
    path("batches/new", upload.batch_upload, name="batch_upload"),
    path("batches/<uuid:batch_id>", executions.batch, name="batch"),
    path("batches/<uuid:batch_id>/cancel", executions.cancel_batch_execution, name="cancel_batch"),
    path("batches/<uuid:batch_id>/retry", executions.retry_batch, name="retry_batch"),
    path("batches/<uuid:batch_id>/compare", comparison.compare_batch, name="compare_batch"),
    path("batches/<uuid:batch_id>/export", executions.batch_export, name="batch_export"),
    path("batches/default-model", executions.change_default_model, name="default_model"),
    path("batches/evaluators", evaluators.evaluators, name="evaluators"),
    path("batches/evaluators/new", evaluators.evaluator_create, name="evaluator_create"),
    path("batches/evaluators/<uuid:evaluator_id>", evaluators.evaluator, name="evaluator"),
    path(
        "batches/evaluators/<uuid:evaluator_id>/duplicate", evaluators.duplicate_evaluator, name="duplicate_evaluator"
    ),
    path("batches/evaluators/<uuid:evaluator_id>/delete", evaluators.delete_evaluator_page, name="delete_evaluator"),
    path("batches/evaluators/<uuid:evaluator_id>/test", evaluators.evaluator_test, name="test_evaluator"),
    path("batches/judges", evaluators.response_judges, name="response_judges"),
    path("batches/judges/new", evaluators.response_judge_create, name="response_judge_create"),
    path("batches/judges/<uuid:judge_id>", evaluators.response_judge, name="response_judge"),
    path("batches/judges/<uuid:judge_id>/delete", evaluators.delete_response_judge_page, name="delete_response_judge"),
    path("batches/judges/<uuid:judge_id>/test", evaluators.response_judge_test, name="test_response_judge"),
]
