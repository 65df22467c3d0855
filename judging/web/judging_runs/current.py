"""Let an AI judging run's grades count: what would change, the act, and the way back."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from judging.foundation.errors import Conflict, NotFound
from judging.judging_runs.making_current import (
    is_being_made_current,
    last_time_made_current,
    make_judging_run_current,
    preview_making_current,
)
from judging.judging_runs.run_reads import get_judging_run
from judging.ledger import Effect
from judging.models import AuditEvent, JudgingRun
from judging.runs.run_lists import get_evaluation_run
from judging.web.base import PageRequest, member_required, sentence, tell_and_go


@dataclass(frozen=True, slots=True)
class WayBack:
    """What it took to make a run's grades count, and the run that undoes exactly that; None where none does."""

    event: AuditEvent
    to: JudgingRun | None
    has_imported: bool


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def make_current(request: PageRequest, judging_run_id: UUID) -> HttpResponse:
    """Show what would change if the run's grades counted; POST lets them count."""
    run = get_judging_run(judging_run_id)
    if request.method == "POST":
        effect = make_judging_run_current(judging_run=run, actor=request.user)
        return tell_and_go(request, _done(run, effect), "make_judging_run_current", run.pk)
    context: dict[str, Any] = {"judging_run": run, "evaluation_run": get_evaluation_run(run.evaluation_run_id)}
    try:
        effect = preview_making_current(run)
    except Conflict as error:
        context["reason"] = sentence(error.message)
    else:
        context |= {
            "effect": effect,
            "is_being_written": is_being_made_current(run),
            "of_record": sum(each.count for each in effect.replaced),
            "has_imported": any(each.judging_run_id is None for each in effect.replaced),
            "counts_already": run.judged_count > 0 and not effect.replaced and not effect.added_count,
        }
        if context["counts_already"]:
            context["way_back"] = _way_back(run)
    return render(request, "judging/judging_runs/make_current.html", context)


def _done(run: JudgingRun, effect: Effect) -> str:
    changed = effect.changed_count + effect.added_count
    return f"The grades of {run.judge_version.label} count now: {changed:,} changed. Metrics follow."


def _way_back(run: JudgingRun) -> WayBack | None:
    event = last_time_made_current(run)
    if event is None:
        return None
    to = _exactly_back(run, str(event.detail.get("back_to", "")))
    return WayBack(event, to, has_imported=bool(event.detail.get("imported")))


def _exactly_back(run: JudgingRun, back_to: str) -> JudgingRun | None:
    """Return the run that was of record before, if making it current now would undo this one and nothing else."""
    try:
        before = get_judging_run(UUID(back_to))
        effect = preview_making_current(before)
    except (ValueError, NotFound, Conflict):
        return None
    sources = {each.judging_run_id for each in effect.replaced}
    return before if sources == {run.pk} and not effect.added_count else None
