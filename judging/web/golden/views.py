"""Golden sets on the page of a judge: made, checked by hand or by themselves, followed, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from judging.foundation.errors import Conflict, Invalid, NotFound
from judging.foundation.limits import (
    MAX_GOLDEN_INTERVAL_DAYS,
    MAX_GOLDEN_PER_QUERY,
    MAX_GOLDEN_QUERIES,
    MAX_NAME,
    MIN_GOLDEN_QUERIES,
)
from judging.golden.acts import (
    DEFAULT_PER_QUERY,
    DEFAULT_QUERIES,
    cancel_golden_check,
    create_golden_set,
    delete_golden_set,
    reschedule_golden_set,
    start_golden_check,
)
from judging.golden.reads import get_golden_check, get_golden_set, golden_checks, golden_runs, golden_sets
from judging.models import AIJudge, CheckOutcome, GoldenCheck, GoldenSet
from judging.records.visibility import get_judge
from judging.runs.run_lists import get_evaluation_run
from judging.web.base import PageRequest, errors_as_toast, go_to, member_required, toast
from judging.web.golden.pictures import DriftPicture, drift_picture
from judging.web.golden.words import LOOKS, check_words
from judging.work import workers
from judging.work.rescue import rescue_if_stalled

_SETS, _CHECKS, _LISTED = 10, 50, 10


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A check as the page shows it."""

    check: GoldenCheck
    look: str
    words: str


@dataclass(frozen=True, slots=True)
class GoldenBlock:
    """A golden set as the page shows it: its checks, newest first, with a picture of them."""

    golden_set: GoldenSet
    rows: Sequence[CheckRow]
    hidden_count: int
    picture: DriftPicture | None
    active: GoldenCheck | None
    is_worker_missing: bool

    @property
    def said(self) -> CheckRow | None:
        """Return the newest row that says how the judge does at present."""
        return next((row for row in self.rows if not row.check.is_active), None)


def golden_block(golden_set: GoldenSet) -> GoldenBlock:
    """Return what the page shows of a golden set; look after its check when nobody works on it."""
    checks = list(golden_checks(golden_set)[:_CHECKS])
    active = next((check for check in checks if check.is_active), None)
    if active is not None:
        rescue_if_stalled(active)
    # One that has ended a moment ago, and is not concluded yet, still counts as under way.
    rows = [
        CheckRow(check, LOOKS[CheckOutcome(check.outcome)], check_words(check)) for check in checks if check.outcome
    ]
    return GoldenBlock(
        golden_set,
        rows[:_LISTED],
        max(len(rows) - _LISTED, 0),
        drift_picture(checks),
        active,
        active is not None and not workers.has_live_worker(),
    )


def golden_context(request: PageRequest, judge: AIJudge) -> dict[str, Any]:
    """Return what the page of a judge shows of its golden sets, and the form to make one."""
    sets = golden_sets(request.user).filter(judge=judge)[:_SETS]
    return {
        "golden_blocks": [golden_block(golden_set) for golden_set in sets],
        "golden_form_runs": [] if judge.archived_at else golden_runs(),
        "golden_defaults": {"queries": DEFAULT_QUERIES, "per_query": DEFAULT_PER_QUERY},
        "golden_bounds": {
            "least": MIN_GOLDEN_QUERIES,
            "most": MAX_GOLDEN_QUERIES,
            "per_query": MAX_GOLDEN_PER_QUERY,
            "days": MAX_GOLDEN_INTERVAL_DAYS,
        },
    }


class ScheduleForm(forms.Form):
    """After how many days a set is checked again; nothing: by hand alone."""

    every_days = forms.IntegerField(required=False, min_value=1, max_value=MAX_GOLDEN_INTERVAL_DAYS)


class GoldenSetForm(ScheduleForm):
    """What is drawn from which run."""

    name = forms.CharField(max_length=MAX_NAME)
    evaluation_run_id = forms.UUIDField()
    query_count = forms.IntegerField(min_value=MIN_GOLDEN_QUERIES, max_value=MAX_GOLDEN_QUERIES)
    per_query = forms.IntegerField(min_value=1, max_value=MAX_GOLDEN_PER_QUERY)


@require_POST
@member_required
def create_judge_golden_set(request: PageRequest, judge_id: UUID) -> HttpResponse:
    """Make a golden set, whose baseline begins at once, and go back to the page; what is refused is said there."""
    judge = get_judge(request.user, judge_id)
    form = GoldenSetForm(request.POST)
    if not form.is_valid():
        toast(request, messages.ERROR, _first_error(form))
        return _to_page(request, judge)
    given = form.cleaned_data
    with errors_as_toast(request, Conflict, Invalid, NotFound):
        run = get_evaluation_run(given.pop("evaluation_run_id"))
        create_golden_set(evaluation_run=run, judge=judge, actor=request.user, **given)
    return _to_page(request, judge)


@require_GET
@member_required
def judge_golden_set(request: PageRequest, judge_id: UUID, golden_set_id: UUID) -> HttpResponse:
    """Answer the part of the page about one golden set, which polls while a check is under way."""
    judge = get_judge(request.user, judge_id)
    golden_set = _set_of(request, judge, golden_set_id)
    if not request.htmx:
        return _to_page(request, judge)
    return render(request, "judging/golden/_set.html", {"judge": judge, "block": golden_block(golden_set)})


@require_POST
@member_required
def check_judge_golden_set(request: PageRequest, judge_id: UUID, golden_set_id: UUID) -> HttpResponse:
    """Start a check, and go back to the page that follows it."""
    judge = get_judge(request.user, judge_id)
    with errors_as_toast(request, Conflict):
        started = start_golden_check(golden_set=_set_of(request, judge, golden_set_id), actor=request.user)
        if started.is_baseline:
            reason = started.get_baseline_reason_display()
            toast(request, messages.INFO, f"{reason}: a new baseline begins, and the next check is compared with it.")
    return _to_page(request, judge)


@require_POST
@member_required
def cancel_judge_golden_check(request: PageRequest, judge_id: UUID, check_id: UUID) -> HttpResponse:
    """Cancel, and go back to the page; if it has ended by then, say so."""
    judge = get_judge(request.user, judge_id)
    check = get_golden_check(request.user, check_id)
    _check_owner(check.golden_set, judge)
    with errors_as_toast(request, Conflict, level=messages.INFO):
        cancel_golden_check(check=check, actor=request.user)
    return _to_page(request, judge)


@require_POST
@member_required
def schedule_judge_golden_set(request: PageRequest, judge_id: UUID, golden_set_id: UUID) -> HttpResponse:
    """Set how often the set is checked by itself."""
    judge = get_judge(request.user, judge_id)
    golden_set = _set_of(request, judge, golden_set_id)
    form = ScheduleForm(request.POST)
    if form.is_valid():
        days = form.cleaned_data["every_days"]
        reschedule_golden_set(golden_set=golden_set, actor=request.user, every_days=days)
        every = "by hand alone" if days is None else "every day" if days == 1 else f"every {days} days"
        toast(request, messages.SUCCESS, f"{golden_set.name} is checked {every}.")
    else:
        toast(request, messages.ERROR, _first_error(form))
    return _to_page(request, judge)


@require_POST
@member_required
def delete_judge_golden_set(request: PageRequest, judge_id: UUID, golden_set_id: UUID) -> HttpResponse:
    """Delete a golden set with its checks."""
    judge = get_judge(request.user, judge_id)
    golden_set = _set_of(request, judge, golden_set_id)
    with errors_as_toast(request, Conflict):
        delete_golden_set(golden_set=golden_set, actor=request.user)
        toast(request, messages.SUCCESS, f"{golden_set.name} was deleted.")
    return _to_page(request, judge)


def _first_error(form: forms.Form) -> str:
    field, errors = next(iter(form.errors.items()))
    return f"{form.fields[field].label or field.replace('_', ' ').capitalize()}: {errors[0]}"


def _set_of(request: PageRequest, judge: AIJudge, golden_set_id: UUID) -> GoldenSet:
    golden_set = get_golden_set(request.user, golden_set_id)
    _check_owner(golden_set, judge)
    return golden_set


def _check_owner(golden_set: GoldenSet, judge: AIJudge) -> None:
    if golden_set.judge_id != judge.pk:
        raise NotFound("no such golden set")


def _to_page(request: PageRequest, judge: AIJudge) -> HttpResponse:
    return go_to(request, f"{reverse('ai_judge_trust', args=[judge.pk])}#drift")
