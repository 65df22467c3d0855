"""The lease of a lane: who works on it, until when, and what happens to what a dead holder left."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from judging.foundation.clock import shared_now
from judging.models import Lane, ProviderShare
from judging.work import queue
from judging.work.jobs import Job, job_of
from judging.work.loop import LEASE_SECONDS

LEASE = timedelta(seconds=LEASE_SECONDS)


@dataclass(frozen=True, slots=True)
class Lease:
    """A lane held by this slice, and what the lane works for."""

    lane_id: int
    job: Job
    token: UUID


def take(lane_id: int) -> Lease | None:
    """Take a lane that nobody holds, and give back what a dead holder had claimed. None: held, done or gone."""
    now = shared_now()
    token = uuid.uuid4()
    with transaction.atomic():
        lane = Lane.objects.filter(pk=lane_id, is_done=False).first()
        if lane is None:
            return None
        taken = Lane.objects.filter(
            Q(lease_until__isnull=True) | Q(lease_until__lt=now),
            pk=lane_id,
            is_done=False,
            lease_token=lane.lease_token,
        ).update(lease_token=token, lease_until=now + LEASE, slice_count=F("slice_count") + 1)
        if not taken:
            return None
        job = job_of(lane)
        if lane.lease_token is not None:
            job.give_back(lane.lease_token)
    return Lease(lane_id, job, token)


def hand_over(lease: Lease, **state: object) -> None:
    """Give the lane up at the end of a slice: to the next slice while there is work, else for good.

    `state` is what the next slice goes on from. Does nothing when the lease was lost.
    """
    with transaction.atomic():
        is_active = lease.job.hold()
        if not Lane.objects.filter(pk=lease.lane_id, lease_token=lease.token).exists():
            return
        # A slice settles all it claimed; should one ever not, nothing may stay in flight for ever.
        lease.job.give_back(lease.token)
        has_work = is_active and lease.job.has_claimable()
        Lane.objects.filter(pk=lease.lane_id).update(
            lease_token=None, lease_until=None, is_done=not has_work, enqueued_at=shared_now(), **state
        )
        if has_work:
            queue.enqueue_slice(lease.lane_id)
        else:
            ProviderShare.objects.filter(lane_id=lease.lane_id).delete()


def age(moment: datetime | None) -> float | None:
    """Return how many seconds ago a moment of the shared clock was."""
    return None if moment is None else (shared_now() - moment).total_seconds()


def others_wait(lease: Lease) -> bool:
    """Tell whether other work waits for a worker: a task that none has pulled, or one that waits in a worker's memory.

    A lane of the same job that waits is no reason to give the turn away: it would do the same work in its place.
    """
    if queue.has_waiting_tasks():
        return True
    waiting = Lane.objects.filter(is_done=False, lease_token__isnull=True)
    return waiting.exclude(pk__in=lease.job.lanes().values("pk")).exists()
