"""Evaluation runs: made, filled, imported, changed, locked, and read query by query."""

from typing import IO, Any
from uuid import UUID

from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import IDEMPOTENCY_KEY, ApiView, describe
from judging.api.runs.evaluation_views import get_evaluation
from judging.api.runs.query_filters import ARCHIVED, MINE, QUERY_FILTERS, asked_of, asks_for_archived, wanted_queries
from judging.api.runs.search_block import SEARCH_OPTIONS
from judging.api.runs.serializers import (
    ImportedRunSerializer,
    NewRunSerializer,
    ResultsSerializer,
    RunChangeSerializer,
    RunForRatersSerializer,
    RunImportSerializer,
    RunQueryForRatersSerializer,
    RunQuerySerializer,
    RunSerializer,
    RunWithWarningsSerializer,
)
from judging.foundation.errors import Invalid
from judging.ledger.staleness import with_staleness
from judging.rest.permissions import AnyRole, MembersOnly
from judging.runs import locks
from judging.runs.archiving import archive_run, restore_run
from judging.runs.blindness import lift_blindness
from judging.runs.evaluation_runs import update_run
from judging.runs.evaluations import delete_run
from judging.runs.importing import run_import
from judging.runs.importing.formats.recognition import read_as_of
from judging.runs.importing.results import InlineResults, RunSource
from judging.runs.importing.run_files import ResultsFile, RunFiles
from judging.runs.importing.run_import import ImportOutcome
from judging.runs.run_lists import check_query_order_for_raters, get_evaluation_run, listed_runs
from judging.search.runs.making import RunOptions, create_search_run, no_endpoint


class RunView(ApiView):
    """A view of runs that raters see, too."""

    @property
    def run_serializer(self) -> type[RunSerializer]:
        return RunSerializer if self.user.is_member else RunForRatersSerializer


class RunList(RunView):
    permission_classes = [AnyRole]
    method_permissions = {"POST": [MembersOnly]}

    @describe("List the runs of an evaluation, newest first", answer=RunSerializer, many=True, query=[ARCHIVED, MINE])
    def get(self, request: Request, evaluation_id: UUID) -> Response:
        runs = listed_runs(get_evaluation(evaluation_id), is_archived=asks_for_archived(request))
        return self.page(with_staleness(asked_of(request, runs)), self.run_serializer, order=("-created_at", "id"))

    @describe(
        "Make a run",
        body=NewRunSerializer,
        answer=RunWithWarningsSerializer,
        status=201,
        conflict="archived, inputs_gone, endpoint_changed, idempotency_key_reused",
        query=[IDEMPOTENCY_KEY],
        description="With results it is `completed`. Without, it is `pending`: until it is started, in an evaluation with a"
        " search endpoint, else until it gets its results. An Idempotency-Key counts for a run that is to be executed.",
    )
    def post(self, request: Request, evaluation_id: UUID) -> Response:
        evaluation = get_evaluation(evaluation_id)
        values = self.body(NewRunSerializer)
        options = {name: values.pop(name) for name in SEARCH_OPTIONS if name in values}
        if "results" not in values and evaluation.endpoint_id is not None:
            run = create_search_run(
                evaluation=evaluation,
                actor=self.user,
                name=values.pop("name"),
                start=options.pop("start", False),
                idempotency_key=request.headers.get("Idempotency-Key", ""),
                options=RunOptions(
                    depth=options.pop("depth", None),
                    query_limit=options.pop("query_limit", None),
                    overrides=options,
                    **values,
                ),
            )
            return _made(ImportOutcome(run, []))
        if options.keys() - {"start"} or options.get("start"):
            raise no_endpoint()
        if missing := {name: ["This field is required."] for name in ("scale", "metrics") if name not in values}:
            raise Invalid("a field is missing", errors=missing)
        if "results" not in values:
            run = run_import.create_run(evaluation=evaluation, actor=self.user, **values)
            return _made(ImportOutcome(run, []))
        source = InlineResults(values.pop("results"))
        return _made(run_import.import_run(evaluation=evaluation, actor=self.user, source=source, **values))


class RunResults(ApiView):
    @describe(
        "Give a pending run its results",
        body=ResultsSerializer,
        answer=RunWithWarningsSerializer,
        conflict="archived, run_not_pending",
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        source = InlineResults(self.body(ResultsSerializer)["results"])
        outcome = run_import.fill_run(run=get_evaluation_run(run_id), actor=self.user, source=source)
        return _made(outcome, status=200)


class RunImport(ApiView):
    parser_classes = [MultiPartParser]
    upload = True

    @describe(
        "Import a run from files",
        body={"multipart/form-data": RunImportSerializer},
        answer=ImportedRunSerializer,
        status=201,
        conflict="archived",
        description="Each file is recognised from its first lines unless `read_as` says what it is.",
    )
    def post(self, request: Request, evaluation_id: UUID) -> Response:
        evaluation = get_evaluation(evaluation_id)
        values = self.body(RunImportSerializer)
        source = _source(values)
        outcome = run_import.import_run(evaluation=evaluation, actor=self.user, source=source, **values)
        context = {"warnings": outcome.warnings, "read_as": outcome.read_as}
        return Response(ImportedRunSerializer(outcome.run, context=context).data, status=201)


def _source(values: dict[str, Any]) -> RunSource:
    """Take the files out of a form's values."""
    files: dict[str, IO[bytes]] = {
        name: values.pop(name) for name in ("results", "run", "queries", "documents") if name in values
    }
    allow_missing = values.pop("allow_missing_documents")
    only_ranked = values.pop("only_ranked_queries")
    read_as = read_as_of(values.pop("read_as", None), files)
    if "results" in files:
        return ResultsFile(files["results"], read_as, allow_missing_documents=allow_missing)
    return RunFiles(**files, allow_missing_documents=allow_missing, only_ranked_queries=only_ranked, read_as=read_as)


class RunDetail(RunView):
    permission_classes = [AnyRole]
    method_permissions = {"PATCH": [MembersOnly], "DELETE": [MembersOnly]}

    @describe("Show a run", answer=RunSerializer)
    def get(self, request: Request, run_id: UUID) -> Response:
        return Response(self.run_serializer(get_evaluation_run(run_id)).data)

    @describe("Change a run", body=RunChangeSerializer, answer=RunSerializer, conflict="run_locked")
    def patch(self, request: Request, run_id: UUID) -> Response:
        run = get_evaluation_run(run_id)
        changes = self.body(RunChangeSerializer, partial=True)
        is_archived = changes.pop("is_archived", None)
        if changes or is_archived is None:
            run = update_run(run=run, actor=self.user, **changes)
        if is_archived is not None:
            act = archive_run if is_archived else restore_run
            run = act(actor=self.user, run=run)
        return Response(RunSerializer(run).data)

    @describe(
        "Delete a run with its AI judging runs",
        status=204,
        conflict="run_locked, run_being_judged, run_being_imported",
        description="The judgments stay with the corpus.",
    )
    def delete(self, request: Request, run_id: UUID) -> Response:
        delete_run(actor=self.user, run=get_evaluation_run(run_id))
        return Response(status=204)


class RunLock(ApiView):
    @describe(
        "Lock a run",
        answer=RunSerializer,
        conflict="run_locked, run_not_completed",
        description="No judgment on it changes until it is unlocked; AI judging under way ends as failed.",
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        return Response(RunSerializer(locks.lock_run(run=get_evaluation_run(run_id), actor=self.user)).data)


class RunUnlock(ApiView):
    @describe(
        "Unlock a run",
        answer=RunSerializer,
        conflict="run_not_locked",
        description="It follows the corpus's judgments again.",
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        return Response(RunSerializer(locks.unlock_run(run=get_evaluation_run(run_id), actor=self.user)).data)


class RunShowGrades(ApiView):
    @describe(
        "Show yourself the grades of a blind run",
        status=204,
        conflict="run_not_blind",
        description="For good, and written into the audit list. Your later grades on it count as `saw_ai_grade: true`.",
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        lift_blindness(run=get_evaluation_run(run_id), actor=self.user)
        return Response(status=204)


class RunQueryList(ApiView):
    permission_classes = [AnyRole]

    @describe("List a run's queries", answer=RunQuerySerializer, many=True, query=QUERY_FILTERS)
    def get(self, request: Request, run_id: UUID) -> Response:
        run = get_evaluation_run(run_id)
        if self.user.is_member:
            queries, order = wanted_queries(request, run)
            return self.page(queries, RunQuerySerializer, order=order)
        check_query_order_for_raters(request.query_params.get("ordering", ""))
        queries, order = wanted_queries(request, run)
        return self.page(queries.select_related("run"), RunQueryForRatersSerializer, order=order)


def _made(outcome: ImportOutcome, status: int = 201) -> Response:
    answer = RunWithWarningsSerializer(outcome.run, context={"warnings": outcome.warnings})
    return Response(answer.data, status=status)
