"""The page of an evaluation run: metrics, grades; locking, deleting, exporting. Its queries: `query_table`."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRefresh, trigger_client_event

from judging.exports import JUDGMENT_FORMATS, RUN_FORMATS, checked_format, export_judgments, export_run
from judging.foundation.errors import NotFound
from judging.ledger.staleness import has_stale_metrics
from judging.models import EvaluationRun, EvaluationRunStatus
from judging.records.blindness import check_sighted, sight_of
from judging.records.certificates import valid_certificates
from judging.review.abstentions import cant_tell_count
from judging.runs import locks
from judging.runs.evaluations import delete_run
from judging.runs.run_lists import comparable_runs, get_evaluation_run
from judging.runs.run_summary import count_written, grade_distribution
from judging.search.runs.holes import holes_of
from judging.web.base import PageRequest, member_required, signed_in, tell_and_go
from judging.web.files import download
from judging.web.judging_runs.start import sidebar
from judging.web.metric_cards import cards_of, coverage_of
from judging.web.runs.query_table import queries_context
from judging.web.runs.query_tags import by_tag_context
from judging.web.search.runs.views import searching_context
from judging.work import workers

# Of the newest runs of the corpus, those in the menu; the page of a comparison has more.
_MOST_COMPARABLE = 12
_SEARCHED = (EvaluationRunStatus.COMPLETED, EvaluationRunStatus.FAILED, EvaluationRunStatus.CANCELLED)
_UNDER_IMPORT = (EvaluationRunStatus.QUEUED, EvaluationRunStatus.RUNNING)


@require_GET
@signed_in
def evaluation_run(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Show a run. Parts of the page renew themselves: `?part=` results, tags, queries and import."""
    part = request.GET.get("part", "") if request.htmx else ""
    try:
        run = get_evaluation_run(run_id)
    except NotFound:
        if not part:
            raise
        return render(request, "judging/runs/_gone.html", {"part": part})
    if part == "import":
        return _import_part(request, run)
    if part == "results" and request.user.is_member:
        return _results_part(request, run)
    if part == "tags" and request.user.is_member:
        return render(request, "judging/runs/_by_tag.html", by_tag_context(run, is_part=True))
    # The links of the table replace the table alone.
    if part == "queries" or request.htmx.target == "queries":
        return render(request, "judging/runs/_queries.html", queries_context(request, run))
    context = {"run": run, **queries_context(request, run), **_importing(run), **searching_context(run)}
    if request.user.is_member:
        context |= _results(request, run) | sidebar(request, run) | by_tag_context(run)
        context["is_blind"] = sight_of(run, request.user).is_blind
        context["comparable"] = [
            other
            for other in comparable_runs(run.evaluation.corpus, most=_MOST_COMPARABLE)
            if other != run and (other.scale, other.relevant_from) == (run.scale, run.relevant_from)
        ]
    return render(request, "judging/runs/detail.html", context)


@require_POST
@member_required
def lock_run(request: PageRequest, run_id: UUID) -> HttpResponse:
    run = locks.lock_run(run=get_evaluation_run(run_id), actor=request.user)
    return tell_and_go(
        request, f"{run.name} is locked: its judgments and metrics stand still.", "evaluation_run", run.pk
    )


@require_POST
@member_required
def unlock_run(request: PageRequest, run_id: UUID) -> HttpResponse:
    run = locks.unlock_run(run=get_evaluation_run(run_id), actor=request.user)
    return tell_and_go(
        request, f"{run.name} is unlocked and follows the corpus's judgments again.", "evaluation_run", run.pk
    )


@require_POST
@member_required
def delete_evaluation_run(request: PageRequest, run_id: UUID) -> HttpResponse:
    run = get_evaluation_run(run_id)
    delete_run(actor=request.user, run=run)
    return tell_and_go(
        request, f"{run.name} is deleted. The judgments stay with the corpus.", "evaluation", run.evaluation_id
    )


@require_GET
@member_required
def run_export(request: PageRequest, run_id: UUID) -> HttpResponseBase:
    run = get_evaluation_run(run_id)
    check_sighted(run, request.user)
    file_format = checked_format(RUN_FORMATS, request.GET.get("file_format", "trec_run"))
    return download(export_run(run, file_format.name), run.name, "run", file_format)


@require_GET
@member_required
def judgments_export(request: PageRequest, run_id: UUID) -> HttpResponseBase:
    run = get_evaluation_run(run_id)
    check_sighted(run, request.user)
    file_format = checked_format(JUDGMENT_FORMATS, request.GET.get("file_format", "csv"))
    return download(export_judgments(run, file_format.name), run.name, "judgments", file_format)


def _results_part(request: PageRequest, run: EvaluationRun) -> HttpResponse:
    context = _results(request, run)
    response = render(request, "judging/runs/_results.html", context)
    if "waiting" in request.GET and not context["is_renewing"]:
        trigger_client_event(response, "releval:metrics-renewed", after="settle")
    return response


def _results(request: PageRequest, run: EvaluationRun) -> dict[str, Any]:
    return {
        "run": run,
        "coverage": coverage_of(run),
        "cards": cards_of(run, certificates=valid_certificates([run.pk])),
        "grades": grade_distribution(run),
        "cant_tell_count": cant_tell_count(run, request.user),
        "holes": holes_of(run) if run.status in _SEARCHED else None,
        # Without a worker nothing is renewed, and nothing to wait for.
        "is_renewing": has_stale_metrics(run) and workers.has_live_worker(),
    }


def _importing(run: EvaluationRun) -> dict[str, Any]:
    is_importing = run.status in _UNDER_IMPORT and run.depth is None
    return {"is_importing": is_importing, "written": count_written(run) if is_importing else 0}


def _import_part(request: PageRequest, run: EvaluationRun) -> HttpResponse:
    context = {"run": run, **_importing(run)}
    if not context["is_importing"]:
        return HttpResponseClientRefresh()
    return render(request, "judging/runs/_importing.html", context)
