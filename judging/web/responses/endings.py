"""Tell people when batches end: those that they made in this browser on any page, others on the batch's own page."""

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse

from judging.models import ACTIVE_BATCH_STATUSES, BatchExecution, BatchStatus
from judging.web.base import toast

_SESSION_KEY = "watched_batches"
# Of more than these, only the newest are announced.
_MOST_WATCHED = 50


def watch_batch(request: HttpRequest, batch: BatchExecution) -> None:
    """Remember a batch that was made in this browser, so that its end is told on whichever page one is then."""
    request.session[_SESSION_KEY] = [*_watched(request), str(batch.pk)][-_MOST_WATCHED:]


def announce_ended_batches(request: HttpRequest) -> list[str]:
    """Toast each watched batch that has ended since the last call, once; return the ids of the active ones."""
    watched = _watched(request)
    if not watched:
        return []
    found = BatchExecution.objects.filter(pk__in=watched).select_related(
        "response_judge_version", "relevance_judge_version"
    )
    ended = [batch for batch in found if batch.status not in ACTIVE_BATCH_STATUSES]
    active = [str(batch.pk) for batch in found if batch.status in ACTIVE_BATCH_STATUSES]
    if len(active) < len(watched):
        request.session[_SESSION_KEY] = active
    for batch in ended:
        level, text = _end_message(batch)
        url = reverse("batch", args=[batch.pk])
        toast(request, level, text, url=url, link="Open the batch", notice=str(batch.pk))
    return active


def announce_end_here(request: HttpRequest, batch: BatchExecution) -> None:
    """Toast the end of a batch on its own page, unless every page of this browser does."""
    if str(batch.pk) not in _watched(request):
        toast(request, *_end_message(batch), notice=str(batch.pk))


def _watched(request: HttpRequest) -> list[str]:
    found: list[str] = request.session.get(_SESSION_KEY, [])
    return found


def _end_message(batch: BatchExecution) -> tuple[int, str]:
    judge = batch.response_judge_version or batch.relevance_judge_version
    who = f"The batch of {judge}" if judge else "The batch"
    done = f"{batch.completed_count:,} of {batch.total_count:,} completed, {batch.failed_count:,} failed"
    if batch.status == BatchStatus.FAILED:
        return messages.ERROR, f"{who} failed: {batch.error} ({done})"
    level = messages.WARNING if batch.failed_count else messages.SUCCESS
    return level, f"{who} is completed: {done}."
