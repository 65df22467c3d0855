"""Probes of a judge: started, listed, followed, cancelled."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import IDEMPOTENCY_KEY, ApiView, describe, named_in_body
from judging.api.probes.serializers import ProbeRunSerializer, StartProbesSerializer
from judging.probes.acts import cancel_probes, start_probes
from judging.probes.reads import get_probe_run, probe_runs
from judging.records.visibility import get_judge
from judging.runs.run_lists import get_evaluation_run
from judging.work.rescue import rescue_if_stalled, rescue_stalled


class ProbeRunList(ApiView):
    @describe("List the probe runs of an AI judge, newest first", answer=ProbeRunSerializer, many=True)
    def get(self, request: Request, judge_id: UUID) -> Response:
        runs = probe_runs(get_judge(self.user, judge_id), self.user)
        return self.page(runs, ProbeRunSerializer, order=("-created_at", "-id"), complete=rescue_stalled)

    @describe(
        "Run probes of an AI judge",
        body=StartProbesSerializer,
        answer=ProbeRunSerializer,
        status=201,
        conflict="run_not_completed, archived, judge_archived, probes_under_way, idempotency_key_reused",
        query=[IDEMPOTENCY_KEY],
        description="About 330 questions in calls of their own; no grade of them becomes a judgment or enters a metric."
        " A probe that can't be run there says why: most take 60 candidates or 31 queries.",
    )
    def post(self, request: Request, judge_id: UUID) -> Response:
        judge = get_judge(self.user, judge_id)
        given = self.body(StartProbesSerializer)
        with named_in_body("evaluation_run_id"):
            run = get_evaluation_run(given["evaluation_run_id"])
        started = start_probes(
            judge=judge,
            evaluation_run=run,
            actor=self.user,
            version=given.get("ai_judge_version"),
            probes=given.get("probes", []),
            idempotency_key=request.headers.get("Idempotency-Key", ""),
        )
        return Response(ProbeRunSerializer(get_probe_run(self.user, started.pk)).data, status=201)


class ProbeRunDetail(ApiView):
    @describe("Show a probe run", answer=ProbeRunSerializer)
    def get(self, request: Request, probe_run_id: UUID) -> Response:
        run = get_probe_run(self.user, probe_run_id)
        rescue_if_stalled(run)
        return Response(ProbeRunSerializer(run).data)


class ProbeRunCancel(ApiView):
    @describe(
        "Cancel a probe run",
        answer=ProbeRunSerializer,
        conflict="already_ended",
        description="At once; what was said before stays. A cancelled run stays as it is.",
    )
    def post(self, request: Request, probe_run_id: UUID) -> Response:
        run = cancel_probes(probe_run=get_probe_run(self.user, probe_run_id), actor=self.user)
        return Response(ProbeRunSerializer(run).data)
