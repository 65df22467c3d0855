"""The task queue: the only importer of django_q. Tasks are named by dotted string and take ids, never secrets."""

import logging
import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from datetime import datetime, timedelta
from multiprocessing.util import Finalize
from types import FrameType
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone
from django_q.cluster import Cluster
from django_q.models import OrmQ
from django_q.signals import post_spawn
from django_q.tasks import async_task

from judging.models import WorkerHeartbeat

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5
# A worker not seen for this long counts as gone.
WORKER_GONE_AFTER = timedelta(seconds=30)


def enqueue_slice(lane_id: int) -> None:
    """Queue one turn of a lane. Inside a transaction it is queued when, and only when, that commits."""
    _enqueue("judging.tasks.judge_slice", lane_id, task_name=f"lane {lane_id}")


def enqueue_metrics(run_id: UUID) -> None:
    """Queue the renewal of an evaluation run's stale metrics."""
    _enqueue("judging.tasks.renew_metrics", str(run_id), task_name=f"metrics {run_id}")


def _enqueue(task: str, *args: object, task_name: str) -> None:
    async_task(task, *args, task_name=task_name)  # type: ignore[no-untyped-call]


def has_waiting_tasks() -> bool:
    """Tell whether a task waits that no worker has pulled yet."""
    return OrmQ.objects.filter(lock__lte=timezone.now()).exists()


def oldest_waiting_since() -> datetime | None:
    """Return since when the oldest task that no worker has pulled waits."""
    return OrmQ.objects.filter(lock__lte=timezone.now()).order_by("lock").values_list("lock", flat=True).first()


def has_live_worker() -> bool:
    return WorkerHeartbeat.objects.filter(seen_at__gte=timezone.now() - WORKER_GONE_AFTER).exists()


def beat(worker: str) -> None:
    """Write that a worker process is alive."""
    WorkerHeartbeat.objects.update_or_create(worker=worker, defaults={"seen_at": timezone.now()})


def _keep_beating(worker: str, stopped: threading.Event) -> None:
    while True:
        try:
            beat(worker)
        except DatabaseError:
            # A busy or vanished database: the next beat tells.
            logger.warning("the heartbeat of worker %s could not be written", worker)
            connection.close()
        if stopped.wait(HEARTBEAT_SECONDS):
            return


def _start_heartbeat(**kwargs: Any) -> None:
    worker = f"{socket.gethostname()}:{os.getpid()}"
    WorkerHeartbeat.objects.filter(seen_at__lt=timezone.now() - timedelta(days=1)).delete()
    stopped = threading.Event()
    thread = threading.Thread(target=_keep_beating, args=(worker, stopped), name="heartbeat", daemon=True)
    thread.start()
    # The row of a worker that ends in order goes with it: a dead one's row tells the supervisor how it died.
    Finalize(None, _stop_heartbeat, args=(worker, thread, stopped), exitpriority=10)


def _stop_heartbeat(worker: str, thread: threading.Thread, stopped: threading.Event) -> None:
    stopped.set()
    thread.join(timeout=5)
    with suppress(DatabaseError):
        WorkerHeartbeat.objects.filter(worker=worker).delete()


post_spawn.connect(_start_heartbeat, dispatch_uid="releval-heartbeat")


def task_timeout() -> int:
    """Return after how many seconds the queue kills a task."""
    return int(settings.Q_CLUSTER["timeout"])


def run_workers() -> None:
    """Run the task workers, children of this process, until SIGTERM or Ctrl-C ends them."""
    cluster: Any = Cluster()
    main = os.getpid()

    def end(number: int, frame: FrameType | None) -> None:
        # The cluster's own handler sets an event and waits for those who wait for it: for ever, once they have died
        # of a signal to the whole process group, and up to a whole slice otherwise. So every process is told: slices
        # give back what they hold, the others hold nothing that is not in the database.
        if os.getpid() != main or os.getpgrp() != main:
            sys.exit(0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(main, signal.SIGTERM)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    cluster.start()
    cluster.sentinel.join()
