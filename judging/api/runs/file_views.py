"""Files: a run, its judgments and its AI judging runs go out, judgments come in."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import ApiView, describe
from judging.api.runs.query_filters import QUERY_FILTERS, wanted_queries
from judging.api.runs.serializers import JudgmentsImportAnswerSerializer, JudgmentsImportSerializer
from judging.exports import (
    ITEM_FORMATS,
    JUDGMENT_FORMATS,
    RUN_FORMATS,
    ExportFormat,
    checked_format,
    export_file_name,
    export_judging_run,
    export_judgments,
    export_run,
)
from judging.foundation.errors import NotFound
from judging.judging_runs.run_reads import get_judging_run
from judging.models import Corpus
from judging.records.blindness import check_sighted
from judging.records.files.formats import QUERY_FORMATS
from judging.runs.importing.formats.recognition import read_as_of
from judging.runs.importing.judgment_import import import_judgments
from judging.runs.query_export import export_by_tag, export_queries
from judging.runs.run_lists import get_evaluation_run

_View = TypeVar("_View", bound=Callable[..., Any])


def _describe_file(
    summary: str,
    formats: Mapping[str, ExportFormat],
    *,
    default: str,
    conflict: str = "",
    description: str = "",
    query: Sequence[OpenApiParameter] = (),
) -> Callable[[_View], _View]:
    """Describe a method that answers a file, in each of its media types."""
    media_types = [file_format.content_type.partition(";")[0] for file_format in formats.values()]
    decorate: Callable[[_View], _View] = extend_schema(
        summary=summary,
        description=description or None,
        parameters=[OpenApiParameter("file_format", str, enum=list(formats), default=default), *query],
        responses={(200, media_type): OpenApiTypes.STR for media_type in media_types},
        extensions={"x-conflict": conflict} if conflict else None,
    )
    return decorate


def _file(pieces: Iterator[str], title: str, kind: str, file_format: ExportFormat) -> StreamingHttpResponse:
    name = export_file_name(title, kind, file_format)
    return StreamingHttpResponse(
        pieces,
        content_type=file_format.content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"},
    )


class RunExport(ApiView):
    @_describe_file("Export a run", RUN_FORMATS, default="trec_run", conflict="not_exportable")
    def get(self, request: Request, run_id: UUID) -> StreamingHttpResponse:
        run = get_evaluation_run(run_id)
        check_sighted(run, self.user)
        file_format = checked_format(RUN_FORMATS, request.query_params.get("file_format", "trec_run"))
        return _file(export_run(run, file_format.name), run.name, "run", file_format)


class QueryExport(ApiView):
    @_describe_file(
        "Export a run's queries with their metrics",
        QUERY_FORMATS,
        default="csv",
        description="What the list of queries has: `json` an array of the same objects, CSV a column per metric and one"
        " for its coverage. With `by=tag` the run's metrics by tag instead.",
        query=[*QUERY_FILTERS, OpenApiParameter("by", str, enum=("query", "tag"), default="query")],
    )
    def get(self, request: Request, run_id: UUID) -> StreamingHttpResponse:
        run = get_evaluation_run(run_id)
        file_format = checked_format(QUERY_FORMATS, request.query_params.get("file_format", "csv"))
        if request.query_params.get("by") == "tag":
            return _file(export_by_tag(run, file_format), run.name, "tags", file_format)
        queries, _ = wanted_queries(request, run)
        return _file(export_queries(run, queries, file_format), run.name, "queries", file_format)


class JudgmentExport(ApiView):
    @_describe_file(
        "Export the judgments on a run's queries",
        JUDGMENT_FORMATS,
        default="csv",
        conflict="not_exportable",
        description=(
            "`csv`, `csv_excel` (with the mark that tells Excel of UTF-8), `jsonl` and `quepid_book`: everybody's; the"
            " others: the effective grades."
        ),
    )
    def get(self, request: Request, run_id: UUID) -> StreamingHttpResponse:
        run = get_evaluation_run(run_id)
        check_sighted(run, self.user)
        file_format = checked_format(JUDGMENT_FORMATS, request.query_params.get("file_format", "csv"))
        return _file(export_judgments(run, file_format.name), run.name, "judgments", file_format)


class JudgingRunExport(ApiView):
    @_describe_file(
        "Export what an AI judging run said",
        ITEM_FORMATS,
        default="csv",
        description="Its own items, whatever judging runs came later.",
    )
    def get(self, request: Request, judging_run_id: UUID) -> StreamingHttpResponse:
        judging_run = get_judging_run(judging_run_id)
        check_sighted(judging_run.evaluation_run, self.user)
        file_format = checked_format(ITEM_FORMATS, request.query_params.get("file_format", "csv"))
        title = f"{judging_run.evaluation_run.name} {judging_run.judge_version.label}"
        return _file(export_judging_run(judging_run, file_format.name), title, "ai-judging-run", file_format)


class JudgmentImport(ApiView):
    parser_classes = [MultiPartParser]
    upload = True

    @describe(
        "Import judgments into a corpus",
        body={"multipart/form-data": JudgmentsImportSerializer},
        answer=JudgmentsImportAnswerSerializer,
        description=(
            "All or nothing. An author's earlier grades of the same candidates are replaced; AI grades that a judging"
            " run of this installation wrote are kept. An author is the member with this e-mail address, else an"
            " imported rater, which `rater:` before a name says of an address, too. Items of an exported AI judging run"
            " that have no grade are left out, and so are lines without a grade or with one below 0, identical lines, and"
            " judgments of queries that neither the file nor a run of the corpus knows; `warnings` counts them."
        ),
    )
    def post(self, request: Request, corpus_id: UUID) -> Response:
        corpus = Corpus.objects.filter(pk=corpus_id).first()
        if corpus is None:
            raise NotFound("no such corpus")
        values = self.body(JudgmentsImportSerializer)
        outcome = import_judgments(
            corpus=corpus,
            actor=self.user,
            file=values["file"],
            file_name=values["file"].name or "",
            read_as=read_as_of(values.get("read_as") or values.get("file_format"), ("file", "queries")),
            scale=values.get("scale"),
            queries_file=values.get("queries"),
        )
        return Response(JudgmentsImportAnswerSerializer(outcome).data)
