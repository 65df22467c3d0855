"""Who judges a run, and which queries are assigned to whom."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import ApiView, describe
from judging.api.runs.query_filters import QUERY_FILTERS, wanted_queries
from judging.api.team.serializers import (
    AssignedQuerySerializer,
    AssignmentSerializer,
    OpenRunsSerializer,
    PeopleAtWorkSerializer,
)
from judging.models import EvaluationRun
from judging.rest.permissions import AnyRole
from judging.review.team.assigning import assign_queries, share_out
from judging.review.team.open_runs import open_runs
from judging.review.team.people import assignees, people_at_work, unassigned
from judging.runs.run_lists import get_evaluation_run
from judging.trust.agreement import each_beside_the_others

_CONFLICT = "run_locked, run_not_completed"


class AssignmentDetail(ApiView):
    @describe(
        "Show who judges a run",
        answer=PeopleAtWorkSerializer,
        description="Everybody with an account: what is assigned to them, what of it is left, and how they grade. An"
        " assignment limits what the Evaluate page offers, not who may grade: whoever has one is offered its queries,"
        " everybody else those that nobody has.",
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        return Response(_people(get_evaluation_run(run_id)))

    @describe(
        "Assign queries to people",
        body=AssignmentSerializer,
        answer=PeopleAtWorkSerializer,
        conflict=_CONFLICT,
        description="With `query_ids` these queries to these people and to nobody else; no people: the queries are taken"
        " back. Without, every query is shared out anew, fairly by candidates, each to as many people as"
        " `judgments_wanted`; no people: nothing is assigned any more. The same request again changes nothing.",
    )
    def put(self, request: Request, run_id: UUID) -> Response:
        run, given = get_evaluation_run(run_id), self.body(AssignmentSerializer)
        people, query_ids = given["people"], given.get("query_ids")
        if query_ids is None:
            share_out(run=run, people=people, actor=self.user, only_unassigned=given["only_unassigned"])
        else:
            assign_queries(run=run, run_query_ids=query_ids, people=people, actor=self.user)
        return Response(_people(run))

    @describe("Take all assignments back", status=204, conflict=_CONFLICT)
    def delete(self, request: Request, run_id: UUID) -> Response:
        share_out(run=get_evaluation_run(run_id), people=[], actor=self.user)
        return Response(status=204)


class OpenRunList(ApiView):
    permission_classes = [AnyRole]

    @describe(
        "List the runs in which something is left for you",
        answer=OpenRunsSerializer,
        description="At most 20: those with an assignment of yours first, then the newest.",
    )
    def get(self, request: Request) -> Response:
        return Response(OpenRunsSerializer({"results": open_runs(self.user)}).data)


class AssignedQueryList(ApiView):
    @describe(
        "List a run's queries with the people they are assigned to",
        answer=AssignedQuerySerializer,
        many=True,
        query=QUERY_FILTERS,
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        queries, order = wanted_queries(request, get_evaluation_run(run_id))
        return self.page(queries, AssignedQuerySerializer, order=order, complete=_with_people)


def _with_people(queries: list[Any]) -> list[dict[str, Any]]:
    people = assignees([query.pk for query in queries])
    return [{"query": query, "people": people.get(query.pk, [])} for query in queries]


def _people(run: EvaluationRun) -> Any:
    beside = each_beside_the_others(run)
    people = [{"person": each, "agreement": beside.get(each.user.email)} for each in people_at_work(run)]
    return PeopleAtWorkSerializer({"unassigned": unassigned(run), "people": people}).data
