"""Executed runs: started from an evaluation, followed, stopped, and read search by search."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRefresh

from judging.foundation.clock import shared_now
from judging.foundation.errors import Conflict, Invalid
from judging.models import EvaluationRun, SearchRun, SearchStatus
from judging.records.blindness import check_sighted
from judging.runs.evaluation_lists import get_evaluation
from judging.runs.run_lists import get_evaluation_run
from judging.search.runs.making import clone_search_run, create_search_run, no_endpoint
from judging.search.runs.remapping import remap_search_run
from judging.search.runs.searches import evidence_of, failed_names, search_of_run, searches, shown_body
from judging.search.runs.starting import resume_search_run, start_search_run, stop_search_run
from judging.web.base import PageRequest, errors_as_toast, errors_on, go_to, member_required, page_of, toast
from judging.web.search.runs.forms import SearchForm
from judging.web.search.runs.words import FAILURES
from judging.work import workers
from judging.work.rescue import rescue_if_stalled

_SHOWN_BODY = 20_000


def searching_context(run: EvaluationRun) -> dict[str, Any]:
    """Return what the page of a run shows of its searches, nothing for an imported one."""
    search = search_of_run(run)
    if search is None:
        return {"search": None}
    rescue_if_stalled(search)
    return {
        "search": search,
        "is_live": search.is_active or _is_settling(search),
        "is_worker_missing": search.is_active and not workers.has_live_worker(),
        "failed_names": failed_names(run) if search.failed_count else [],
        "bounds": _bounds(run, search.failed_count),
    }


def _is_settling(search: SearchRun) -> bool:
    """Tell whether a worker still holds searches of a run that has ended: their answers may land, or they are skipped."""
    held = search.lanes.filter(lease_token__isnull=False, lease_until__gt=shared_now())
    return search.pending_count > 0 and held.exists()


def _bounds(run: EvaluationRun, failed: int) -> list[tuple[str, float, float]]:
    """Return between what each mean would lie if the failed searches had gone as badly, or as well, as can be."""
    scored = run.scored_query_count
    if not failed or not scored:
        return []
    return [
        (name, value * scored / (scored + failed), (value * scored + failed) / (scored + failed))
        for name, value in run.metric_values.items()
        # Unlike the others, this one has no highest value.
        if value is not None and not name.upper().startswith("DCG")
    ]


@member_required
def search_evaluation(request: PageRequest, evaluation_id: UUID) -> HttpResponse:
    """Make a run and start it."""
    evaluation = get_evaluation(evaluation_id)
    if evaluation.endpoint_id is None:
        toast(request, messages.INFO, no_endpoint().message)
        return go_to(request, "evaluation", evaluation.pk)
    form = SearchForm(request.POST or None, evaluation=evaluation)
    if form.is_valid():
        with errors_on(form):
            run = create_search_run(
                evaluation=evaluation,
                actor=request.user,
                name=form.cleaned_data["name"],
                options=form.options(),
                start=True,
            )
            return go_to(request, "evaluation_run", run.pk)
    return render(request, "judging/search/runs/create.html", {"evaluation": evaluation, "form": form})


@require_GET
@member_required
def search_progress(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Answer the part of a run's page that polls; when the run's status is no longer `was`, the page is made anew."""
    run = get_evaluation_run(run_id)
    context = searching_context(run)
    if not context.get("is_live") or request.GET.get("was", run.status) != run.status:
        return HttpResponseClientRefresh()
    return render(request, "judging/search/runs/_progress.html", {"run": run, **context})


@require_POST
@member_required
def start_search(request: PageRequest, run_id: UUID) -> HttpResponse:
    run = get_evaluation_run(run_id)
    with errors_as_toast(request, Conflict, Invalid):
        start_search_run(run=run, actor=request.user)
    return go_to(request, "evaluation_run", run.pk)


@require_POST
@member_required
def stop_search(request: PageRequest, run_id: UUID) -> HttpResponse:
    run = get_evaluation_run(run_id)
    with errors_as_toast(request, Invalid, level=messages.INFO):
        stop_search_run(run=run, actor=request.user)
    return go_to(request, "evaluation_run", run.pk)


@require_POST
@member_required
def resume_search(request: PageRequest, run_id: UUID) -> HttpResponse:
    run = get_evaluation_run(run_id)
    with errors_as_toast(request, Conflict, Invalid):
        resume_search_run(run=run, actor=request.user)
    return go_to(request, "evaluation_run", run.pk)


@require_POST
@member_required
def clone_search(request: PageRequest, run_id: UUID) -> HttpResponse:
    run = get_evaluation_run(run_id)
    with errors_as_toast(request, Conflict, Invalid):
        run = clone_search_run(run=run, actor=request.user)
        toast(request, messages.SUCCESS, "The same searches are ready to be started again.")
    return go_to(request, "evaluation_run", run.pk)


@require_POST
@member_required
def remap_search(request: PageRequest, run_id: UUID) -> HttpResponse:
    run = get_evaluation_run(run_id)
    with errors_as_toast(request, Conflict, Invalid):
        done = remap_search_run(run=run, actor=request.user)
        kept = f" {done.not_remapped_count:,} keep what they had." if done.not_remapped_count else ""
        toast(request, messages.SUCCESS, f"{done.remapped_count:,} answers were read again.{kept}")
    return go_to(request, "evaluation_run", run.pk)


@require_GET
@member_required
def run_searches(request: PageRequest, run_id: UUID) -> HttpResponseBase:
    """List the searches of a run, or those with a status."""
    run = get_evaluation_run(run_id)
    context = searching_context(run)
    if context["search"] is None:
        toast(request, messages.INFO, "The run was imported: there is no search to it.")
        return go_to(request, "evaluation_run", run.pk)
    status = request.GET.get("status", "")
    status = status if status in SearchStatus.values else ""
    search = context["search"]
    context |= {
        "run": run,
        "status": status,
        "statuses": [
            ("", "All", search.total_count),
            *((value, label, getattr(search, f"{value}_count")) for value, label in SearchStatus.choices),
        ],
        "page": page_of(request, searches(run, status), size=50),
        "failures": FAILURES,
    }
    return render(request, "judging/search/runs/searches.html", context)


@require_GET
@member_required
def run_search(request: PageRequest, run_id: UUID, query_id: UUID) -> HttpResponse:
    """Show one search with its exchanges."""
    run = get_evaluation_run(run_id)
    if search_of_run(run) is None:
        toast(request, messages.INFO, "The run was imported: there is no search to it.")
        return go_to(request, "evaluation_run", run.pk)
    # The engine's answer is the list in its order, with scores.
    check_sighted(run, request.user)
    evidence = evidence_of(run, query_id)
    exchanges = [(exchange, shown_body(exchange)) for exchange in evidence.exchanges]
    context = {
        "run": run,
        "item": evidence.item,
        "curl": evidence.curl,
        "failure": FAILURES.get(evidence.item.failure_code),
        "exchanges": [(exchange, body[:_SHOWN_BODY], len(body) > _SHOWN_BODY) for exchange, body in exchanges],
    }
    return render(request, "judging/search/runs/search.html", context)
