"""What a supervisor asks the database about its workers: it looks at progress, not at processes."""

import os
import socket

from django.utils import timezone

from judging.models import ACTIVE_STATUSES, Lane, WorkerHeartbeat


def is_work_left_alone() -> bool:
    """Tell whether active judging runs have open lanes while no slice anywhere holds a lease.

    That is normal for a moment. When it lasts, no worker pulls tasks: after the death of an idle worker a whole
    cluster can wait for ever for a lock that died with it, and its heartbeats go on.
    """
    open_lanes = Lane.objects.filter(is_done=False, judging_run__status__in=ACTIVE_STATUSES)
    return open_lanes.exists() and not Lane.objects.filter(lease_until__gt=timezone.now()).exists()


def forget_dead_workers() -> None:
    """Drop the heartbeats of this host's workers that are gone, rather than let them look alive for a while yet."""
    prefix = f"{socket.gethostname()}:"
    workers = WorkerHeartbeat.objects.filter(worker__startswith=prefix).values_list("worker", flat=True)
    dead = [worker for worker in workers if not _is_process_alive(worker.removeprefix(prefix))]
    if dead:
        WorkerHeartbeat.objects.filter(worker__in=dead).delete()


def _is_process_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True
