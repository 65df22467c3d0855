"""The review grid's rows, and the judgments people give."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from judging.api.base import ApiView, describe
from judging.api.review.serializers import (
    CandidateSerializer,
    ConfirmedMatchingSerializer,
    ConfirmMatchingSerializer,
    JudgmentsSerializer,
    RenewedRowsSerializer,
    TakeBackSerializer,
    TakenBackSerializer,
)
from judging.foundation.limits import MAX_CONFIRMED, MAX_INTEGER, MAX_PAGE
from judging.foundation.scales import MAX_GRADE
from judging.ledger import PersonGrade
from judging.rest.paging import DEFAULT_PAGE_SIZE
from judging.rest.permissions import AnyRole
from judging.review.grid import grid_rows, rows_of
from judging.review.grid_filter import FILTER_NAMES, PEOPLE, STATUSES, parse_grid_filter
from judging.review.grid_order import DEFAULT_ORDERING, ORDERINGS
from judging.review.judgments import named_candidates, record_judgments
from judging.review.matching import confirm_matching_ai_grades, take_back_confirmed_grades
from judging.runs.run_lists import get_evaluation_run

_TYPES: dict[str, OpenApiTypes | dict[str, Any]] = {
    "query_id": OpenApiTypes.UUID,
    "ai_judge_id": OpenApiTypes.UUID,
    "search": OpenApiTypes.STR,
    "status": OpenApiTypes.STR,
    "people": OpenApiTypes.STR,
    "tag": OpenApiTypes.STR,
    "max_rank": {"type": "integer", "minimum": 1, "maximum": MAX_INTEGER},
}
_GRADE: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": MAX_GRADE}
_WORDS = {"status": STATUSES, "people": PEOPLE}
_PARAMETERS = [
    *(OpenApiParameter(name, _TYPES.get(name, _GRADE), enum=_WORDS.get(name)) for name in FILTER_NAMES),
    OpenApiParameter("ordering", str, enum=ORDERINGS, default=DEFAULT_ORDERING),
]
_PAGE_SIZE = serializers.IntegerField(min_value=1, max_value=MAX_PAGE)


class CandidateList(ApiView):
    permission_classes = [AnyRole]

    @describe(
        "List a run's candidates with their grades",
        answer=CandidateSerializer,
        many=True,
        query=_PARAMETERS,
        description="`grade`, `min_grade` and `max_grade` are about the effective grade; `search` looks for a text in"
        " query, title and id; `tag` leaves the queries that have it; `people` leaves what no person has graded yet"
        " (`none`), or not you (`not_me`), or those of which somebody can't tell (`cant_tell`). Whatever it is ordered by, what has no value comes last."
        " Who grades blind gets the lists shuffled, the same way each time, and 400 `blind` for filters and orders by"
        " rank or by others' grades.",
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        run = get_evaluation_run(run_id)
        given = request.query_params
        page = grid_rows(
            run,
            viewer=self.user,
            grid_filter=parse_grid_filter(given, run.grading_scale),
            ordering=given.get("ordering") or DEFAULT_ORDERING,
            limit=_page_size(request),
            cursor=given.get("cursor", ""),
        )
        url = request.build_absolute_uri()
        return Response(
            {
                "results": CandidateSerializer(page.rows, many=True).data,
                "next": replace_query_param(url, "cursor", page.next_cursor) if page.next_cursor else None,
                "previous": replace_query_param(url, "cursor", page.previous_cursor) if page.previous_cursor else None,
            }
        )


class ConfirmMatching(ApiView):
    @describe(
        "Confirm the AI's grades of all candidates that match",
        body=ConfirmMatchingSerializer,
        answer=ConfirmedMatchingSerializer,
        query=_PARAMETERS[:-1],
        conflict="count_changed (with `expected_count` and `matching_count`), run_locked, run_not_completed",
        description="The query string filters as it does the list of candidates. The AI's grade becomes yours, but for"
        f" candidates that you have graded. At most {MAX_CONFIRMED:,} may match.",
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        run = get_evaluation_run(run_id)
        done = confirm_matching_ai_grades(
            run=run,
            grid_filter=parse_grid_filter(request.query_params, run.grading_scale),
            expected_count=self.body(ConfirmMatchingSerializer)["expected_count"],
            actor=self.user,
        )
        return Response(ConfirmedMatchingSerializer(done).data)


class TakeBackConfirmed(ApiView):
    @describe(
        "Take back grades that you confirmed at once",
        body=TakeBackSerializer,
        answer=TakenBackSerializer,
        conflict="nothing_to_take_back, run_locked, run_not_completed",
        description="Those that you have not changed since.",
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        at = self.body(TakeBackSerializer)["confirmed_at"]
        count = take_back_confirmed_grades(run=get_evaluation_run(run_id), confirmed_at=at, actor=self.user)
        return Response({"taken_back_count": count})


def _page_size(request: Request) -> int:
    given = request.query_params.get("page_size")
    if not given:
        return DEFAULT_PAGE_SIZE
    try:
        return int(_PAGE_SIZE.run_validation(given))
    except serializers.ValidationError as error:
        raise serializers.ValidationError({"page_size": error.detail}) from None


class JudgmentList(ApiView):
    permission_classes = [AnyRole]

    @describe(
        "Judge candidates",
        body=JudgmentsSerializer,
        answer=RenewedRowsSerializer,
        conflict="run_locked, run_not_completed",
        description="All or nothing, for queries of one evaluation run. Answers the rows as they are now.",
    )
    def post(self, request: Request) -> Response:
        given = [
            (query["query_id"], judgment)
            for query in self.body(JudgmentsSerializer)["queries"]
            for judgment in query["judgments"]
        ]
        run, pks = named_candidates([(query_id, judgment.pop("document_key")) for query_id, judgment in given])
        grades = [PersonGrade(pk, **judgment) for pk, (_, judgment) in zip(pks, given, strict=True)]
        record_judgments(run=run, grades=grades, actor=self.user)
        rows = rows_of(run, pks, viewer=self.user)
        return Response({"results": CandidateSerializer(rows, many=True).data})
