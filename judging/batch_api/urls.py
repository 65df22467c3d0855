"""The routes below /v1, each with a trailing slash; what no line matches is a 404 in the vendor's shape."""

from django.urls import path, re_path

from judging.batch_api import openapi
from judging.batch_api.executions.views import (
    BatchCancel,
    BatchComparisonView,
    BatchCreate,
    BatchDetail,
    BatchExport,
    BatchList,
    BatchRetryFailed,
    BatchSummaryView,
    JudgeBatchExecute,
    JudgeExecute,
    JudgeExecuteByName,
)
from judging.batch_api.judges.views import EvaluatorDetail, EvaluatorList, JudgeDetail, JudgeList
from judging.batch_api.logs.views import LogDetail, LogList
from judging.batch_api.unknown import Unknown

urlpatterns = [
    path("schema/", openapi.schema, name="batch-api-schema"),
    path("judges/", JudgeList.as_view()),
    path("judges/execute/by-name/", JudgeExecuteByName.as_view()),
    path("judges/batch-executions/", BatchList.as_view()),
    path("judges/batch-executions/<uuid:batch_id>/", BatchDetail.as_view()),
    path("judges/batch-executions/<uuid:batch_id>/cancel/", BatchCancel.as_view()),
    path("judges/batch-executions/<uuid:batch_id>/retry-failed/", BatchRetryFailed.as_view()),
    path("judges/batch-executions/<uuid:batch_id>/summary/", BatchSummaryView.as_view()),
    path("judges/batch-executions/<uuid:batch_id>/compare/<uuid:other_batch_id>/", BatchComparisonView.as_view()),
    path("judges/batch-executions/<uuid:batch_id>/export/", BatchExport.as_view()),
    path("judges/<uuid:judge_id>/", JudgeDetail.as_view()),
    path("judges/<uuid:judge_id>/execute/", JudgeExecute.as_view()),
    path("judges/<uuid:judge_id>/batch-execute/", JudgeBatchExecute.as_view()),
    path("batch-executions/", BatchCreate.as_view()),
    path("evaluators/", EvaluatorList.as_view()),
    path("evaluators/<uuid:evaluator_id>/", EvaluatorDetail.as_view()),
    path("execution-logs/", LogList.as_view()),
    path("execution-logs/<uuid:log_id>/", LogDetail.as_view()),
    re_path(r"^.*$", Unknown.as_view()),
]
