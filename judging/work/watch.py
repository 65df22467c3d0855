"""What a supervisor asks the database about its workers: it looks at progress, not at processes."""

import socket
from datetime import datetime

from django.db.models import Q

from judging.foundation.clock import shared_now
from judging.models import ACTIVE_BATCH_STATUSES, ACTIVE_STATUSES, Lane, WorkerHeartbeat
from releval.process_groups import is_process_alive


def is_work_left_alone() -> bool:
    """Tell whether active runs or batches have open lanes while no slice anywhere holds a lease.

    That is normal for a moment. When it lasts, no worker pulls tasks: after the death of an idle worker a whole
    cluster can wait for ever for a lock that died with it, and its heartbeats go on.
    """
    is_active = Q(judging_run__status__in=ACTIVE_STATUSES) | Q(batch__status__in=ACTIVE_BATCH_STATUSES)
    open_lanes = Lane.objects.filter(is_active, is_done=False)
    return open_lanes.exists() and not Lane.objects.filter(lease_until__gt=shared_now()).exists()


def forget_dead_workers() -> datetime | None:
    """Drop the heartbeats of this host's workers that are gone without having said so; return when one beat last.

    They were killed: a worker that ends in order takes its heartbeat with it.
    """
    prefix = f"{socket.gethostname()}:"
    rows = WorkerHeartbeat.objects.filter(worker__startswith=prefix).values_list("worker", "seen_at")
    dead = {worker: seen_at for worker, seen_at in rows if not is_process_alive(int(worker.removeprefix(prefix)))}
    if not dead:
        return None
    WorkerHeartbeat.objects.filter(worker__in=dead).delete()
    return max(dead.values())
