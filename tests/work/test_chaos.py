"""Chaos: everything that a stack is made of dies in the middle of a run, and no hand helps.

The moments are drawn from the test's name and CHAOS_ROUND, which `make chaos N=10` counts.
"""

import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from judging.models import User
from tests.stub.fixtures import StubProcess
from tests.work.chaos import IN_FLIGHT, LOST_BY_A_KILL, ROUND, Stack, assert_invariants, is_active, judged
from tests.work.served import PROC

pytestmark = [
    pytest.mark.slow(seconds=60),
    pytest.mark.skipif(not PROC.is_dir(), reason="finds what is left of processes in /proc, which is not there"),
]
# What these are about is the same on any database.
on_sqlite = pytest.mark.skipif(not settings.IS_SQLITE, reason="one case of chaos is enough on PostgreSQL")


@pytest.fixture
def stack(transactional_db: None, member: User, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stack]:
    stack = Stack(tmp_path / "data", member, request.node.name)
    yield stack
    stack.stop()


STRIKES: dict[str, tuple[Callable[[Stack], None], int]] = {
    # how to strike, and how many calls it may cost
    "worker": (Stack.kill_worker, LOST_BY_A_KILL),
    "cluster": (Stack.kill_cluster, LOST_BY_A_KILL),
    "web worker": (Stack.kill_web_worker, 0),
    "web master": (Stack.kill_web_master, 0),
}
# 20 kills: 7 of a worker, 5 of all workers, 4 of a web worker, 4 of the web server.
KILLS = [[*STRIKES, also] for also in ("worker", "cluster", "worker", "worker")]


@pytest.mark.parametrize("case", range(len(KILLS)) if settings.IS_SQLITE else [1])
def test_five_kills_in_one_run_lose_nothing_and_double_nothing(stack: Stack, case: int) -> None:
    stack.serve()
    run = stack.start(800)
    targets = list(KILLS[case])
    random.Random(f"{ROUND} {case}").shuffle(targets)
    for target in targets:
        stack.wait_for_a_moment()
        stack.hit(STRIKES[target][0])
    stack.wait_until_over()
    assert stack.served.ask("/healthz") == 200
    assert_invariants(run, stack.stub, stack.served, repeated_at_most=sum(STRIKES[target][1] for target in targets))


@on_sqlite
def test_a_killed_supervisor_takes_everything_with_it_and_the_next_start_goes_on(stack: Stack) -> None:
    served = stack.serve()
    run = stack.start(400)
    stack.wait_for_a_moment()
    stack.hit(lambda stack: served.end(signal.SIGKILL))
    served.wait_for(lambda: served.processes() == [], 12)
    served = stack.serve()
    stack.note_hit()
    stack.wait_until_over()
    # What its reaper ends gives back what it holds, and writes what it has.
    assert_invariants(run, stack.stub, served, repeated_at_most=IN_FLIGHT)


@on_sqlite
def test_restarts_in_the_midst_of_a_run_cost_the_calls_in_flight_alone(stack: Stack) -> None:
    served = stack.serve()
    run = stack.start(600)
    for number in (signal.SIGTERM, signal.SIGINT):
        stack.wait_for_a_moment()
        code, seconds = served.end(number)
        assert (code, served.processes()) == (0, [])
        assert seconds < 10
        assert is_active(run), "the run was over before the restart"
        assert not run.items.filter(status="pending", claim_token__isnull=False).exists()
        assert not run.lanes.filter(lease_token__isnull=False).exists()
        served = stack.serve()
        stack.note_hit()
    stack.wait_until_over()
    assert_invariants(run, stack.stub, served, repeated_at_most=2 * IN_FLIGHT)


@on_sqlite
def test_a_provider_that_dies_and_comes_back_on_its_port_is_asked_again_and_nothing_twice(stack: Stack) -> None:
    served = stack.serve()
    run = stack.start(400)
    stack.wait_for_a_moment()
    stack.hit(lambda stack: stack.stub.kill())
    before = judged(run)
    time.sleep(1 + 3 * stack.rng.random())  # while nobody listens
    assert is_active(run)
    stack.stub = StubProcess("--delay-ms", "1000", "--port", str(stack.stub.port))
    stack.note_hit()
    stack.wait_until_over()
    assert stack.stub.stats()["calls"] <= run.total_count - before
    assert_invariants(run, stack.stub, served, repeated_at_most=0)
