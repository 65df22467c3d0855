"""Confirm the AI's grades of everything that the review grid's filter leaves, and take that back."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST

from judging.foundation.errors import Conflict, Invalid
from judging.review.grid_filter import parse_grid_filter
from judging.review.matching import confirm_matching_ai_grades, take_back_confirmed_grades
from judging.runs.run_lists import get_evaluation_run
from judging.web.base import PageRequest, go_back, member_required, sentence, toast


@require_POST
@member_required
def confirm_matching(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Confirm the AI's grades of what the query string's filter leaves; `expected_count` is the number shown."""
    run = get_evaluation_run(run_id)
    grid_filter = parse_grid_filter(request.GET, run.grading_scale)
    expected = request.POST.get("expected_count", "")
    if not (expected.isascii() and expected.isdecimal() and len(expected) < 10):
        raise Invalid("expected_count is a whole number")
    try:
        done = confirm_matching_ai_grades(
            run=run, grid_filter=grid_filter, expected_count=int(expected), actor=request.user
        )
    except Conflict as error:
        if error.code != "count_changed":
            raise
        toast(request, messages.WARNING, sentence(error.message))
        return go_back(request, reverse("review_grid", args=[run_id]))
    message = f"{done.confirmed_count:,} AI grade{'' if done.confirmed_count == 1 else 's'} confirmed."
    if done.left_alone_count:
        message += f" {done.left_alone_count:,} without one, or graded by you, left alone."
    toast(request, messages.SUCCESS if done.confirmed_count else messages.WARNING, message)
    return go_back(request, reverse("review_grid", args=[run_id]))


@require_POST
@member_required
def take_back_confirmed(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Take back what was confirmed at `confirmed_at`."""
    try:
        at = parse_datetime(request.POST.get("confirmed_at", ""))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Invalid("confirmed_at is a time with its zone")
    count = take_back_confirmed_grades(run=get_evaluation_run(run_id), confirmed_at=at, actor=request.user)
    toast(request, messages.SUCCESS, f"{count:,} grade{'' if count == 1 else 's'} taken back.")
    return go_back(request, reverse("review_grid", args=[run_id]))
