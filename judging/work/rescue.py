"""Restart work whose worker died. Judges by progress, not by processes; any number of rescues may run at once."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import BooleanField, Exists, ExpressionWrapper, F, OuterRef, Q

from judging.foundation.clock import shared_now
from judging.models import Job, Lane
from judging.work import lifecycle, queue, workers
from judging.work.kind import Kind, all_kinds, kind_named

logger = logging.getLogger(__name__)

# A lane that waits this long although no task waits in the queue has lost its task.
LOST_AFTER = timedelta(seconds=15)
_LOOK_RESCUES_EVERY = timedelta(seconds=10)


def rescue_lanes() -> int:
    """Queue lanes whose slice died or whose task was lost; end finished jobs. Return how many lanes were queued.

    Harmless at any moment: a lane queued twice is worked on once.
    """
    rescued = 0
    # 1. Jobs with open lanes; ended ones, too: a worker that died after a cancel leaves claimed rows behind.
    open_lanes = Lane.objects.filter(is_done=False).order_by("kind", "job_id")
    for kind_name, job_id in list(open_lanes.values_list("kind", "job_id").distinct()):
        rescued += _rescue(kind_named(kind_name), job_id)
    # 2. Active jobs without one.
    for kind in all_kinds():
        job_lanes = Lane.objects.filter(kind=kind.name, job_id=OuterRef("pk"), is_done=False)
        for job_id in list(kind.active().exclude(Exists(job_lanes)).values_list("pk", flat=True)):
            rescued += _reopen(kind, job_id)
    return rescued


def rescue_if_stalled(job: Job) -> None:
    """Rescue a job whose progress somebody reads, at most once in 10 s, in case no supervisor runs.

    An ended one, too, while replies of it may land: a worker that died after a cancel leaves claimed rows behind.
    """
    now = shared_now()
    kind = kind_named(job.kind)
    # Reads only while there is nothing to do: a reader must not wait for writers.
    if job.is_settled or not _lanes_to_rescue(kind, job.pk, now, is_active=job.is_active):
        return
    not_lately = Q(rescued_at__isnull=True) | Q(rescued_at__lt=now - _LOOK_RESCUES_EVERY)
    if kind.jobs._default_manager.filter(not_lately, pk=job.pk).update(rescued_at=now):
        _rescue(kind, job.pk)


def rescue_stalled(jobs: Sequence[Job]) -> Sequence[Job]:
    """Rescue what has stalled of jobs that somebody lists; return them all."""
    for job in jobs:
        rescue_if_stalled(job)
    return jobs


def is_work_unattended() -> bool:
    """Tell whether active jobs have open lanes while no slice anywhere holds a lease.

    That is normal for a moment. If it lasts, no worker pulls tasks: an idle worker that died may have held a lock that
    the whole cluster then waits for, for ever, while its heartbeats go on.
    """
    if Lane.objects.filter(is_done=False, lease_until__gt=shared_now()).exists():
        return False
    return any(
        Lane.objects.filter(kind=kind.name, is_done=False, job_id__in=kind.active().values("pk")).exists()
        for kind in all_kinds()
    )


def _lanes_to_rescue(kind: Kind[Any, Any, Any], job_id: UUID, now: datetime, *, is_active: bool) -> Sequence[Lane]:
    """Return the open lanes whose holder died, and those that wait for a task that was lost."""
    # Queued again since its holder died, a lane waits like any other.
    holder_died = Q(lease_token__isnull=False, lease_until__lt=now, enqueued_at__lt=F("lease_until"))
    waits_for_long = Q(enqueued_at__lt=now - LOST_AFTER) & (Q(lease_token__isnull=True) | Q(lease_until__lt=now))
    lanes = kind.lanes_of(job_id).filter(is_done=False)
    found = list(
        lanes.annotate(holder_died=ExpressionWrapper(holder_died, output_field=BooleanField()))
        .filter(Q(holder_died=True) | waits_for_long)
        .order_by("number")
    )
    without_holder = [lane for lane in found if lane.holder_died]
    if is_active and len(without_holder) < len(found) and _may_wait(kind, job_id, now):
        return without_holder
    return found


def _may_wait(kind: Kind[Any, Any, Any], job_id: UUID, now: datetime) -> bool:
    """Tell whether a lane without a slice is only waiting for a worker.

    Its task waits in the queue; or it may wait in the memory of workers who all hold lanes. As it may have been lost
    with such a memory, that is enough only while another lane does the work of the same job.
    """
    if queue.has_waiting_tasks():
        return True
    at_work = Lane.objects.filter(is_done=False, lease_until__gt=now)
    is_job_at_work = kind.lanes_of(job_id).filter(lease_until__gt=now).exists()
    return is_job_at_work and at_work.count() >= workers.live_workers()


def _rescue(kind: Kind[Any, Any, Any], job_id: UUID) -> int:
    now = shared_now()
    is_active = kind.is_active(job_id)
    rescued = 0
    for lane in _lanes_to_rescue(kind, job_id, now, is_active=is_active):
        unchanged = Lane.objects.filter(
            pk=lane.pk, lease_token=lane.lease_token, lease_until=lane.lease_until, enqueued_at=lane.enqueued_at
        )
        with transaction.atomic():
            if is_active:
                if unchanged.update(enqueued_at=now):
                    queue.enqueue_slice(lane.pk)
                    rescued += 1
            elif unchanged.update(is_done=True, lease_token=None, lease_until=None) and lane.lease_token:
                kind.give_back(job_id, lane.lease_token)
    if rescued:
        logger.warning("%s %s: %s of its lanes had no living worker; queued again", kind.title, job_id, rescued)
    if not is_active or not kind.pending(job_id).exists():
        lifecycle.close(kind.name, job_id)
    return rescued


def _reopen(kind: Kind[Any, Any, Any], job_id: UUID) -> int:
    """Open a lane of an active job that has none left: its last slices met each other's rows in flight."""
    lifecycle.close(kind.name, job_id)
    if not kind.pending(job_id).exists():
        return 0
    with transaction.atomic():
        job = kind.hold(job_id, "pk", "status")
        lane = kind.lanes_of(job_id).order_by("number").first()
        if job is None or not job.is_active or lane is None or kind.lanes_of(job_id).filter(is_done=False).exists():
            return 0
        kind.pending(job_id).filter(claim_token__isnull=False).update(claim_token=None)
        Lane.objects.filter(pk=lane.pk).update(is_done=False, enqueued_at=shared_now())
        queue.enqueue_slice(lane.pk)
    return 1
