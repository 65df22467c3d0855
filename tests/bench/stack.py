"""The real stack on SQLite: a stub provider, task workers and a web server, each as processes of their own."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.conf import settings

from judging.judging_runs.starting import JudgingOptions, start_judging_run
from judging.models import EvaluationRun, JudgeVersion, JudgingRun, User, WorkerHeartbeat
from judging.work import queue
from releval.process_groups import end_groups
from tests.bench.processes import ROOT
from tests.bench.rest import Api
from tests.factories import make_judge, make_provider, make_run, make_token, make_user
from tests.stub.fixtures import StubProcess
from tests.work.cluster import Cluster

_WORKERS = 2
_CANDIDATES_PER_QUERY = 10


class Stack:
    """What the figures are measured on. The stub is always there; `cluster()` and `web()` come on demand."""

    def __init__(self, stub: StubProcess, say: Callable[[str], None]) -> None:
        self.stub, self.say = stub, say
        self.user: User = make_user()
        self.token = make_token(self.user)
        self._judge = make_judge(make_provider(stub.base_url), max_concurrency=16, batch_size=1)

    @property
    def judge_version(self) -> JudgeVersion:
        return JudgeVersion.objects.get(judge=self._judge)

    @property
    def judge_id(self) -> str:
        return str(self._judge.pk)

    def evaluation_run(self, count: int, *, per_query: int = _CANDIDATES_PER_QUERY) -> EvaluationRun:
        """Make a run of `count` candidates in a corpus of its own; the same count makes the same queries and ids."""
        documents = max(count // 4, per_query)
        results = {
            f"comfortable running shoes for wet roads, size {query}": [
                f"sku-{(query * per_query + rank) % documents:06}" for rank in range(per_query)
            ]
            for query in range(count // per_query)
        }
        return make_run(results)

    def start(self, evaluation_run: EvaluationRun, *, in_flight: int) -> JudgingRun:
        return start_judging_run(
            evaluation_run=evaluation_run,
            judge=self._judge,
            actor=self.user,
            options=JudgingOptions(max_concurrency=in_flight),
        )

    def judge_run(self, evaluation_run: EvaluationRun, *, in_flight: int) -> JudgingRun:
        """Judge a run to its end and return the judging run."""
        return wait_until_ended(self.start(evaluation_run, in_flight=in_flight))

    @contextmanager
    def cluster(self, *, warm: bool = True) -> Iterator[Cluster]:
        """Run the task workers; when `warm`, each has judged something before."""
        WorkerHeartbeat.objects.all().delete()
        with Cluster(workers=_WORKERS) as cluster:
            wait_until(lambda: WorkerHeartbeat.objects.count() >= _WORKERS, 30)
            if warm:
                # Two lanes, so that both processes have loaded all that they will need.
                self.stub.script(delay_ms=20)
                self.judge_run(self.evaluation_run(400), in_flight=64)
                self.stub.reset()
            yield cluster

    @contextmanager
    def web(self) -> Iterator[Api]:
        """Run the web server as `serve` does; yield a client of its REST API."""
        process = subprocess.Popen(
            [sys.executable, "manage.py", "serve", "--web-only"],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        api = Api(settings.PORT, self.token)
        try:
            wait_until(lambda: process.poll() is not None or api.is_ready(), 60)
            yield api
        finally:
            api.close()
            end_groups([process.pid])


def wait_until(condition: Callable[[], Any], seconds: float, *, every: float = 0.02) -> None:
    """Wait for something to come true. Raise TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"it did not come true within {seconds:g} s")
        time.sleep(every)


def wait_until_ended(run: JudgingRun, seconds: float = 900) -> JudgingRun:
    """Wait for the end of a judging run, and for the last slice to settle; return it as stored."""
    wait_until(lambda: not JudgingRun.objects.only("status").get(pk=run.pk).is_active, seconds, every=0.05)
    wait_until(lambda: not run.lanes.filter(is_done=False).exists(), 60)
    return JudgingRun.objects.get(pk=run.pk)


def wait_until_judged(run: JudgingRun, count: int, seconds: float = 60) -> None:
    wait_until(lambda: judged_count(run) >= count, seconds)


def wait_until_idle() -> None:
    """Wait until no task waits for a worker, metrics to renew included."""
    wait_until(lambda: not queue.has_waiting_tasks(), 60)


def judged_count(run: JudgingRun) -> int:
    return int(JudgingRun.objects.values_list("judged_count", flat=True).get(pk=run.pk))


def seconds_between(start: datetime | None, end: datetime | None) -> float:
    assert start is not None
    assert end is not None
    return (end - start).total_seconds()
