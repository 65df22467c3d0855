"""Analyses: made, followed, stopped, and read by template and by query."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from judging.foundation.errors import Conflict, Invalid
from judging.models import Analysis, EvaluationRunStatus
from judging.records.files.formats import TABLE_FORMATS, checked_format, export_file_name
from judging.runs.evaluations import delete_evaluation
from judging.search.analyses.acts import create_analysis, resume_analysis, stop_analysis
from judging.search.analyses.reads import analyses, get_analysis
from judging.trust.comparisons.queries.baseline_export import export_baseline_table
from judging.trust.comparisons.queries.baseline_table import (
    DEFAULT_LIST_ORDERING,
    LIST_ORDERINGS,
    BaselineTable,
    baseline_order,
    baseline_rows,
    read_baseline_table,
)
from judging.web.base import (
    PageRequest,
    errors_as_toast,
    errors_on,
    go_to,
    member_required,
    page_of,
    searched_for,
    tell_and_go,
)
from judging.web.search.analyses.forms import AnalysisForm
from judging.web.trust.compared_queries import link
from judging.work import workers
from judging.work.rescue import rescue_stalled

_ROWS = 25
_ORDERS = (("rbo", "Most changed first"), ("-rbo", "Least changed first"), ("query", "By query"))


@require_safe
@member_required
def analysis_list(request: PageRequest) -> HttpResponse:
    return render(request, "judging/search/analyses/list.html", {"page": page_of(request, analyses())})


@member_required
def analysis_create(request: PageRequest) -> HttpResponse:
    form = AnalysisForm(request.POST or None)
    if form.is_valid():
        with errors_on(form):
            made = create_analysis(actor=request.user, **form.values())
            return go_to(request, "analysis", made.pk)
    status = 400 if request.method == "POST" else 200
    return render(request, "judging/search/analyses/create.html", {"form": form}, status=status)


@require_GET
@member_required
def analysis(request: PageRequest, analysis_id: UUID) -> HttpResponseBase:
    """Show an analysis. The table of queries renews itself alone; `?file_format=` answers it as a file."""
    found = get_analysis(analysis_id)
    context = _figures(found, _k(request))
    table: BaselineTable = context["table"]
    ordering = request.GET.get("ordering", "")
    ordering = ordering if ordering in LIST_ORDERINGS else DEFAULT_LIST_ORDERING
    search = searched_for(request)
    order: Any = baseline_order(table, ordering=ordering, search=search)  # is cut like a list
    if "file_format" in request.GET:
        file_format = checked_format(TABLE_FORMATS, request.GET["file_format"])
        name = export_file_name(str(found), "analysis", file_format)
        return StreamingHttpResponse(
            export_baseline_table(table, order, file_format),
            content_type=file_format.content_type,
            headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"},
        )
    page = page_of(request, order, size=_ROWS)
    context |= {
        "page": page,
        "query_rows": baseline_rows(table, [int(place) for place in page.rows]),
        "ordering": ordering,
        "search": search,
        "order_links": [(label, link(request, ordering=name), name == ordering) for name, label in _ORDERS],
        "all_url": link(request, search=""),
        "file_url": link(request, file_format="csv"),
    }
    part = "_queries" if request.htmx.target == "queries" else "detail"
    return render(request, f"judging/search/analyses/{part}.html", context)


@require_GET
@member_required
def analysis_progress(request: PageRequest, analysis_id: UUID) -> HttpResponse:
    """Answer the part of the page that polls; once all runs have ended, the page is made anew."""
    found = get_analysis(analysis_id)
    if not found.is_active:
        return HttpResponseClientRefresh()
    return render(request, "judging/search/analyses/_templates.html", _figures(found, _k(request)))


@require_POST
@member_required
def analysis_stop(request: PageRequest, analysis_id: UUID) -> HttpResponse:
    with errors_as_toast(request, Invalid, level=messages.INFO):
        stop_analysis(analysis=get_analysis(analysis_id), actor=request.user)
    return go_to(request, "analysis", analysis_id)


@require_POST
@member_required
def analysis_resume(request: PageRequest, analysis_id: UUID) -> HttpResponse:
    with errors_as_toast(request, Conflict, Invalid):
        resume_analysis(analysis=get_analysis(analysis_id), actor=request.user)
    return go_to(request, "analysis", analysis_id)


@require_POST
@member_required
def analysis_delete(request: PageRequest, analysis_id: UUID) -> HttpResponse:
    found = get_analysis(analysis_id)
    delete_evaluation(actor=request.user, evaluation=found.evaluation)
    return tell_and_go(request, f"{found} is deleted with its runs.", "analyses")


def _figures(found: Analysis, k: int | None) -> dict[str, Any]:
    """Return what the table of templates shows, figures where runs have ended."""
    runs = [each.run for each in found.runs.all()]
    rescue_stalled([run.search for run in runs])
    baseline, *others = runs
    try:
        table = read_baseline_table(baseline, others, k=k)
    except Invalid:
        table = read_baseline_table(baseline, others)
    summaries = {pk: side.summary for pk, side in table.sides.items()}
    return {
        "analysis": found,
        "baseline": baseline,
        "table": table,
        "templates": [(run, summaries.get(run.pk)) for run in runs],
        # Side by side takes completed runs.
        "is_baseline_completed": baseline.status == EvaluationRunStatus.COMPLETED,
        "is_worker_missing": found.is_active and not workers.has_live_worker(),
        "has_unanswered": any(
            run.search.failed_count or run.search.skipped_count or run.status == EvaluationRunStatus.PENDING
            for run in runs
        ),
    }


def _k(request: PageRequest) -> int | None:
    given = request.GET.get("k", "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 6 else None
