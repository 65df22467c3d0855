"""Check samples: started, looked at, handed out, deleted."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from judging.api.base import ApiView, describe, named_in_body
from judging.api.trust.sample_serializers import (
    CheckSampleSerializer,
    HandedSerializer,
    NewCheckSampleSerializer,
    QueueItemSerializer,
    SkippedSerializer,
)
from judging.foundation.errors import Invalid
from judging.foundation.limits import MAX_SAMPLE_ITEMS
from judging.models import CheckSample
from judging.rest.paging import KeysetPagination
from judging.rest.permissions import AnyRole
from judging.runs.run_lists import get_evaluation_run
from judging.trust.estimates import state_dict
from judging.trust.samples.acts import create_check_sample, delete_check_sample, item_candidate, skip_item
from judging.trust.samples.handing_out import next_items
from judging.trust.samples.planning import BATCH
from judging.trust.samples.queue_items import queue_items
from judging.trust.samples.states import check_samples, get_check_sample, sample_state, sample_states

_CLOSED = "run_locked, run_not_completed"


class CheckSampleList(ApiView):
    @describe(
        "List check samples, newest first",
        answer=CheckSampleSerializer,
        many=True,
        query=[OpenApiParameter("evaluation_run_id", UUID)],
    )
    def get(self, request: Request) -> Response:
        given = request.query_params.get("evaluation_run_id")
        samples = check_samples().filter(run_id=_run_id(given)) if given else check_samples()
        return self.page(samples, CheckSampleSerializer, order=("-created_at", "id"), complete=_told)

    @describe(
        "Start a check sample",
        body=NewCheckSampleSerializer,
        answer=CheckSampleSerializer,
        status=201,
        conflict=f"{_CLOSED}, corpora_differ, scales_differ",
        description="A comparison is of the first run minus the other. Several samples of one goal may stand side by side.",
    )
    def post(self, request: Request) -> Response:
        given = self.body(NewCheckSampleSerializer)
        with named_in_body("evaluation_run_id"):
            run = get_evaluation_run(given.pop("evaluation_run_id"))
        with named_in_body("other_run_id"):
            other_id = given.pop("other_run_id")
            other = get_evaluation_run(other_id) if other_id else None
        sample = create_check_sample(run=run, other_run=other, actor=self.user, **given)
        return Response(CheckSampleSerializer(state_dict(sample_state(sample))).data, status=201)


def _told(samples: list[CheckSample]) -> list[dict[str, Any]]:
    return [state_dict(state) for state in sample_states(samples)]


class CheckSampleDetail(ApiView):
    @describe("Show a check sample", answer=CheckSampleSerializer)
    def get(self, request: Request, sample_id: UUID) -> Response:
        return Response(CheckSampleSerializer(state_dict(sample_state(get_check_sample(sample_id)))).data)

    @describe("Delete a check sample", status=204, description="The grades given for it stay.")
    def delete(self, request: Request, sample_id: UUID) -> Response:
        delete_check_sample(sample=get_check_sample(sample_id), actor=self.user)
        return Response(status=204)


class CheckSampleNext(ApiView):
    permission_classes = [AnyRole]

    @describe(
        "Take the next items of a check sample",
        answer=HandedSerializer,
        conflict=f"{_CLOSED}, sample_void",
        query=[OpenApiParameter("count", int, default=BATCH, description=f"1 to {MAX_SAMPLE_ITEMS}.")],
        description="Leased for half an hour; what the caller had of this sample and has not graded is given back first."
        " Grade with POST /judgments and `saw_ai_grade: false`.",
    )
    def get(self, request: Request, sample_id: UUID) -> Response:
        count = _count(request.query_params.get("count"))
        handed = next_items(sample=get_check_sample(sample_id), actor=self.user, count=count)
        return Response(HandedSerializer(handed).data)


class CheckSampleSkip(ApiView):
    permission_classes = [AnyRole]

    @describe(
        "Say that one can't tell",
        body=SkippedSerializer,
        status=204,
        conflict=_CLOSED,
        description="The item is passed over, and asked of others at the end.",
    )
    def post(self, request: Request, sample_id: UUID) -> Response:
        sample = get_check_sample(sample_id)
        given = self.body(SkippedSerializer)
        candidate = item_candidate(sample, run_query_id=given["query_id"], document_key=given["candidate_id"])
        skip_item(sample=sample, candidate=candidate, reason=given["reason"], actor=self.user)
        return Response(status=204)


class CheckSampleItems(ApiView):
    @describe(
        "List the queue of a check sample",
        answer=QueueItemSerializer,
        many=True,
        description="Empty when it is void. Probabilities are those at the present number of grades.",
    )
    def get(self, request: Request, sample_id: UUID) -> Response:
        sample = get_check_sample(sample_id)
        size = KeysetPagination().page_size(request.query_params.get("page_size"))
        after = _position(request.query_params.get("cursor"))
        look = sample_state(sample).look
        rows = queue_items(sample, look, after=after, count=size) if look else []
        has_more = look is not None and after + size < look.population_count
        return Response(
            {
                "results": QueueItemSerializer(rows, many=True).data,
                "next": _page_url(request, after + size) if has_more else None,
                "previous": _page_url(request, max(after - size, 0)) if after else None,
            }
        )


def _page_url(request: Request, after: int) -> Any:
    return replace_query_param(request.build_absolute_uri(), "cursor", after)


def _position(text: str | None) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        message = "This is no cursor of this list; take it from `next` or `previous`."
        raise serializers.ValidationError({"cursor": [message]})
    return int(text)


def _count(text: str | None) -> int:
    if text is None:
        return BATCH
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= MAX_SAMPLE_ITEMS):
        raise serializers.ValidationError({"count": [f"An integer from 1 to {MAX_SAMPLE_ITEMS}."]})
    return int(text)


def _run_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("which run?", errors={"evaluation_run_id": ["the id of an evaluation run"]}) from None
