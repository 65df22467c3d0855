"""Lanes, the shares of a job's concurrency that processes work on, and their leases.

A lease says which slice works on a lane, and until when; the next one settles what a dead holder left in flight.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from judging.foundation.clock import shared_now
from judging.foundation.limits import LEASE_SECONDS
from judging.models import Job, Lane, ProviderShare
from judging.work import queue
from judging.work.kind import Kind, kind_named

MAX_LANES = 4
LANE_CONCURRENCY = 32
LEASE = timedelta(seconds=LEASE_SECONDS)


def lay_lanes(job: Job, concurrency: int, *, is_queued: bool = True) -> list[Lane]:
    """Make the lanes that share a job's concurrency and queue the first slice of each, in the caller's transaction.

    If they are not queued, the caller works on them itself.
    """
    count = min(MAX_LANES, -(-concurrency // LANE_CONCURRENCY))
    share, rest = divmod(concurrency, count)
    now = shared_now()
    lanes = Lane.objects.bulk_create(
        [
            Lane(
                kind=job.kind,
                job_id=job.pk,
                number=number,
                concurrency=share + (1 if number < rest else 0),
                enqueued_at=now,
            )
            for number in range(count)
        ]
    )
    if is_queued:
        for lane in lanes:
            queue.enqueue_slice(lane.pk)
    return lanes


@dataclass(frozen=True, slots=True)
class Lease:
    """A lane held by this slice, and the job that it works for."""

    lane_id: int
    kind: Kind[Any, Any, Any]
    job_id: UUID
    token: UUID


def take(lane_id: int) -> Lease | None:
    """Take the lease of a free lane, and give back what a dead holder had claimed. None: held, done or gone."""
    now = shared_now()
    token = uuid.uuid4()
    with transaction.atomic():
        # 1. Read who held it last.
        lane = Lane.objects.filter(pk=lane_id, is_done=False).first()
        if lane is None:
            return None
        # 2. Take it, unless somebody else has meanwhile.
        taken = Lane.objects.filter(
            Q(lease_until__isnull=True) | Q(lease_until__lt=now),
            pk=lane_id,
            is_done=False,
            lease_token=lane.lease_token,
        ).update(lease_token=token, lease_until=now + LEASE, slice_count=F("slice_count") + 1)
        if not taken:
            return None
        # 3. Settle what the last holder left, whose lease has run out.
        kind = kind_named(lane.kind)
        if lane.lease_token is not None:
            kind.give_back(lane.job_id, lane.lease_token)
    return Lease(lane_id, kind, lane.job_id, token)


def renew(lease: Lease, now: datetime) -> bool:
    """Renew a lease; return False when another slice holds the lane by now."""
    held = Lane.objects.filter(pk=lease.lane_id, lease_token=lease.token)
    return bool(held.update(lease_until=now + LEASE))


def hand_over(lease: Lease, **state: object) -> None:
    """Give the lane up at the end of a slice: to the next slice while there is work, else for good.

    `state` is what the next slice goes on from. Does nothing when the lease was lost.
    """
    kind, job_id = lease.kind, lease.job_id
    with transaction.atomic():
        # 1. Hold the job, so that its end falls before or after.
        job = kind.hold(job_id, "pk", "status")
        if not Lane.objects.filter(pk=lease.lane_id, lease_token=lease.token).exists():
            return
        # 2. A slice settles all that it claimed; if one ever does not, its rows must not stay in flight for ever.
        kind.give_back(job_id, lease.token)
        # 3. Free the lane, and queue its next slice.
        has_work = job is not None and job.is_active and kind.claimable(job_id).exists()
        Lane.objects.filter(pk=lease.lane_id).update(
            lease_token=None, lease_until=None, is_done=not has_work, enqueued_at=shared_now(), **state
        )
        if has_work:
            queue.enqueue_slice(lease.lane_id)
        else:
            ProviderShare.objects.filter(lane_id=lease.lane_id).delete()


def others_wait(lease: Lease) -> bool:
    """Tell whether other work waits for a worker: a task that none has pulled, or one that waits in a worker's memory.

    A waiting lane of the same job does not count: it would only do the same work instead.
    """
    if queue.has_waiting_tasks():
        return True
    waiting = Lane.objects.filter(is_done=False, lease_token__isnull=True)
    return waiting.exclude(kind=lease.kind.name, job_id=lease.job_id).exists()
