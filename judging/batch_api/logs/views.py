"""Execution logs."""

from contextlib import suppress
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from rest_framework.request import Request
from rest_framework.response import Response

from judging.batch_api import answers
from judging.batch_api.base import BatchApiView
from judging.batch_api.filters import by_flag, by_id, by_number, by_text, by_time, filtered, parameters
from judging.batch_api.logs.serializers import LogDetailSerializer, LogSerializer
from judging.models import ExecutionLogTag
from judging.responses.results.execution_reads import execution_logs, get_execution_log
from judging.rest.views import describe


def _tagged(text: str) -> Q:
    # The whole text, too: a tag may hold a comma.
    tags = {part.strip() for part in (text, *text.split(",")) if part.strip()}
    return Q(Exists(ExecutionLogTag.objects.filter(log=OuterRef("pk"), tag__in=sorted(tags))))


def _search(text: str) -> Q:
    found = (
        Q(executed_item_name__icontains=text) | Q(request_preview__icontains=text) | Q(response_preview__icontains=text)
    )
    with suppress(ValueError):
        found |= Q(executed_item_id=UUID(text.strip()))
    return found


class LogList(BatchApiView):
    @describe(
        "List execution logs, newest first",
        answer=LogSerializer,
        many=True,
        query=parameters(
            tags="A comma list: logs with any of these tags.",
            executed_item_id="Of this judge or evaluator.",
            session_id="Of this session.",
            user_id="Of this user of yours.",
            project_id="With this project_id.",
            min_score="With at least this score.",
            max_score="With at most this score.",
            date_from="Written at or after this time or day.",
            date_to="Written at or before this time or day.",
            execution_type="judge, evaluator, or evaluators: several without a judge.",
            has_session_id="true: with a session, false: without.",
            search="Whose judge, request or response (their first 500 characters) holds this text, or whose judge or"
            " evaluator has this id.",
        ),
    )
    def get(self, request: Request) -> Response:
        logs = filtered(
            execution_logs(),
            request,
            {
                "tags": _tagged,
                "executed_item_id": by_id("executed_item_id"),
                "session_id": by_text("session_id"),
                "user_id": by_text("user_id"),
                "project_id": by_text("project_id"),
                "min_score": by_number("score__gte"),
                "max_score": by_number("score__lte"),
                "date_from": by_time("created_at__gte"),
                "date_to": by_time("created_at__lte", is_end=True),
                "execution_type": by_text("execution_type"),
                "has_session_id": by_flag(~Q(session_id="")),
                "search": _search,
            },
        )
        return self.listed(logs, LogSerializer, lambda rows: [answers.log_answer(row) for row in rows])


class LogDetail(BatchApiView):
    @describe("Show an execution log with its input and what the evaluators said", answer=LogDetailSerializer)
    def get(self, request: Request, log_id: UUID) -> Response:
        log, row = get_execution_log(log_id)
        return Response(LogDetailSerializer(answers.log_detail_answer(log, row)).data)
