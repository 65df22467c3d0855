"""Batch executions: create, look, cancel, retry, export; and one input at once."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from judging.batch_api import answers
from judging.batch_api.base import BatchApiView
from judging.batch_api.executions.input_serializers import (
    BatchCreateAnySerializer,
    BatchCreateSerializer,
    ExecuteSerializer,
    batch_input,
)
from judging.batch_api.executions.serializers import (
    BatchComparisonSerializer,
    BatchDetailSerializer,
    BatchSerializer,
    CreatedSerializer,
    ExecutedSerializer,
    ItemSerializer,
    SummarySerializer,
)
from judging.batch_api.filters import by_choice, by_flag, by_id, by_text, by_time, filtered, parameters
from judging.foundation.errors import Invalid, NotFound
from judging.foundation.limits import MAX_RESPONSE_JUDGE_NAME
from judging.models import BatchExecution, BatchStatus, ResponseJudge
from judging.records.files.formats import ITEM_FORMATS, checked_format, export_file_name, in_chunks
from judging.records.visibility import visible_judges
from judging.responses.executions import cancel_batch, create_batch, earlier_batch, once, retry_failed
from judging.responses.immediate import execute_now
from judging.responses.plans import BatchPlan, plan_evaluators, plan_judge
from judging.responses.results.comparison import compare_batches
from judging.responses.results.execution_export import batch_csv_lines
from judging.responses.results.execution_reads import (
    ItemWithResults,
    batch_items,
    batch_list,
    batch_summary,
    export_rows,
    get_batch,
)
from judging.rest.views import describe
from judging.work.rescue import rescue_if_stalled

_NO_CALL_MADE = "The batch is queued, and the answer comes, before any model is called."


class ProviderFailed(APIException):
    """The model could not be asked at all: the cause stands in the detail."""

    status_code = 502
    default_code = "provider_failed"


def _created(batch: BatchExecution) -> Response:
    body = {"batch_execution_id": batch.pk, "status_url": f"/v1/judges/batch-executions/{batch.pk}/"}
    return Response(CreatedSerializer(body).data, status=202)


class _CreatesBatches(BatchApiView):
    def create(self, asked_for: Sequence[str], plan: Callable[[], BatchPlan], given: dict[str, Any]) -> Response:
        """Create what `plan` returns. A repeated request is recognised by `asked_for` before anything is planned."""
        inputs = [batch_input(each) for each in given["inputs"]]
        tags, project_id = given.get("tags") or (), given.get("project_id") or ""
        key = self.request.headers.get("Idempotency-Key", "")
        request = once(key, asked_for=asked_for, inputs=inputs, tags=tags, project_id=project_id)
        if (earlier := earlier_batch(actor=self.user, once=request)) is not None:
            return _created(earlier)
        return _created(
            create_batch(actor=self.user, plan=plan(), inputs=inputs, tags=tags, project_id=project_id, once=request)
        )

    def create_of_judge(self, judge_id: UUID, given: dict[str, Any]) -> Response:
        version_id = given.get("judge_version_id")
        return self.create(
            ("judge", str(judge_id), str(version_id)),
            lambda: plan_judge(actor=self.user, judge_id=judge_id, version_id=version_id),
            given,
        )


class JudgeBatchExecute(_CreatesBatches):
    @describe(
        "Apply a judge to up to 100 inputs",
        body=BatchCreateSerializer,
        answer=CreatedSerializer,
        status=202,
        conflict="idempotency_key_reused",
        description=_NO_CALL_MADE,
    )
    def post(self, request: Request, judge_id: UUID) -> Response:
        return self.create_of_judge(judge_id, self.body(BatchCreateSerializer))


class BatchCreate(_CreatesBatches):
    @describe(
        "Apply a judge, or chosen evaluators, to up to 100 inputs",
        body=BatchCreateAnySerializer,
        answer=CreatedSerializer,
        status=202,
        conflict="idempotency_key_reused",
        description=_NO_CALL_MADE,
    )
    def post(self, request: Request) -> Response:
        given = self.body(BatchCreateAnySerializer)
        judge_id, evaluator_ids = given.get("judge_id"), given.get("evaluator_ids")
        if bool(judge_id) == bool(evaluator_ids):
            message = "Give a judge_id or evaluator_ids, one of the two."
            raise Invalid(message, errors={"judge_id": [message]})
        if judge_id is None:
            if given.get("judge_version_id"):
                message = "A version is of a judge: chosen evaluators are applied at their latest."
                raise Invalid(message, errors={"judge_version_id": [message]})
            ids = list(dict.fromkeys(evaluator_ids or ()))
            return self.create(("evaluators", *map(str, ids)), lambda: plan_evaluators(evaluator_ids=ids), given)
        try:
            return self.create_of_judge(judge_id, given)
        except NotFound:
            message = "There is no such judge."
            raise Invalid(message, errors={"judge_id": [message]}) from None


class BatchList(BatchApiView):
    @describe(
        "List batches, newest first, without their items",
        answer=BatchSerializer,
        many=True,
        query=parameters(
            judge_id="Of this judge.",
            status=f"One of {', '.join(BatchStatus.values)}.",
            project_id="With this project_id.",
            date_from="Created at or after this time or day.",
            date_to="Created at or before this time or day.",
            mine="true: those that you made; false: the others.",
        ),
    )
    def get(self, request: Request) -> Response:
        batches = filtered(
            batch_list(),
            request,
            {
                "judge_id": by_id("judge_id"),
                # The vendor's word for a batch that ended with failures; here no batch is that.
                "status": by_choice("status", [*BatchStatus.values, "partial"]),
                "project_id": by_text("project_id"),
                "date_from": by_time("created_at__gte"),
                "date_to": by_time("created_at__lte", is_end=True),
                "mine": by_flag(Q(created_by=self.user)),
            },
        )
        return self.listed(batches, BatchSerializer, lambda rows: [answers.batch_answer(row) for row in rows])


class BatchDetail(BatchApiView):
    @describe("Show a batch: status, counters and every item as it stands", answer=BatchDetailSerializer)
    def get(self, request: Request, batch_id: UUID) -> Response:
        batch = get_batch(batch_id)
        rescue_if_stalled(batch)
        items = [answers.item_answer(row, batch) for row in batch_items(batch)]
        return Response(BatchDetailSerializer({**answers.batch_answer(batch), "items": items}).data)


class BatchCancel(BatchApiView):
    @describe(
        "Cancel a batch at once",
        answer=BatchSerializer,
        conflict="already_ended",
        description="What has not ended fails as `cancelled`. A cancelled batch stays as it is.",
    )
    def post(self, request: Request, batch_id: UUID) -> Response:
        cancel_batch(actor=self.user, batch=get_batch(batch_id))
        return Response(BatchSerializer(answers.batch_answer(get_batch(batch_id))).data)


class BatchRetryFailed(BatchApiView):
    @describe(
        "Make a new batch of the failed inputs",
        answer=CreatedSerializer,
        status=202,
        conflict="not_ended, nothing_failed",
        description="At the versions that the batch had. The new one says so in `retried_from`.",
    )
    def post(self, request: Request, batch_id: UUID) -> Response:
        return _created(retry_failed(actor=self.user, batch=get_batch(batch_id)))


class BatchSummaryView(BatchApiView):
    @describe("Summarise a batch: means, distribution, failures, tokens, cost", answer=SummarySerializer)
    def get(self, request: Request, batch_id: UUID) -> Response:
        batch = get_batch(batch_id)
        return Response(SummarySerializer(answers.summary_answer(batch, batch_summary(batch))).data)


class BatchComparisonView(BatchApiView):
    @describe(
        "Compare two batches of the same inputs, score by score",
        answer=BatchComparisonSerializer,
        conflict="not_ended, inputs_pruned, nothing_in_common",
        description="Inputs pair by their content, evaluators by name, or where each batch has one only.",
    )
    def get(self, request: Request, batch_id: UUID, other_batch_id: UUID) -> Response:
        comparison = compare_batches(get_batch(batch_id), get_batch(other_batch_id))
        return Response(BatchComparisonSerializer(comparison).data)


class BatchExport(BatchApiView):
    @extend_schema(
        summary="Download all rows of a batch",
        description="JSONL: an item a line. CSV: a line per item and evaluator.",
        parameters=parameters(file_format=f"One of {', '.join(ITEM_FORMATS)}; jsonl when left out."),
        responses={(200, "application/x-ndjson"): OpenApiTypes.STR, (200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, batch_id: UUID) -> StreamingHttpResponse:
        batch = get_batch(batch_id)
        file_format = checked_format(ITEM_FORMATS, request.query_params.get("file_format") or "jsonl")
        lines = _json_lines(batch) if file_format.name == "jsonl" else batch_csv_lines(batch)
        name = export_file_name(f"batch-{batch.pk}", "results", file_format)
        return StreamingHttpResponse(
            in_chunks(lines, file_format),
            content_type=file_format.content_type,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def _json_lines(batch: BatchExecution) -> Iterator[str]:
    for row in export_rows(batch):
        yield json.dumps(ItemSerializer(answers.item_answer(row, batch)).data, ensure_ascii=False) + "\n"


class _Executes(BatchApiView):
    def execute(self, judge_id: UUID) -> Response:
        given = self.body(ExecuteSerializer)
        plan = plan_judge(actor=self.user, judge_id=judge_id, version_id=given.get("judge_version_id"))
        batch = execute_now(
            lambda: create_batch(
                actor=self.user,
                plan=plan,
                inputs=[batch_input(given)],
                tags=given.get("tags") or (),
                project_id=given.get("project_id") or "",
                is_immediate=True,
            )
        )
        if batch.error_code not in ("", "no_item_completed"):
            raise ProviderFailed(batch.error)
        batch = get_batch(batch.pk)
        row: ItemWithResults = batch_items(batch)[0]
        body = {
            "evaluator_results": answers.results_answer(row, batch),
            "execution_log_id": row.execution_log_id,
        }
        return Response(ExecutedSerializer(body).data)


class JudgeExecute(_Executes):
    @describe("Apply a judge to one input, now", body=ExecuteSerializer, answer=ExecutedSerializer)
    def post(self, request: Request, judge_id: UUID) -> Response:
        return self.execute(judge_id)


class JudgeExecuteByName(_Executes):
    @describe(
        "Apply a judge, found by its name, to one input, now",
        body=ExecuteSerializer,
        answer=ExecutedSerializer,
        query=parameters(name="The judge's whole name."),
    )
    def post(self, request: Request) -> Response:
        name = request.query_params.get("name", "").strip()
        if not name or len(name) > MAX_RESPONSE_JUDGE_NAME or "\0" in name:
            raise Invalid("name: which judge?", errors={"name": ["Name the judge."]})
        found = [
            *ResponseJudge.objects.filter(name=name, archived_at=None).values_list("pk", flat=True)[:2],
            *visible_judges(self.user).filter(name=answers.original_name(name)).values_list("pk", flat=True)[:2],
        ]
        if not found:
            raise NotFound("no judge has this name")
        if len(found) > 1:
            raise Invalid("several judges have this name", errors={"name": ["Several judges have it: use the id."]})
        return self.execute(found[0])
