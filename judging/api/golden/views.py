"""Golden sets: made, listed, checked, rescheduled, deleted; and their checks, followed and cancelled."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import IDEMPOTENCY_KEY, ApiView, describe, named_in_body
from judging.api.golden.serializers import (
    CreateGoldenSetSerializer,
    GoldenCheckSerializer,
    GoldenSetSerializer,
    RescheduleSerializer,
)
from judging.golden.acts import (
    cancel_golden_check,
    create_golden_set,
    delete_golden_set,
    reschedule_golden_set,
    start_golden_check,
)
from judging.golden.reads import get_golden_check, get_golden_set, golden_checks, golden_sets
from judging.records.visibility import get_judge
from judging.runs.run_lists import get_evaluation_run
from judging.work.rescue import rescue_if_stalled, rescue_stalled


class GoldenSetList(ApiView):
    @describe("List the golden sets, newest first", answer=GoldenSetSerializer, many=True)
    def get(self, request: Request) -> Response:
        return self.page(golden_sets(self.user), GoldenSetSerializer, order=("-created_at", "-id"))

    @describe(
        "Make a golden set, and begin its baseline",
        body=CreateGoldenSetSerializer,
        answer=GoldenSetSerializer,
        status=201,
        conflict="run_not_completed, archived, too_few_candidates, judge_archived, idempotency_key_reused",
        query=[IDEMPOTENCY_KEY],
        description="Queries and documents are drawn by permanent numbers and pinned by version. The judge grades them"
        " four times; no grade of them becomes a judgment or enters a metric.",
    )
    def post(self, request: Request) -> Response:
        given = self.body(CreateGoldenSetSerializer)
        with named_in_body("evaluation_run_id"):
            run = get_evaluation_run(given.pop("evaluation_run_id"))
        with named_in_body("ai_judge_id"):
            judge = get_judge(self.user, given.pop("ai_judge_id"))
        key = request.headers.get("Idempotency-Key", "")
        made = create_golden_set(evaluation_run=run, judge=judge, actor=self.user, idempotency_key=key, **given)
        return Response(GoldenSetSerializer(get_golden_set(self.user, made.pk)).data, status=201)


class GoldenSetDetail(ApiView):
    @describe("Show a golden set", answer=GoldenSetSerializer)
    def get(self, request: Request, golden_set_id: UUID) -> Response:
        return Response(GoldenSetSerializer(get_golden_set(self.user, golden_set_id)).data)

    @describe("Change how often a golden set is checked", body=RescheduleSerializer, answer=GoldenSetSerializer)
    def patch(self, request: Request, golden_set_id: UUID) -> Response:
        golden_set = get_golden_set(self.user, golden_set_id)
        given = self.body(RescheduleSerializer)
        reschedule_golden_set(golden_set=golden_set, actor=self.user, every_days=given["every_days"])
        return Response(GoldenSetSerializer(get_golden_set(self.user, golden_set_id)).data)

    @describe("Delete a golden set with its checks", status=204, conflict="check_under_way")
    def delete(self, request: Request, golden_set_id: UUID) -> Response:
        delete_golden_set(golden_set=get_golden_set(self.user, golden_set_id), actor=self.user)
        return Response(status=204)


class GoldenCheckList(ApiView):
    @describe("List the checks and baselines of a golden set, newest first", answer=GoldenCheckSerializer, many=True)
    def get(self, request: Request, golden_set_id: UUID) -> Response:
        checks = golden_checks(get_golden_set(self.user, golden_set_id))
        return self.page(checks, GoldenCheckSerializer, order=("-created_at", "-id"), complete=rescue_stalled)

    @describe(
        "Check a golden set",
        answer=GoldenCheckSerializer,
        status=201,
        conflict="check_under_way, judge_archived, idempotency_key_reused",
        query=[IDEMPOTENCY_KEY],
        description="By the judge's current version. Where no baseline of it stands, one begins instead, and"
        " `baseline_reason` says why.",
    )
    def post(self, request: Request, golden_set_id: UUID) -> Response:
        golden_set = get_golden_set(self.user, golden_set_id)
        key = request.headers.get("Idempotency-Key", "")
        check = start_golden_check(golden_set=golden_set, actor=self.user, idempotency_key=key)
        return Response(GoldenCheckSerializer(check).data, status=201)


class GoldenCheckDetail(ApiView):
    @describe("Show a check of a golden set", answer=GoldenCheckSerializer)
    def get(self, request: Request, check_id: UUID) -> Response:
        check = get_golden_check(self.user, check_id)
        rescue_if_stalled(check)
        return Response(GoldenCheckSerializer(check).data)


class GoldenCheckCancel(ApiView):
    @describe(
        "Cancel a check of a golden set",
        answer=GoldenCheckSerializer,
        conflict="already_ended",
        description="At once. A cancelled check stays as it is and says nothing of the judge.",
    )
    def post(self, request: Request, check_id: UUID) -> Response:
        check = cancel_golden_check(check=get_golden_check(self.user, check_id), actor=self.user)
        return Response(GoldenCheckSerializer(check).data)
