"""AI judging runs: estimated, started, followed, cancelled."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import IDEMPOTENCY_KEY, ApiView, describe
from judging.api.judging_runs.serializers import (
    EffectSerializer,
    EstimateSerializer,
    JudgingItemSerializer,
    JudgingRunSerializer,
    StartSerializer,
)
from judging.api.runs.query_filters import MINE, asked_of
from judging.foundation.errors import Invalid
from judging.judging_runs.making_current import make_judging_run_current, preview_making_current
from judging.judging_runs.run_reads import get_judging_run, judging_items, judging_runs
from judging.judging_runs.slowness import with_slowness
from judging.judging_runs.starting import JudgingOptions, cancel_judging_run, estimate_judging_run, start_judging_run
from judging.models import AIJudge, ItemStatus, JudgingRun, User
from judging.records.blindness import check_sighted
from judging.records.visibility import visible_judges
from judging.runs.run_lists import get_evaluation_run
from judging.work.rescue import rescue_stalled

_CANNOT_START = "run_not_completed, run_locked, archived"
_CANNOT_COUNT = "judging_run_active, run_locked"


class JudgingRunStart(ApiView):
    @describe(
        "Start an AI judging run",
        body=StartSerializer,
        answer=JudgingRunSerializer,
        status=201,
        conflict=f"{_CANNOT_START}, idempotency_key_reused",
        query=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        run = get_evaluation_run(run_id)
        judge, options = _choice(self.user, self.body(StartSerializer))
        started = start_judging_run(
            evaluation_run=run,
            judge=judge,
            actor=self.user,
            options=options,
            idempotency_key=request.headers.get("Idempotency-Key", ""),
        )
        with_slowness([started])
        return Response(JudgingRunSerializer(started).data, status=201)


class JudgingRunEstimate(ApiView):
    @describe(
        "Estimate an AI judging run",
        body=StartSerializer,
        answer=EstimateSerializer,
        conflict=_CANNOT_START,
        description="The body of a start; nothing is started and no model called.",
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        run = get_evaluation_run(run_id)
        judge, options = _choice(self.user, self.body(StartSerializer))
        answer = estimate_judging_run(evaluation_run=run, judge=judge, options=options)
        return Response(EstimateSerializer(answer).data)


def _choice(user: User, values: dict[str, Any]) -> tuple[AIJudge, JudgingOptions]:
    judge = visible_judges(user).filter(pk=values.pop("ai_judge_id")).first()
    if judge is None:
        raise Invalid("there is no such AI judge", errors={"ai_judge_id": ["There is no such AI judge."]})
    return judge, JudgingOptions(**{**values, "trial": bool(values.get("trial"))})


class JudgingRunList(ApiView):
    @describe(
        "List the AI judging runs of an evaluation run, newest first",
        answer=JudgingRunSerializer,
        many=True,
        query=[MINE],
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        runs = asked_of(request, judging_runs(get_evaluation_run(run_id)))
        return self.page(runs, JudgingRunSerializer, order=("-created_at", "-id"), complete=_looked_at)


def _looked_at(runs: Sequence[JudgingRun]) -> Sequence[JudgingRun]:
    rescue_stalled(runs)
    return with_slowness(runs)


class JudgingRunDetail(ApiView):
    @describe("Show an AI judging run", answer=JudgingRunSerializer)
    def get(self, request: Request, judging_run_id: UUID) -> Response:
        run = get_judging_run(judging_run_id)
        _looked_at([run])
        return Response(JudgingRunSerializer(run).data)


class JudgingRunCancel(ApiView):
    @describe(
        "Cancel an AI judging run",
        answer=JudgingRunSerializer,
        conflict="already_ended",
        description="At once. Calls in flight may still land and count. A cancelled run stays as it is.",
    )
    def post(self, request: Request, judging_run_id: UUID) -> Response:
        run = cancel_judging_run(judging_run=get_judging_run(judging_run_id), actor=self.user)
        return Response(JudgingRunSerializer(run).data)


class JudgingRunMakeCurrent(ApiView):
    @describe(
        "Tell what would change if an AI judging run's grades counted",
        answer=EffectSerializer,
        conflict=_CANNOT_COUNT,
    )
    def get(self, request: Request, judging_run_id: UUID) -> Response:
        effect = preview_making_current(get_judging_run(judging_run_id))
        return Response(EffectSerializer(effect).data)

    @describe(
        "Let an AI judging run's grades count",
        answer=EffectSerializer,
        conflict=_CANNOT_COUNT,
        description=(
            "As if it had been started last, for an ended run, a trial or not. Candidates it has no grade for keep "
            "theirs; every unlocked run of the corpus on the scale follows, metrics in the background. To go back, "
            "post the same for `back_to_id`; null: no single run brings back what was there."
        ),
    )
    def post(self, request: Request, judging_run_id: UUID) -> Response:
        effect = make_judging_run_current(judging_run=get_judging_run(judging_run_id), actor=self.user)
        return Response(EffectSerializer(effect).data)


class JudgingItemList(ApiView):
    @describe(
        "List what an AI judging run said of each candidate",
        answer=JudgingItemSerializer,
        many=True,
        query=[OpenApiParameter("status", str, enum=ItemStatus.values)],
    )
    def get(self, request: Request, judging_run_id: UUID) -> Response:
        status = request.query_params.get("status", "")
        judging_run = get_judging_run(judging_run_id)
        check_sighted(judging_run.evaluation_run, self.user)
        items = judging_items(judging_run, status=status)
        return self.page(items, JudgingItemSerializer, order=("id",) if status else ("candidate_id",))
