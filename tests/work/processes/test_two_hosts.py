"""Two clusters in process groups of their own share one judging run, as two hosts with one PostgreSQL do."""

import time
from collections.abc import Callable

import pytest

from judging.management.rescuing import rescue_all
from judging.models import JudgingRun, WorkerHeartbeat
from judging.work import workers
from tests.judging_runs.judging import Start, grades_of_record, reread, small_run, wait_until
from tests.stub.fixtures import Stub
from tests.work.cluster import Cluster
from tests.work.processes.callers import Callers

pytestmark = [pytest.mark.slow(seconds=30), pytest.mark.postgresql]

LEASE = 15.0


def judged(run: JudgingRun) -> int:
    return int(JudgingRun.objects.values_list("judged_count", flat=True).get(pk=run.pk))


def ended(run: JudgingRun) -> bool:
    return not JudgingRun.objects.get(pk=run.pk).is_active


def wait_for_workers(count: int) -> None:
    wait_until(lambda: WorkerHeartbeat.objects.count() == count, 60)


def also(condition: Callable[[], bool], look: Callable[[], object]) -> Callable[[], bool]:
    def check() -> bool:
        time.sleep(0.2)
        look()
        return condition()

    return check


def test_two_hosts_share_a_run_and_one_goes_on_when_the_other_is_lost(start: Start, stub: Stub) -> None:
    stub.script(delay_ms=1_000)
    with Cluster() as first, Cluster() as second:
        wait_for_workers(4)
        run = start(small_run(60, 20), max_concurrency=100)
        callers = Callers(stub, first, second)
        wait_until(also(lambda: judged(run) > 600, callers.look), 60)
        assert stub.repeated_calls == 0
        assert min(callers.shares()) >= 0.25, callers.shares()
        assert 50 < stub.max_in_flight <= 100, "more than what one of them may have"
        assert all(run.lanes.values_list("slice_count", flat=True))
        second.kill()
        written = judged(run)
        unwritten = stub.calls - written
        # What the supervisor of the host that is left does.
        wait_until(also(lambda: ended(run), rescue_all), LEASE + 60)
    run = reread(run)
    assert (run.status, run.judged_count) == ("completed", 1200)
    assert len(grades_of_record(run.evaluation_run)) == 1200
    assert stub.max_in_flight <= 100 + 50, "the stub still had calls of the lost host in hand"
    # In flight, or back but not yet written, when the host was lost; however long a busy machine takes to write.
    assert stub.repeated_calls <= unwritten
    assert workers.has_live_worker()
