"""Judging with a real qcluster that nothing happens to: one for all tests of this file."""

from collections.abc import Iterator

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from judging.golden.acts import start_golden_check
from judging.judging_runs.starting import cancel_judging_run
from judging.models import JudgingRun, User
from judging.work import queue, workers
from tests.golden.golden_sets import golden_set
from tests.judging_runs.judging import Start, reread, small_run, wait_until
from tests.stub.fixtures import Stub
from tests.work.cluster import Cluster

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("at_work")]


@pytest.fixture(scope="module")
def cluster(django_db_setup: None) -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


@pytest.fixture
def at_work(cluster: Cluster, transactional_db: None) -> Iterator[None]:
    yield
    # A task is taken off the queue when it has been done: nothing of this test is left for the next one.
    wait_until(lambda: not OrmQ.objects.exists())


def judged(run: JudgingRun) -> int:
    return int(JudgingRun.objects.values_list("judged_count", flat=True).get(pk=run.pk))


def ended(run: JudgingRun) -> bool:
    return not JudgingRun.objects.get(pk=run.pk).is_active


def test_two_workers_share_a_run_through_its_lanes(start: Start, stub: Stub) -> None:
    stub.script(delay_ms=20)
    run = start(small_run(20, 20), max_concurrency=40)
    wait_until(lambda: ended(run), 180)
    assert workers.has_live_worker()
    run = reread(run)
    assert (run.status, run.judged_count) == ("completed", 400)
    assert stub.calls == 400
    assert all(run.lanes.values_list("slice_count", flat=True))


def test_a_cancel_stops_real_workers_within_a_second_of_calls(start: Start, stub: Stub, member: User) -> None:
    stub.script(delay_ms=200)
    run = start(small_run(60, 20), max_concurrency=64)
    wait_until(lambda: judged(run) > 50, 180)
    cancel_judging_run(judging_run=run, actor=member)
    begun = stub.calls
    wait_until(lambda: stub.in_flight == 0 and not run.lanes.filter(is_done=False).exists(), 180)
    # counted in calls, not in seconds: a busy machine is slow to stop and as slow to call
    assert stub.calls - begun <= 64 * 1000 // 200
    run = reread(run)
    assert run.status == "cancelled"
    assert (run.pending_count, run.judged_count) == (0, stub.calls)


def test_a_401_in_mid_run_fails_it_within_the_calls_in_flight(start: Start, stub: Stub) -> None:
    stub.script(delay_ms=50)
    run = start(small_run(40, 20), max_concurrency=64)
    wait_until(lambda: judged(run) > 20, 180)
    stub.script(delay_ms=50, fault="401")
    begun = stub.calls
    wait_until(lambda: ended(run), 180)
    wait_until(lambda: not run.lanes.filter(is_done=False).exists(), 180)
    assert stub.calls - begun <= 2 * 64
    run = reread(run)
    assert (run.status, run.error_code, run.failed_count, run.pending_count) == ("failed", "authentication", 0, 0)


def test_a_golden_set_and_its_check_are_judged_by_real_workers(start: Start, stub: Stub, member: User) -> None:
    watched = golden_set(stub, member)

    def concluded(count: int) -> bool:
        return watched.checks.exclude(outcome="").count() == count

    wait_until(lambda: concluded(1), 180)
    start_golden_check(golden_set=watched, actor=member)
    wait_until(lambda: concluded(2), 180)
    told = watched.checks.order_by("created_at").values_list("status", "outcome", "compared_count")
    assert list(told) == [("completed", "baseline", 20), ("completed", "quiet", 20)]
    assert stub.calls == 4 * 10 + 10  # prompts of two documents


@pytest.mark.on_both
def test_a_task_that_is_delivered_again_while_it_runs_changes_nothing(start: Start, stub: Stub) -> None:
    stub.script(delay_ms=50)
    run = start(small_run(10, 10), max_concurrency=4)
    wait_until(lambda: judged(run) > 5, 180)
    for _ in range(3):
        queue.enqueue_slice(run.lanes.get().pk)
    # the broker's own redelivery: the task's lock has run out
    OrmQ.objects.update(lock=timezone.now())
    wait_until(lambda: ended(run), 180)
    assert reread(run).judged_count == 100
    assert stub.calls == 100
