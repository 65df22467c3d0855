"""Set runs going again whose workers died. Looks at progress, not at processes; any number may run at once."""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from judging import queue
from judging.execution.leases import close, give_back_claims
from judging.models import ACTIVE_STATUSES, EvaluationRun, ItemStatus, JudgingItem, JudgingRun, Lane

logger = logging.getLogger(__name__)

# A lane that waits this long although no task waits in the queue has lost its task.
_LOST_AFTER = timedelta(seconds=15)
_READ_RESCUE_EVERY = timedelta(seconds=10)


def rescue_judging_runs(run_ids: QuerySet[JudgingRun] | None = None) -> int:
    """Queue lanes whose slice died or whose task was lost; end what is over; return how many lanes were queued.

    Harmless at any moment: a lane queued twice is worked on once.
    """
    runs = JudgingRun.objects.filter(lanes__is_done=False) if run_ids is None else run_ids
    rescued = 0
    # Ended runs, too: a worker that died after a cancel leaves claimed items behind.
    for run_id in list(runs.values_list("pk", flat=True).distinct()):
        rescued += _rescue(run_id)
    if run_ids is None:
        for run_id in list(_active().exclude(lanes__is_done=False).values_list("pk", flat=True)):
            rescued += _reopen(run_id)
        _renew_forgotten_metrics()
    return rescued


def rescue_if_stalled(run: JudgingRun) -> None:
    """Rescue a run that somebody is looking at, at most once in 10 s: the way out when no supervisor runs."""
    now = timezone.now()
    if not run.is_active or not run.lanes.filter(_needs_rescue(now)).exists():
        return
    due = JudgingRun.objects.filter(Q(rescued_at__isnull=True) | Q(rescued_at__lt=now - _READ_RESCUE_EVERY), pk=run.pk)
    if due.update(rescued_at=now):
        rescue_judging_runs(JudgingRun.objects.filter(pk=run.pk))


def _active() -> QuerySet[JudgingRun]:
    return JudgingRun.objects.filter(status__in=ACTIVE_STATUSES)


def _needs_rescue(now: datetime) -> Q:
    died = Q(lease_token__isnull=False, lease_until__lt=now, enqueued_at__lt=F("lease_until"))
    lost = Q(enqueued_at__lt=now - _LOST_AFTER) & (Q(lease_token__isnull=True) | Q(lease_until__lt=now))
    return Q(is_done=False) & (died | lost)


def _rescue(run_id: UUID) -> int:
    now = timezone.now()
    run = JudgingRun.objects.get(pk=run_id)
    rescued = 0
    for lane in run.lanes.filter(_needs_rescue(now)):
        died = lane.lease_token is not None and lane.enqueued_at < (lane.lease_until or now)
        if run.is_active and not died and queue.has_waiting_tasks():
            continue  # the workers are busy: the lane's turn comes
        unchanged = Lane.objects.filter(
            pk=lane.pk, lease_token=lane.lease_token, lease_until=lane.lease_until, enqueued_at=lane.enqueued_at
        )
        with transaction.atomic():
            if run.is_active:
                if unchanged.update(enqueued_at=now):
                    queue.enqueue_slice(lane.pk)
                    rescued += 1
            elif unchanged.update(is_done=True, lease_token=None, lease_until=None) and lane.lease_token:
                give_back_claims(run_id, lane.lease_token)
    if rescued:
        logger.warning("judging run %s: %s of its lanes had no living worker; queued again", run_id, rescued)
    if not run.is_active or run.pending_count == 0:
        close(run_id)
    return rescued


def _reopen(run_id: UUID) -> int:
    """Open a lane of an active run that has none left: its last slices met each other's items in flight."""
    close(run_id)
    claimable = JudgingItem.objects.filter(judging_run_id=run_id, status=ItemStatus.PENDING)
    if not claimable.exists():
        return 0
    with transaction.atomic():
        claimable.filter(claim_token__isnull=False).update(claim_token=None)
        lane = Lane.objects.filter(judging_run_id=run_id, is_done=True).order_by("number").first()
        if lane is None or not _active().filter(pk=run_id).exclude(lanes__is_done=False).exists():
            return 0
        Lane.objects.filter(pk=lane.pk).update(is_done=False, enqueued_at=timezone.now())
        queue.enqueue_slice(lane.pk)
    return 1


def _renew_forgotten_metrics() -> None:
    """Queue the renewal of metrics whose task was lost: what follows a terminal status can be run again."""
    if queue.has_waiting_tasks():
        return
    forgotten = (
        EvaluationRun.objects.filter(
            Q(metrics_at__isnull=True) | Q(metrics_at__lt=timezone.now() - _LOST_AFTER),
            is_locked=False,
            status="completed",
            run_queries__has_stale_metrics=True,
        )
        .exclude(judging_runs__status__in=ACTIVE_STATUSES)
        .distinct()
    )
    for run_id in forgotten.values_list("pk", flat=True)[:20]:
        queue.enqueue_metrics(run_id)
