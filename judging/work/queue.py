"""The task queue. Tasks are named by dotted string and take ids, never secrets."""

import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.tasks import async_task

# How long a host whose workers are all at work leaves a task to the others.
_LEFT_TO_OTHERS = timedelta(seconds=2)
# How long the polling connection is kept open: it polls five times a second, and opening costs more than a poll.
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
        # Called by the one process that polls for tasks, which does nothing else.
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
    """Queue a slice of a lane. Inside a transaction it is queued when, and only when, that commits."""
    _enqueue("judging.tasks.judge_slice", lane_id, task_name=f"lane {lane_id}")


def enqueue_metrics(run_id: UUID) -> None:
    """Queue the renewal of an evaluation run's stale metrics."""
    _enqueue("judging.tasks.renew_metrics", str(run_id), task_name=f"metrics {run_id}")


def enqueue_making_current(judging_run_id: UUID) -> None:
    """Queue what is left to write of a judging run whose grades were made to count."""
    _enqueue("judging.tasks.finish_making_current", str(judging_run_id), task_name=f"current {judging_run_id}")


def enqueue_trust(run_id: UUID) -> None:
    """Queue the figures of a run's Trust tab."""
    _enqueue("judging.tasks.renew_trust", str(run_id), task_name=f"trust {run_id}")


def enqueue_follow_up(kind_name: str, job_id: UUID) -> None:
    """Queue what follows the end of a job, where no slice may be left to do it."""
    _enqueue("judging.tasks.follow_up", kind_name, str(job_id), task_name=f"follow-up {job_id}")


def _enqueue(task: str, *args: object, task_name: str) -> None:
    # Outside a transaction the broker would close the connection first, wherever none is kept: opening takes 2 ms.
    with transaction.atomic():
        async_task(task, *args, task_name=task_name)  # type: ignore[no-untyped-call]


def has_waiting_tasks() -> bool:
    """Tell whether a task waits that no worker has pulled yet."""
    return OrmQ.objects.filter(lock__lte=timezone.now()).exists()


def waiting_tasks() -> int:
    """Return how many tasks no worker has pulled yet."""
    return OrmQ.objects.filter(lock__lte=timezone.now()).count()


def oldest_waiting_since() -> datetime | None:
    """Return when the oldest task that no worker has pulled was queued."""
    return OrmQ.objects.filter(lock__lte=timezone.now()).order_by("lock").values_list("lock", flat=True).first()
