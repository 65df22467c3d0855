"""Chaos: everything that a stack is made of dies in the middle of a run, and no hand helps.

The moments are drawn from the test's name and CHAOS_ROUND, which `make chaos N=10` counts.
"""

import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from judging.models import User
from tests.work.chaos import IN_FLIGHT, LOST_BY_A_KILL, ROUND, Stack, assert_invariants, is_active
from tests.work.served import ENDS_WITHIN, PROC

pytestmark = [
    pytest.mark.slow(seconds=35),
    pytest.mark.skipif(not PROC.is_dir(), reason="finds what is left of processes in /proc, which is not there"),
]


@pytest.fixture
def stack(transactional_db: None, member: User, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stack]:
    stack = Stack(tmp_path / "data", member, request.node.name)
    yield stack
    stack.stop()


STRIKES: dict[str, tuple[Callable[[Stack], None], int]] = {
    # how to strike, and how many calls it may cost
    "worker": (Stack.kill_worker, LOST_BY_A_KILL),
    "cluster": (Stack.kill_cluster, LOST_BY_A_KILL),
    "head of the cluster": (Stack.kill_head_of_cluster, LOST_BY_A_KILL),
    "web worker": (Stack.kill_web_worker, 0),
    "web master": (Stack.kill_web_master, 0),
}


@pytest.mark.slow(seconds=220)
def test_twenty_kills_in_one_run_lose_nothing_and_double_nothing(stack: Stack) -> None:
    stack.serve()
    targets = 4 * [*STRIKES]
    run = stack.start(100 * len(targets))
    random.Random(ROUND).shuffle(targets)
    for target in targets:
        stack.wait_for_a_moment()
        stack.hit(STRIKES[target][0])
    stack.wait_until_over()
    # The port is the supervisor's, so nobody is refused. What a process of the old server takes at its end is lost.
    stack.kill_web_master()
    stack.served.wait_for(lambda: stack.served.ask("/healthz") == 200)
    assert_invariants(run, stack.stub, stack.served, repeated_at_most=sum(STRIKES[target][1] for target in targets))


def test_restarts_in_the_midst_of_a_run_cost_the_calls_in_flight_alone(stack: Stack) -> None:
    served = stack.serve()
    run = stack.start(400)
    # A killed supervisor takes everything with it. What its reaper ends gives back what it holds, and writes what it has.
    stack.wait_for_a_moment()
    stack.hit(lambda stack: served.end(signal.SIGKILL))
    served.wait_for(lambda: served.processes() == [])
    served = stack.serve()
    stack.note_hit()
    stack.wait_for_a_moment()
    # How Ctrl-C ends it, test_serve.py shows.
    code, seconds = served.end(signal.SIGTERM)
    assert (code, served.processes()) == (0, [])
    assert seconds < ENDS_WITHIN
    assert is_active(run), "the run was over before the restart"
    assert not run.items.filter(status="pending", claim_token__isnull=False).exists()
    assert not run.lanes.filter(lease_token__isnull=False).exists()
    # Workers need no web server, which may be another host's.
    served = stack.serve("--worker-only")
    assert served.web() == []
    stack.note_hit()
    stack.wait_until_over()
    assert_invariants(run, stack.stub, served, repeated_at_most=2 * IN_FLIGHT)
