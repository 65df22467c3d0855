"""The state machine of jobs. Every change is a conditional UPDATE whose row count is checked."""

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from judging.foundation.errors import Conflict, IllegalTransition
from judging.foundation.limits import MAX_ERROR
from judging.foundation.text import cut_text
from judging.models import Job
from judging.work.kind import Kind, kind_named

logger = logging.getLogger(__name__)


def is_active(kind_name: str, job_id: UUID) -> bool:
    """Tell whether a job has not ended."""
    return kind_named(kind_name).is_active(job_id)


def start(kind_name: str, job_id: UUID) -> bool:
    """Start a waiting job; return False if it no longer waits."""
    kind = kind_named(kind_name)
    waiting = kind.jobs._default_manager.filter(pk=job_id, status=kind.states.waiting)
    with transaction.atomic():
        if not waiting.update(status=kind.states.working, started_at=timezone.now()):
            return False
        kind.note_status(job_id)
    logger.info("%s %s is %s", kind.title, job_id, kind.states.working)
    return True


def complete(kind_name: str, job_id: UUID) -> bool:
    """End a working job that has nothing left, as its kind defines it. Return whether this call ended it."""
    kind = kind_named(kind_name)
    at_work = kind.jobs._default_manager.filter(pk=job_id, status=kind.states.working)
    for nothing_left, fields in kind.endings():
        with transaction.atomic():
            ended = at_work.filter(nothing_left).update(completed_at=timezone.now(), **fields)
            if ended:
                kind.note_status(job_id)
        if ended:
            logger.info("%s %s is %s", kind.title, job_id, fields["status"])
            return True
    return False


def cancel(kind_name: str, job_id: UUID, *, error: str = "", error_code: str = "") -> None:
    """Cancel a job at once. Raise IllegalTransition if it has ended already."""
    kind = kind_named(kind_name)
    _end(kind, job_id, kind.states.cancelled, error=error, error_code=error_code)


def cancel_once(job: Job, *, what: str, record: Callable[[], object], error: str = "", error_code: str = "") -> None:
    """Cancel a job at once, with what `record` writes about it; a cancelled one stays as it is.

    `what` names the job in the sentence of the error. Raise Conflict (already_ended).
    """
    try:
        with transaction.atomic():
            cancel(job.kind, job.pk, error=error, error_code=error_code)
            record()
    except IllegalTransition:
        job.refresh_from_db()
        if (job.status, job.error_code) != (kind_named(job.kind).states.cancelled, error_code):
            raise Conflict(f"{what} has {job.status} already", code="already_ended") from None
    job.refresh_from_db()


def fail(kind_name: str, job_id: UUID, *, error: str, error_code: str) -> None:
    """Fail a job that cannot go on; its outcomes stay. Raise IllegalTransition if it has ended already."""
    kind = kind_named(kind_name)
    _end(kind, job_id, kind.states.failed, error=error, error_code=error_code)


def fail_unless_done(kind_name: str, job_id: UUID, *, error: str, error_code: str) -> None:
    """Fail a job, unless it has nothing left: then it is complete, whatever its last calls returned."""
    if complete(kind_name, job_id):
        return
    # Cancelled, or failed by another lane, a moment ago: that stands.
    with suppress(IllegalTransition):
        fail(kind_name, job_id, error=error, error_code=error_code)


def close(kind_name: str, job_id: UUID) -> None:
    """Complete a job that has nothing left, and start the follow-up of a job that has ended in any way."""
    complete(kind_name, job_id)
    kind = kind_named(kind_name)
    if not kind.is_active(job_id):
        kind.follow_up(job_id)


def _end(kind: Kind[Any, Any, Any], job_id: UUID, to: str, *, error: str, error_code: str) -> None:
    """End a job and settle its rows, in one transaction."""
    error = cut_text(error, MAX_ERROR)
    with transaction.atomic():
        job = kind.hold(job_id)
        if job is None or not job.is_active:
            raise _no_such_change(kind, job, to)
        now = timezone.now()
        changes = kind.settle_unasked(job, error=error, now=now)
        ended = (
            kind.active()
            .filter(pk=job_id)
            .update(status=to, error=error, error_code=error_code, completed_at=now, **changes)
        )
        if not ended:
            raise _no_such_change(kind, job, to)
        kind.note_status(job_id)
        kind.lanes_of(job_id).filter(lease_token__isnull=True).update(is_done=True)
    logger.log(
        logging.WARNING if to == kind.states.failed else logging.INFO,
        "%s %s is %s%s",
        kind.title,
        job_id,
        to,
        f" with {error_code}: {error}" if error_code else "",
    )


def _no_such_change(kind: Kind[Any, Any, Any], job: Job | None, to: str) -> IllegalTransition:
    status = "gone" if job is None else job.status
    return IllegalTransition(f"{kind.title} {'' if job is None else job.pk} is {status} and can't become {to}")
