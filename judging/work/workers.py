"""The worker processes: run them, see which are alive, end them."""

import gc
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

from django.db import DatabaseError, connection
from django.db.models import QuerySet
from django.db.models.functions import Now
from django_q.cluster import Cluster
from django_q.signals import post_spawn

from judging.foundation.clock import shared_now
from judging.models import WorkerHeartbeat
from releval.priority import give_way
from releval.process_groups import is_process_alive

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5
# A worker not seen for this long counts as gone.
WORKER_GONE_AFTER = timedelta(seconds=30)


def _seen_lately() -> QuerySet[WorkerHeartbeat]:
    return WorkerHeartbeat.objects.filter(seen_at__gte=Now() - WORKER_GONE_AFTER)


def live_workers() -> int:
    """Return how many worker processes have been seen lately."""
    return _seen_lately().count()


def has_live_worker() -> bool:
    return _seen_lately().exists()


def beat(worker: str) -> None:
    """Write that a worker process is alive."""
    WorkerHeartbeat.objects.update_or_create(worker=worker, defaults={"seen_at": shared_now()})


def _keep_beating(worker: str, stopped: threading.Event) -> None:
    while True:
        try:
            beat(worker)
        except DatabaseError:
            # The database is busy or gone; the next beat tries again.
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
    # A worker that ends normally deletes its row; a row left behind tells the supervisor that the worker was killed.
    Finalize(None, _stop_heartbeat, args=(worker, thread, stopped), exitpriority=10)


def _stop_heartbeat(worker: str, thread: threading.Thread, stopped: threading.Event) -> None:
    stopped.set()
    thread.join(timeout=5)
    with suppress(DatabaseError):
        WorkerHeartbeat.objects.filter(worker=worker).delete()


post_spawn.connect(_start_heartbeat, dispatch_uid="releval-heartbeat")


def run_workers() -> None:
    """Run the task workers, children of this process, until SIGTERM or Ctrl-C ends them. They give way to pages."""
    give_way()
    # Frozen objects stay shared by all workers, and garbage collection looks at new objects only.
    gc.collect()
    gc.freeze()
    cluster: Any = Cluster()
    main = os.getpid()

    def end(number: int, frame: FrameType | None) -> None:
        # The cluster's own handler sets an event and waits for its processes to see it: for ever if they have died of a
        # signal to the whole process group, else up to a whole slice. So every process gets the signal: slices give
        # back the rows they hold, and the others hold nothing that is not in the database.
        if os.getpid() != main or os.getpgrp() != main:
            sys.exit(0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(main, signal.SIGTERM)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    cluster.start()
    cluster.sentinel.join()


def forget_dead_workers() -> datetime | None:
    """Delete the heartbeats of this host's killed workers; return the time of the last beat, None if there are none.

    A worker that ends normally deletes its own.
    """
    prefix = f"{socket.gethostname()}:"
    rows = WorkerHeartbeat.objects.filter(worker__startswith=prefix).values_list("worker", "seen_at")
    dead = {worker: seen_at for worker, seen_at in rows if not is_process_alive(int(worker.removeprefix(prefix)))}
    if not dead:
        return None
    WorkerHeartbeat.objects.filter(worker__in=dead).delete()
    return max(dead.values())
