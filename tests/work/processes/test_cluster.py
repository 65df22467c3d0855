"""Judging with a real qcluster that loses a worker or is ended. Killed whole: test_chaos.py and test_two_hosts.py."""

import os
import signal

import pytest

from judging.management.rescuing import rescue_all
from judging.models import JudgingRun
from tests.draining import drain
from tests.judging_runs.judging import Start, reread, small_run, wait_until
from tests.stub.fixtures import Stub
from tests.work.cluster import Cluster

pytestmark = pytest.mark.slow(seconds=20)

LEASE = 15.0


def judged(run: JudgingRun) -> int:
    return int(JudgingRun.objects.values_list("judged_count", flat=True).get(pk=run.pk))


def ended(run: JudgingRun) -> bool:
    return not JudgingRun.objects.get(pk=run.pk).is_active


def test_a_killed_worker_process_is_replaced_and_nothing_is_lost(start: Start, stub: Stub) -> None:
    stub.script(delay_ms=50)
    run = start(small_run(20, 15), max_concurrency=16)
    with Cluster(workers=1) as cluster:
        wait_until(lambda: judged(run) > 20, 180)
        # the process that holds connections to the stub is the worker at work
        worker = _worker_at_work(cluster)
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: ended(run), LEASE + 180, also=rescue_all)
    run = reread(run)
    assert (run.status, run.judged_count) == ("completed", 300)


@pytest.mark.on_both
@pytest.mark.postgresql  # on SQLite test_chaos.py ends all of `serve` so
def test_sigterm_gives_everything_back_and_any_worker_goes_on_at_once(start: Start, stub: Stub) -> None:
    stub.script(delay_ms=100)
    run = start(small_run(20, 15), max_concurrency=8)
    with Cluster() as cluster:
        wait_until(lambda: judged(run) > 10, 180)
        cluster.terminate()
        wait_until(lambda: not cluster.processes(), 180)
    assert not run.items.filter(status="pending", claim_token__isnull=False).exists()
    assert not run.lanes.filter(lease_token__isnull=False).exists()
    assert judged(run) < 300
    drain()
    assert reread(run).judged_count == 300


def _worker_at_work(cluster: Cluster) -> int:
    for process in cluster.processes():
        links = f"/proc/{process}/fd"
        sockets = sum(os.readlink(f"{links}/{fd}").startswith("socket:") for fd in _fds(links))
        if sockets >= 8:
            return process
    raise AssertionError("no process of the cluster holds connections")


def _fds(path: str) -> list[str]:
    return [fd for fd in os.listdir(path) if os.path.islink(f"{path}/{fd}")]
