"""Analyses: made, listed, followed, stopped, resumed, deleted; their figures by template and by query."""

from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from judging.api.base import IDEMPOTENCY_KEY, ApiView, describe
from judging.api.search.analyses.serializers import (
    AnalysisDetailSerializer,
    AnalysisSerializer,
    NewAnalysisSerializer,
    analysis_body,
    detail_body,
)
from judging.api.trust.comparison_views import P, file_answer, k_and_p
from judging.foundation.limits import MAX_PAGE, MAX_SEARCH
from judging.metrics.names import MAX_CUTOFF
from judging.models import Analysis
from judging.records.files.formats import TABLE_FORMATS, checked_format, export_file_name
from judging.rest.paging import page_size
from judging.runs.evaluations import delete_evaluation
from judging.search.analyses.acts import create_analysis, resume_analysis, stop_analysis
from judging.search.analyses.reads import analyses, get_analysis
from judging.trust.comparisons.queries.baseline_export import export_baseline_table
from judging.trust.comparisons.queries.baseline_table import (
    DEFAULT_LIST_ORDERING,
    LIST_ORDERINGS,
    baseline_order,
    baseline_rows,
    read_baseline_table,
)
from judging.trust.comparisons.queries.query_rows import page_of_order
from judging.work.rescue import rescue_stalled


class AnalysisList(ApiView):
    @describe("List the analyses, newest first", answer=AnalysisSerializer, many=True)
    def get(self, request: Request) -> Response:
        return self.page(analyses(), AnalysisSerializer, order=("-created_at", "id"), complete=_bodies)

    @describe(
        "Compare the lists of query templates with a baseline's",
        body=NewAnalysisSerializer,
        answer=AnalysisSerializer,
        status=201,
        conflict="idempotency_key_reused",
        query=[IDEMPOTENCY_KEY],
        description="Makes an evaluation and starts a run of the query set for each template. No judgments are needed;"
        " the runs can be judged and compared afterwards like any.",
    )
    def post(self, request: Request) -> Response:
        key = request.headers.get("Idempotency-Key", "")
        made = create_analysis(actor=self.user, idempotency_key=key, **self.body(NewAnalysisSerializer))
        return Response(_answer(made.pk), status=201)


class AnalysisDetail(ApiView):
    @describe(
        "Show how alike the lists are",
        answer={(200, "application/json"): AnalysisDetailSerializer, (200, "text/csv"): OpenApiTypes.BINARY},
        query=[
            OpenApiParameter(
                "k",
                {"type": "integer", "minimum": 1, "maximum": MAX_CUTOFF},
                description="How deep lists are compared: 10 unless given, and no deeper than they were searched.",
            ),
            P,
            OpenApiParameter(
                "ordering",
                str,
                enum=LIST_ORDERINGS,
                default=DEFAULT_LIST_ORDERING,
                description="By the mean over the templates: those that change most first unless given.",
            ),
            OpenApiParameter("search", str, description=f"In query and label, at most {MAX_SEARCH} characters."),
            OpenApiParameter("page_size", {"type": "integer", "minimum": 1, "maximum": MAX_PAGE}),
            OpenApiParameter("cursor", str, description="Where the page begins; `next` and `previous` have it."),
            OpenApiParameter("file_format", str, enum=list(TABLE_FORMATS), description="All rows, as a file."),
        ],
        description="`results` has a row per query once the baseline's run has ended, with each template whose run has.",
    )
    def get(self, request: Request, analysis_id: UUID) -> Response | StreamingHttpResponse:
        given = request.query_params
        analysis = get_analysis(analysis_id)
        rescue_stalled([each.run.search for each in analysis.runs.all()])
        baseline, *others = [each.run for each in analysis.runs.all()]
        k, p = k_and_p(request)
        table = read_baseline_table(baseline, others, k=k, p=p)
        order = baseline_order(
            table, ordering=given.get("ordering") or DEFAULT_LIST_ORDERING, search=given.get("search", "").strip()
        )
        if "file_format" in given:
            file_format = checked_format(TABLE_FORMATS, given["file_format"])
            name = export_file_name(str(analysis), "analysis", file_format)
            return file_answer(export_baseline_table(table, order, file_format), name, file_format.content_type)
        places, after, before = page_of_order(
            table.query_ids, order, cursor=given.get("cursor", ""), limit=page_size(given.get("page_size"))
        )
        url = request.build_absolute_uri()
        body = detail_body(analysis, table, baseline_rows(table, places))
        body |= {
            "next": replace_query_param(url, "cursor", after) if after else None,
            "previous": replace_query_param(url, "cursor", before) if before else None,
        }
        return Response(AnalysisDetailSerializer(body).data)

    @describe(
        "Delete an analysis with its evaluation and runs",
        status=204,
        conflict="run_active, run_locked, run_being_judged",
        description="The judgments stay with the corpus.",
    )
    def delete(self, request: Request, analysis_id: UUID) -> Response:
        delete_evaluation(actor=self.user, evaluation=get_analysis(analysis_id).evaluation)
        return Response(status=204)


class AnalysisStop(ApiView):
    @describe(
        "Stop the searches of an analysis",
        answer=AnalysisSerializer,
        description="Of all its runs; what came back stays. 400 `not_active` when none is queued or running.",
    )
    def post(self, request: Request, analysis_id: UUID) -> Response:
        stop_analysis(analysis=get_analysis(analysis_id), actor=self.user)
        return Response(_answer(analysis_id))


class AnalysisResume(ApiView):
    @describe(
        "Ask again what failed or was never asked",
        answer=AnalysisSerializer,
        conflict="nothing_to_resume, run_locked, run_being_judged, inputs_gone, endpoint_changed",
        description="In all runs that have ended.",
    )
    def post(self, request: Request, analysis_id: UUID) -> Response:
        resume_analysis(analysis=get_analysis(analysis_id), actor=self.user)
        return Response(_answer(analysis_id))


def _bodies(rows: list[Analysis]) -> list[dict[str, object]]:
    return [analysis_body(row) for row in rows]


def _answer(analysis_id: UUID) -> dict[str, object]:
    return AnalysisSerializer(analysis_body(get_analysis(analysis_id))).data
