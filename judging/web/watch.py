"""Tell users on any page when their AI judging runs end."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from judging.judging_runs.run_reads import judging_runs
from judging.models import ACTIVE_STATUSES, JudgingRun, JudgingRunStatus
from judging.web.base import PageRequest, member_required, toast

_SESSION_KEY = "watched_runs"
# Of more than these, only the newest are announced.
_MOST_WATCHED = 50


def announce_ended_runs(request: HttpRequest) -> list[str]:
    """Toast each run of the user that has ended since the last call, once; return the ids of the active ones.

    The session remembers the active runs, so an end between two pages is announced, too. It is written only when the
    set changes.
    """
    mine = judging_runs().filter(created_by=request.user.pk)
    active = [str(pk) for pk in mine.filter(status__in=ACTIVE_STATUSES).values_list("pk", flat=True)[:_MOST_WATCHED]]
    known: list[str] = request.session.get(_SESSION_KEY, [])
    if set(known) != set(active):
        ended = list(mine.filter(pk__in=set(known) - set(active)).exclude(status__in=ACTIVE_STATUSES))
        # A cancelled one counts on until its last reply has landed; a failed one wants somebody's hand at once.
        active += [str(run.pk) for run in ended if not _is_told(run)]
        if set(known) != set(active):
            request.session[_SESSION_KEY] = active
        for run in filter(_is_told, ended):
            level, text = _end_message(run)
            toast(
                request, level, text, url=reverse("judging_run", args=[run.pk]), link="Open the run", notice=str(run.pk)
            )
    return active


def _is_told(run: JudgingRun) -> bool:
    return run.is_settled or run.status != JudgingRunStatus.CANCELLED


def _end_message(run: JudgingRun) -> tuple[int, str]:
    who = f"{run.judge_version.label} on {run.evaluation_run.name}"
    done = f"{run.judged_count:,} of {run.total_count:,} judged, {run.failed_count:,} failed"
    if run.status == JudgingRunStatus.FAILED:
        return messages.ERROR, f"{who} failed: {run.error} ({done})"
    if run.status == JudgingRunStatus.CANCELLED:
        return messages.INFO, f"{who} was cancelled: {done}."
    return (messages.WARNING if run.failed_count else messages.SUCCESS), f"{who} is completed: {done}."


@require_safe
@member_required
def watch(request: PageRequest) -> HttpResponse:
    """Answer the little fragment that polls while runs of the user are under way."""
    context: dict[str, Any] = {}
    return render(request, "judging/_watch.html", context)
