"""The review grid: ranked lists with everybody's grades, filtered, graded by key, confirmed and exported."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import trigger_client_event

from judging.foundation.errors import Invalid, NotFound
from judging.foundation.limits import MAX_CONFIRMED, MAX_REASONING, MAX_VIEW_NAME
from judging.ledger import PersonGrade
from judging.models import EvaluationRun
from judging.records.blindness import sight_of
from judging.records.files.formats import TABLE_FORMATS, checked_format, export_file_name
from judging.review.grid import opinions_of, rows_of
from judging.review.grid_export import export_grid
from judging.review.grid_filter import GridFilter, check_open_to_blind, grid_counts, parse_grid_filter
from judging.review.grid_lists import is_by_query, list_page
from judging.review.grid_order import DEFAULT_ORDERING, bands_of
from judging.review.matching import last_confirmed
from judging.review.own_grades import candidate_of
from judging.review.own_views import grid_query, views_of
from judging.review.reviewing import confirm_ai_grades, grade_candidates
from judging.runs.run_lists import get_evaluation_run
from judging.web.base import PageRequest, go_back, page_or_fragment, sentence, signed_in, toast
from judging.web.review.documents import field_texts
from judging.web.review.given import given_grades
from judging.web.review.grid_controls import controls, ordering_control, tabs
from judging.web.review.grid_rows import MetricCards, entry_of, grade_keys, metric_cards, ranked_lists

# Runs with more candidates are counted after the page, in a request of its own.
_COUNTED_AT_ONCE = 5000


@require_GET
@signed_in
def review_grid(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Show candidates with everyone's grades. Filters that can't be read are listed, and kept as given."""
    run = get_evaluation_run(run_id)
    if _is_part(request, "metrics"):
        return render(
            request, "judging/review/grid/_metrics.html", {"metrics": _metrics(request, run), "base": _base(run)}
        )
    problems: list[str] = []
    grid_filter, ordering = GridFilter(), DEFAULT_ORDERING
    try:
        grid_filter, ordering = _asked(request, run)
    except Invalid as error:
        problems = [f"{name}: {', '.join(texts)}" for name, texts in error.errors.items()]
    context = _frame(request, run, grid_filter, ordering) | {"problems": problems}
    if _is_part(request, "counts"):
        return render(request, "judging/review/grid/_views.html", context)
    if not problems:
        page = list_page(
            run,
            viewer=request.user,
            grid_filter=grid_filter,
            ordering=ordering,
            cursor=request.GET.get("cursor", ""),
        )
        context["lists"] = ranked_lists(page.rows, is_by_query=is_by_query(ordering))
        context["next_url"] = _page_url(context["query"], run, page.next_cursor)
        context["previous_url"] = _page_url(context["query"], run, page.previous_cursor)
    return page_or_fragment(request, "judging/review/grid/grid.html", "judging/review/grid/_grid.html", context)


@require_GET
@signed_in
def grid_detail(request: PageRequest, run_id: UUID, candidate_pk: int) -> HttpResponse:
    """Show everything about a candidate: fields, reasoning, the grades of people and of every AI judging run."""
    run = get_evaluation_run(run_id)
    candidate = candidate_of(run, candidate_pk)
    (row,) = rows_of(run, [candidate.pk], viewer=request.user)
    context = {
        "run": run,
        "base": _base(run),
        "entry": entry_of(row),
        "fields": field_texts(row.fields),
        "opinions": [] if row.is_hidden else opinions_of([candidate.pk]).get(candidate.pk, []),
        "is_open": run.takes_grades,
        "max_note": MAX_REASONING,
        "grades": grade_keys(run.grading_scale),
        "here": request.get_full_path(),
    }
    return page_or_fragment(request, "judging/review/grid/detail.html", "judging/review/grid/_detail.html", context)


@require_POST
@signed_in
def give_grade(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Save grades, and answer with the user's earlier ones, to undo it."""
    run = get_evaluation_run(run_id)
    before = grade_candidates(run=run, grades=given_grades(request), actor=request.user)
    return _saved(request, run_id, before)


@require_POST
@signed_in
def confirm_grades(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Copy the AI's grades of the chosen rows as the user's own; `seen` = candidate_pk:grade each, as shown."""
    run = get_evaluation_run(run_id)
    seen = {}
    for chosen in request.POST.getlist("seen"):
        candidate_pk, _, grade = chosen.partition(":")
        seen[_candidate_pk(candidate_pk)] = _grade(grade)
    if not seen:
        raise Invalid("choose the rows whose AI grade you confirm")
    confirmed = confirm_ai_grades(run=run, seen=seen, actor=request.user)
    count = len(confirmed.before)
    message = f"{count} AI {'grade' if count == 1 else 'grades'} confirmed."
    if confirmed.without_ai_grade:
        message += f" {confirmed.without_ai_grade} without an AI grade left alone."
    if confirmed.changed_meanwhile:
        message += f" {confirmed.changed_meanwhile} changed meanwhile: look again."
    if count and request.htmx:
        message = format_html('{} <button type="button" class="btn btn-quiet btn-sm" data-undo>Undo</button>', message)
    toast(request, messages.SUCCESS if count else messages.WARNING, message)
    return _saved(request, run_id, confirmed.before, shown=list(seen))


@require_POST
@signed_in
def restore_grades(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Undo: save the user's earlier grades, as `give_grade` and `confirm_grades` returned them."""
    run = get_evaluation_run(run_id)
    grades = given_grades(request)
    grade_candidates(run=run, grades=grades, actor=request.user)
    if len(grades) > 1:
        toast(request, messages.SUCCESS, f"{len(grades)} grades taken back.")
    return _saved(request, run_id, grades, can_undo=False)


@require_GET
@signed_in
def export_review(request: PageRequest, run_id: UUID) -> StreamingHttpResponse:
    """Download what the filter leaves as CSV."""
    run = get_evaluation_run(run_id)
    grid_filter, ordering = _asked(request, run)
    file_format = checked_format(TABLE_FORMATS, request.GET.get("file_format", "csv"))
    name = export_file_name(run.name, "review", file_format)
    return StreamingHttpResponse(
        export_grid(run, viewer=request.user, grid_filter=grid_filter, ordering=ordering, file_format=file_format),
        content_type=file_format.content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"},
    )


def _asked(request: PageRequest, run: EvaluationRun) -> tuple[GridFilter, str]:
    is_blind = sight_of(run, request.user).is_blind
    grid_filter = parse_grid_filter(request.GET, run.grading_scale)
    ordering = request.GET.get("ordering") or DEFAULT_ORDERING
    if is_blind:
        check_open_to_blind(grid_filter)
    bands_of(ordering, grid_filter, run.grading_scale, is_blind=is_blind)
    return grid_filter, ordering


def _frame(request: PageRequest, run: EvaluationRun, grid_filter: GridFilter, ordering: str) -> dict[str, Any]:
    base = _base(run)
    is_blind = sight_of(run, request.user).is_blind
    filters = controls(run, request.GET, is_blind=is_blind)
    is_counted = run.candidate_count <= _COUNTED_AT_ONCE or _is_part(request, "counts")
    views = views_of(run, request.user)
    counts = grid_counts(run, grid_filter, views, viewer=request.user) if is_counted else None
    shown = tabs(base, run, grid_filter, ordering, views, counts if request.user.is_member else None, is_blind=is_blind)
    return {
        "run": run,
        "base": base,
        "here": request.get_full_path(),
        "query": grid_query(grid_filter, ordering),
        "filter": grid_filter,
        "tag_link": f"{base}?",
        "search": request.GET.get("search", ""),
        "query_id": request.GET.get("query_id", ""),
        "tabs": shown,
        "own_view": next((tab for tab in shown if tab.is_current and tab.own_pk), None),
        "can_keep_view": grid_filter.query_id is None and not any(tab.is_current for tab in shown[1:]),
        "max_view_name": MAX_VIEW_NAME,
        "counts": counts,
        "filters": filters,
        "set_filters": sum(control.is_set for control in filters),
        "ordering": ordering_control(ordering, is_blind=is_blind),
        "is_blind": is_blind,
        "grades": grade_keys(run.grading_scale),
        "is_open": run.takes_grades,
        "metrics": _metrics(request, run),
        "max_confirmed": MAX_CONFIRMED,
        "last_confirmed": None if is_blind or request.htmx else last_confirmed(run, request.user),
    }


def _metrics(request: PageRequest, run: EvaluationRun) -> MetricCards | None:
    # How they change with a grade would tell raters what others think of it.
    return metric_cards(run) if request.user.is_member else None


def _saved(
    request: PageRequest,
    run_id: UUID,
    before: Sequence[PersonGrade],
    *,
    shown: Sequence[int] | None = None,
    can_undo: bool = True,
) -> HttpResponse:
    """Answer the rows that changed and the metric cards, both to be swapped by id, and the data to undo it."""
    if not request.htmx:
        return go_back(request, reverse("review_grid", args=[run_id]))
    run = get_evaluation_run(run_id)
    ids = shown if shown is not None else [grade.candidate_pk for grade in before]
    context = {
        "run": run,
        "base": _base(run),
        "entries": [entry_of(row) for row in rows_of(run, ids, viewer=request.user)],
        "grades": grade_keys(run.grading_scale),
        "is_open": True,
        "metrics": _metrics(request, run),
    }
    response = render(request, "judging/review/grid/_saved.html", context)
    if can_undo and before:
        trigger_client_event(response, "releval:graded", {"before": [asdict(grade) for grade in before]})
    return response


def _candidate_pk(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < len(text) < 19):
        raise NotFound("no such candidate in this evaluation run")
    return int(text)


def _grade(text: str) -> int | None:
    if text == "":
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 4):
        raise Invalid(sentence("a grade is a whole number of the scale"))
    return int(text)


def _is_part(request: PageRequest, part: str) -> bool:
    return bool(request.htmx) and request.GET.get("part") == part


def _base(run: EvaluationRun) -> str:
    return reverse("review_grid", args=[run.pk])


def _page_url(query: str, run: EvaluationRun, cursor: str) -> str:
    return f"{_base(run)}?{query}{'&' if query else ''}cursor={cursor}" if cursor else ""
