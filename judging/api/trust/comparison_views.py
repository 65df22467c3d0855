"""Evaluation runs against each other: is one better, could it be chance, and what differs query by query?"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from judging.api.base import ApiView, describe
from judging.api.trust.comparison_serializers import ComparisonSerializer, comparison_body
from judging.api.trust.query_comparison_serializers import (
    DecidingRunsSerializer,
    DecidingStartSerializer,
    SideBySideSerializer,
    row_body,
    summary_body,
)
from judging.foundation.errors import Invalid
from judging.foundation.limits import MAX_PAGE, MAX_SEARCH
from judging.judging_runs.deciding import DecidingOptions, start_deciding_runs
from judging.metrics.list_similarity import RBO_PERSISTENCE
from judging.metrics.names import MAX_CUTOFF
from judging.models import EvaluationRun
from judging.records.blindness import sight_of_both
from judging.records.files.formats import TABLE_FORMATS, checked_format, export_file_name
from judging.records.visibility import visible_judges
from judging.rest.paging import page_size
from judging.review.grid import rows_of
from judging.trust.comparisons.queries.by_tag import differences_by_tag
from judging.trust.comparisons.queries.noise import Noise, read_noise
from judging.trust.comparisons.queries.query_export import export_table
from judging.trust.comparisons.queries.query_rows import (
    DEFAULT_ORDERING,
    ORDERINGS,
    page_of_order,
    query_order,
    query_rows,
)
from judging.trust.comparisons.queries.query_table import Measure, choose_measure, read_query, read_query_table
from judging.trust.comparisons.queries.searches import repeated_run
from judging.trust.comparisons.queries.side_by_side import (
    MAX_SHOWN,
    aligned_documents,
    differing_fields,
    query_of_both,
    shuffled_documents,
)
from judging.trust.comparisons.run_comparison import check_comparable, comparison_of, read_runs

_CONFLICT = "scales_differ, corpora_differ, relevant_from_differs, run_not_completed"
P = OpenApiParameter(
    "p", OpenApiTypes.DOUBLE, description=f"How RBO weighs depth, between 0 and 1; {RBO_PERSISTENCE} unless given."
)
_MEASURE = [
    OpenApiParameter("metric", str, description="The first that both runs have unless given; any other is computed."),
    OpenApiParameter(
        "k",
        {"type": "integer", "minimum": 1, "maximum": MAX_CUTOFF},
        description="How deep lists are compared: the metric's cut-off unless given, else 10.",
    ),
    P,
]


class RunComparisonDetail(ApiView):
    @describe(
        "Compare two runs",
        answer={(200, "application/json"): ComparisonSerializer, (200, "text/csv"): OpenApiTypes.BINARY},
        conflict=_CONFLICT,
        query=[
            *_MEASURE,
            OpenApiParameter("ordering", str, enum=ORDERINGS, default=DEFAULT_ORDERING),
            OpenApiParameter("search", str, description=f"In query and label, at most {MAX_SEARCH} characters."),
            OpenApiParameter(
                "noise", OpenApiTypes.UUID, description="A second run of a's configuration (A/A); a clone unless given."
            ),
            OpenApiParameter(
                "with", str, description="Ids of further runs with commas between them, eight runs in all."
            ),
            OpenApiParameter("page_size", {"type": "integer", "minimum": 1, "maximum": MAX_PAGE}),
            OpenApiParameter("cursor", str, description="Where the page begins; `next` and `previous` have it."),
            OpenApiParameter("file_format", str, enum=list(TABLE_FORMATS), description="All rows, as a file."),
        ],
        description=(
            "b against a. `significance` is over the queries scored in both, in the metrics that both have; `summary` "
            "and `results` (a row per query that both have) are about one metric and the lists themselves."
        ),
    )
    def get(self, request: Request, run_id: UUID, other_run_id: UUID) -> Response | StreamingHttpResponse:
        given = request.query_params
        further = _run_ids(given.get("with", ""), "with")
        runs = read_runs([run_id, other_run_id, *further])
        check_comparable(runs)
        a, b = runs[:2]
        measure = _measure(request, a, b)
        table = read_query_table(a, b, measure)
        order = query_order(
            a, b, table, ordering=given.get("ordering") or DEFAULT_ORDERING, search=given.get("search", "").strip()
        )
        if "file_format" in given:
            file_format = checked_format(TABLE_FORMATS, given["file_format"])
            name = export_file_name(f"{a.name}-{b.name}", "comparison", file_format)
            return file_answer(export_table(a, b, table, order, file_format), name, file_format.content_type)
        places, after, before = page_of_order(
            table.query_ids, order, cursor=given.get("cursor", ""), limit=page_size(given.get("page_size"))
        )
        summary = summary_body(
            table.summary,
            metric=measure.metric.canonical_name,
            k=measure.k,
            p=measure.p,
            noise=_noise(request, a, b, measure),
        )
        url = request.build_absolute_uri()
        rows = [row_body(row) for row in query_rows(a, b, table, places)]
        body = comparison_body(comparison_of(runs))
        body |= {
            "summary": summary,
            "by_tag": differences_by_tag(a, b, table),
            "results": rows,
            "next": replace_query_param(url, "cursor", after) if after else None,
            "previous": replace_query_param(url, "cursor", before) if before else None,
        }
        return Response(ComparisonSerializer(body).data)


class ComparedQueryDetail(ApiView):
    @describe(
        "Show one query of two runs side by side",
        answer=SideBySideSerializer,
        conflict=_CONFLICT,
        query=[
            *_MEASURE,
            OpenApiParameter(
                "depth",
                {"type": "integer", "minimum": 1, "maximum": MAX_SHOWN},
                default=100,
                description="How many documents of each list.",
            ),
        ],
    )
    def get(self, request: Request, run_id: UUID, other_run_id: UUID, query_key: str) -> Response:
        a, b = read_runs([run_id, other_run_id])
        check_comparable([a, b])
        measure = _measure(request, a, b)
        depth = whole_number(request, "depth", MAX_SHOWN) or 100
        in_a, in_b = query_of_both(a, b, query_key)
        table = read_query(a, b, measure, in_b.query_id)
        sight = sight_of_both(a, b, self.user)
        # How deep a document stands is hidden from the blind.
        documents = aligned_documents(in_a, in_b, depth=MAX_SHOWN if sight.is_blind else depth)
        if sight.is_blind:
            documents = shuffled_documents(documents, self.user)
        of_a, of_b = (
            {row.candidate_pk: row for row in rows_of(run, [pk for pk in pks if pk], viewer=self.user, sight=sight)}
            for run, pks in (
                (a, [each.candidate_a for each in documents]),
                (b, [each.candidate_b for each in documents]),
            )
        )
        aligned = []
        for each in documents:
            row_a, row_b = of_a.get(each.candidate_a or 0), of_b.get(each.candidate_b or 0)
            shown = row_b or row_a
            if shown is None:
                continue
            differing = differing_fields(row_a.fields, row_b.fields) if row_a and row_b else {}
            aligned.append(
                {
                    "candidate_id": shown.document_key,
                    "rank_a": None if shown.is_hidden else each.rank_a,
                    "rank_b": None if shown.is_hidden else each.rank_b,
                    "mark": None if shown.is_hidden else each.mark,
                    "a": row_a,
                    "b": row_b,
                    "differing_fields": differing,
                }
            )
        (row,) = query_rows(a, b, table, [0])
        body = {
            "row": row_body(row),
            "metric": measure.metric.canonical_name,
            "k": measure.k,
            "documents": aligned,
        }
        return Response(SideBySideSerializer(body).data)


class DecidingStart(ApiView):
    @describe(
        "Judge what decides between two runs",
        body=DecidingStartSerializer,
        answer=DecidingRunsSerializer,
        status=201,
        conflict="run_not_completed, run_locked, archived, nothing_to_judge, idempotency_key_reused",
        query=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        description="The unjudged documents among the first k of either run; what both returned is judged once.",
    )
    def post(self, request: Request, run_id: UUID, other_run_id: UUID) -> Response:
        a, b = read_runs([run_id, other_run_id])
        check_comparable([a, b])
        values = self.body(DecidingStartSerializer)
        judge = visible_judges(self.user).filter(pk=values["ai_judge_id"]).first()
        if judge is None:
            raise Invalid("there is no such AI judge", errors={"ai_judge_id": ["There is no such AI judge."]})
        started = start_deciding_runs(
            a=a,
            b=b,
            judge=judge,
            actor=self.user,
            options=DecidingOptions(values["k"], values.get("max_concurrency"), values.get("max_total_tokens")),
            idempotency_key=request.headers.get("Idempotency-Key", ""),
        )
        body = {"total_count": sum(run.total_count for run in started), "judging_runs": started}
        return Response(DecidingRunsSerializer(body).data, status=201)


def _measure(request: Request, a: EvaluationRun, b: EvaluationRun) -> Measure:
    k, p = k_and_p(request)
    return choose_measure(a, b, metric=request.query_params.get("metric", ""), k=k, p=p)


def k_and_p(request: Request) -> tuple[int | None, float]:
    """Return how deep lists are to be compared, None unless said, and how RBO weighs depth. Raise Invalid."""
    try:
        p = float(request.query_params.get("p") or RBO_PERSISTENCE)
    except ValueError:
        raise Invalid("p is a number", errors={"p": ["a number between 0 and 1"]}) from None
    return whole_number(request, "k", MAX_CUTOFF), p


def whole_number(request: Request, name: str, most: int) -> int | None:
    """Return a parameter from 1 to `most`, None where it is left out. Raise Invalid."""
    given = request.query_params.get(name)
    if not given:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) < 6 and 1 <= int(given) <= most):
        raise Invalid(f"{name} is a whole number", errors={name: [f"a whole number from 1 to {most}"]})
    return int(given)


def _noise(request: Request, a: EvaluationRun, b: EvaluationRun, measure: Measure) -> Noise | None:
    ids = _run_ids(request.query_params.get("noise", ""), "noise")
    again = read_runs([a.pk, ids[0]])[1] if ids else repeated_run(a, b)
    if again is None:
        return None
    check_comparable([a, again])
    return read_noise(a, again, measure)


def _run_ids(text: str, name: str) -> list[UUID]:
    try:
        return [UUID(part.strip()) for part in text.split(",") if part.strip()]
    except ValueError:
        raise Invalid("which runs?", errors={name: ["ids of evaluation runs, with commas between them"]}) from None


def file_answer(pieces: Iterator[str], name: str, content_type: str) -> StreamingHttpResponse:
    """Answer pieces of text as a file to save."""
    headers: dict[str, Any] = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingHttpResponse(pieces, content_type=content_type, headers=headers)
