"""Set work going again whose workers died. Looks at progress, not at processes; any number may run at once."""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from judging.foundation.clock import shared_now
from judging.models import ACTIVE_BATCH_STATUSES, ACTIVE_STATUSES, BatchExecution, EvaluationRun, JudgingRun, Lane
from judging.runs.importing.interrupted import fail_interrupted_imports
from judging.work import queue
from judging.work.jobs import BatchJob, Job, RunJob, job_of

logger = logging.getLogger(__name__)

# A lane that waits this long although no task waits in the queue has lost its task.
_LOST_AFTER = timedelta(seconds=15)
_READ_RESCUE_EVERY = timedelta(seconds=10)


def rescue_judging_runs() -> int:
    """Queue lanes of judging runs and batches whose slice died or whose task was lost; end what is over.

    Return how many lanes were queued. Harmless at any moment: a lane queued twice is worked on once.
    """
    rescued = 0
    # Ended ones, too: a worker that died after a cancel leaves claimed items behind.
    open_lanes = Lane.objects.filter(is_done=False).order_by("judging_run_id", "batch_id", "number")
    jobs = {(lane.judging_run_id, lane.batch_id): job_of(lane) for lane in open_lanes.iterator()}
    for job in jobs.values():
        rescued += _rescue(job)
    for job in _without_open_lane():
        rescued += _reopen(job)
    _renew_forgotten_metrics()
    fail_interrupted_imports()
    return rescued


def rescue_if_stalled(work: JudgingRun | BatchExecution) -> None:
    """Rescue what somebody is looking at, at most once in 10 s: the way out when no supervisor runs."""
    now = shared_now()
    job: Job = RunJob(work.pk) if isinstance(work, JudgingRun) else BatchJob(work.pk)
    # Only reads, as long as there is nothing to do: whoever looks must not wait for those who write.
    if not work.is_active or not _to_rescue(job, now, is_active=True):
        return
    not_lately = Q(rescued_at__isnull=True) | Q(rescued_at__lt=now - _READ_RESCUE_EVERY)
    if type(work)._default_manager.filter(not_lately, pk=work.pk).update(rescued_at=now):
        _rescue(job)


def _without_open_lane() -> list[Job]:
    runs = JudgingRun.objects.filter(status__in=ACTIVE_STATUSES).exclude(lanes__is_done=False)
    batches = BatchExecution.objects.filter(status__in=ACTIVE_BATCH_STATUSES).exclude(lanes__is_done=False)
    return [
        *(RunJob(pk) for pk in runs.values_list("pk", flat=True)),
        *(BatchJob(pk) for pk in batches.values_list("pk", flat=True)),
    ]


def _to_rescue(job: Job, now: datetime, *, is_active: bool) -> list[Lane]:
    """Return the open lanes whose slice died or whose task was lost."""
    died = Q(lease_token__isnull=False, lease_until__lt=now, enqueued_at__lt=F("lease_until"))
    lost = Q(enqueued_at__lt=now - _LOST_AFTER) & (Q(lease_token__isnull=True) | Q(lease_until__lt=now))
    lanes = list(job.lanes().filter(died | lost, is_done=False).order_by("number"))
    dead = [lane for lane in lanes if lane.lease_token is not None and lane.enqueued_at < (lane.lease_until or now)]
    is_turn_to_come = is_active and len(dead) < len(lanes) and _may_wait(job, now)
    return dead if is_turn_to_come else lanes


def _may_wait(job: Job, now: datetime) -> bool:
    """Tell whether a lane without a slice has merely to wait for its turn.

    Its task waits in the queue; or it may wait in the memory of workers who all hold lanes. As it may have been lost
    with such a memory, that is enough only while another lane does the work of the same job.
    """
    if queue.has_waiting_tasks():
        return True
    at_work = Lane.objects.filter(lease_until__gt=now)
    return job.lanes().filter(lease_until__gt=now).exists() and at_work.count() >= queue.live_workers()


def _rescue(job: Job) -> int:
    now = shared_now()
    is_active = job.is_active()
    rescued = 0
    for lane in _to_rescue(job, now, is_active=is_active):
        unchanged = Lane.objects.filter(
            pk=lane.pk, lease_token=lane.lease_token, lease_until=lane.lease_until, enqueued_at=lane.enqueued_at
        )
        with transaction.atomic():
            if is_active:
                if unchanged.update(enqueued_at=now):
                    queue.enqueue_slice(lane.pk)
                    rescued += 1
            elif unchanged.update(is_done=True, lease_token=None, lease_until=None) and lane.lease_token:
                job.give_back(lane.lease_token)
    if rescued:
        logger.warning("%s: %s of its lanes had no living worker; queued again", job, rescued)
    if not is_active or not job.pending().exists():
        job.close()
    return rescued


def _reopen(job: Job) -> int:
    """Open a lane of an active job that has none left: its last slices met each other's items in flight."""
    job.close()
    if not job.pending().exists():
        return 0
    with transaction.atomic():
        is_active = job.hold()
        lane = job.lanes().order_by("number").first()
        if lane is None or not is_active or job.lanes().filter(is_done=False).exists():
            return 0
        job.pending().filter(claim_token__isnull=False).update(claim_token=None)
        Lane.objects.filter(pk=lane.pk).update(is_done=False, enqueued_at=shared_now())
        queue.enqueue_slice(lane.pk)
    return 1


def _renew_forgotten_metrics() -> None:
    """Queue the renewal of metrics whose task was lost: what follows a terminal status can be run again."""
    if queue.has_waiting_tasks():
        return
    forgotten = (
        EvaluationRun.objects.filter(
            Q(metrics_at__isnull=True) | Q(metrics_at__lt=shared_now() - _LOST_AFTER),
            is_locked=False,
            status="completed",
            run_queries__has_stale_metrics=True,
        )
        .exclude(judging_runs__status__in=ACTIVE_STATUSES)
        .distinct()
    )
    for run_id in forgotten.values_list("pk", flat=True)[:20]:
        queue.enqueue_metrics(run_id)
