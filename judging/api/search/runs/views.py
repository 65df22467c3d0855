"""Executed runs: started, stopped, cloned, resumed, mapped again, and read search by search."""

from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import IDEMPOTENCY_KEY, ApiView, describe
from judging.api.runs.serializers import RunSerializer
from judging.api.search.runs.serializers import (
    CloneSerializer,
    EvidenceSerializer,
    RemapSerializer,
    SearchItemSerializer,
)
from judging.models import SearchStatus
from judging.records.blindness import check_sighted
from judging.runs.run_lists import get_evaluation_run
from judging.search.runs.making import clone_search_run
from judging.search.runs.remapping import remap_search_run
from judging.search.runs.searches import evidence_of, searches
from judging.search.runs.starting import resume_search_run, start_search_run, stop_search_run


class SearchRunStart(ApiView):
    @describe(
        "Start a pending run's searches",
        answer=RunSerializer,
        conflict="already_started, archived, inputs_gone, endpoint_changed",
        query=[IDEMPOTENCY_KEY],
        description="Pins queries, template, mapping and address: no later edit changes the run. The"
        " Idempotency-Key that started it answers the run as it is by then.",
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        key = request.headers.get("Idempotency-Key", "")
        started = start_search_run(run=get_evaluation_run(run_id), actor=self.user, idempotency_key=key)
        return Response(RunSerializer(started).data)


class SearchRunStop(ApiView):
    @describe(
        "Stop a run's searches",
        answer=RunSerializer,
        description="Nothing more is sent; what came back stays. 400 `not_active` when neither queued nor running.",
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        return Response(RunSerializer(stop_search_run(run=get_evaluation_run(run_id), actor=self.user)).data)


class SearchRunClone(ApiView):
    @describe(
        "Make a pending run with the same pinned inputs",
        body=CloneSerializer,
        answer=RunSerializer,
        status=201,
        conflict="archived, endpoint_changed",
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        name = self.body(CloneSerializer).get("name", "")
        clone = clone_search_run(run=get_evaluation_run(run_id), actor=self.user, name=name)
        return Response(RunSerializer(clone).data, status=201)


class SearchRunResume(ApiView):
    @describe(
        "Ask again what is pending, failed or skipped",
        answer=RunSerializer,
        conflict="run_active, run_locked, run_being_judged, archived, not_started, nothing_to_resume, inputs_gone,"
        " endpoint_changed",
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        return Response(RunSerializer(resume_search_run(run=get_evaluation_run(run_id), actor=self.user)).data)


class SearchRunRemap(ApiView):
    @describe(
        "Read the kept answers again with another mapping",
        body=RemapSerializer,
        answer=RunSerializer,
        conflict="run_active, run_locked, run_being_judged, archived, not_started, inputs_gone, evidence_gone",
        description="The engine is not asked. What was said of a document that falls out of a list stays, and is"
        " exported. A search whose evidence is cut or gone keeps its result and is counted in `not_remapped_count`.",
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        mapping = self.body(RemapSerializer).get("candidates_mapping")
        done = remap_search_run(run=get_evaluation_run(run_id), actor=self.user, candidates_mapping=mapping)
        counts = {"remapped_count": done.remapped_count, "not_remapped_count": done.not_remapped_count}
        return Response({**RunSerializer(done.run).data, **counts})


class SearchList(ApiView):
    @describe(
        "List a run's searches",
        answer=SearchItemSerializer,
        many=True,
        query=[OpenApiParameter("status", str, enum=SearchStatus.values)],
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        run = get_evaluation_run(run_id)
        return self.page(searches(run, request.query_params.get("status", "")), SearchItemSerializer, order=("id",))


class SearchEvidence(ApiView):
    @describe("Show the exchanges of one search", answer=EvidenceSerializer)
    def get(self, request: Request, run_id: UUID, query_id: UUID) -> Response:
        run = get_evaluation_run(run_id)
        check_sighted(run, self.user)
        return Response(EvidenceSerializer(evidence_of(run, query_id)).data)
