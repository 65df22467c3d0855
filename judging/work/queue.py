"""The task queue: the only importer of django_q. Tasks are named by dotted string and take ids, never secrets."""

import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from datetime import datetime, timedelta
from importlib import import_module
from multiprocessing.util import Finalize
from types import FrameType
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models.functions import Now
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.cluster import Cluster
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.signals import post_spawn
from django_q.tasks import async_task

from judging.foundation.clock import shared_now
from judging.models import WorkerHeartbeat

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5
# A worker not seen for this long counts as gone.
WORKER_GONE_AFTER = timedelta(seconds=30)
# How long a host whose workers are all at work leaves a task to the others.
_LEFT_TO_OTHERS = timedelta(seconds=2)
# How long the connection that looks for tasks is kept: it looks five times a second, and opening costs more than looking.
_LOOKING_SECONDS = 60


class SharingBroker(ORM):
    """The ORM broker of a cluster among others: one whose workers are all busy leaves new tasks to the rest.

    django-q2 pulls up to `queue_limit` tasks more than it has workers. The lanes of one run would wait in the memory
    of the host that looked first while another host's workers sleep. For how long it leaves them is bounded, since a
    task whose worker was killed counts as under way.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._under_way: set[int] = set()

    def dequeue(self) -> list[tuple[int, str]] | None:
        # Called by the one process that looks for tasks, which does nothing else.
        options = connection.settings_dict
        options["CONN_MAX_AGE"] = max(options["CONN_MAX_AGE"], _LOOKING_SECONDS)
        tasks = self.get_connection().filter(key=self.list_key)
        if len(self._under_way) >= Conf.WORKERS:
            # A finished task is deleted.
            self._under_way = set(tasks.filter(pk__in=self._under_way).values_list("pk", flat=True))
        is_busy = len(self._under_way) >= Conf.WORKERS
        if is_busy and not tasks.filter(lock__lt=timezone.now() - _LEFT_TO_OTHERS).exists():
            time.sleep(Conf.POLL)
            return None
        pulled: list[tuple[int, str]] | None = super().dequeue()  # type: ignore[no-untyped-call]
        self._under_way.update(task_id for task_id, _ in pulled or ())
        return pulled


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


def waiting_tasks() -> int:
    """Return how many tasks no worker has pulled yet."""
    return OrmQ.objects.filter(lock__lte=timezone.now()).count()


def oldest_waiting_since() -> datetime | None:
    """Return since when the oldest task that no worker has pulled waits."""
    return OrmQ.objects.filter(lock__lte=timezone.now()).order_by("lock").values_list("lock", flat=True).first()


def live_workers() -> int:
    """Return how many worker processes have been seen lately."""
    return WorkerHeartbeat.objects.filter(seen_at__gte=Now() - WORKER_GONE_AFTER).count()


def has_live_worker() -> bool:
    return live_workers() > 0


def beat(worker: str) -> None:
    """Write that a worker process is alive."""
    WorkerHeartbeat.objects.update_or_create(worker=worker, defaults={"seen_at": shared_now()})


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
    WorkerHeartbeat.objects.filter(seen_at__lt=shared_now() - timedelta(days=1)).delete()
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
    # Loaded once, shared by all workers; frozen, it stays shared, and collecting garbage means looking at what is new.
    import_module("judging.tasks")
    gc.collect()
    gc.freeze()
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
