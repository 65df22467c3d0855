"""Chaos: the disk under web and workers turns full, then read-only, in the middle of a run."""

import os
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from judging.models import Candidate, User
from tests.judging_runs.judging import wait_until
from tests.work.chaos import IN_FLIGHT, LOST_BY_A_KILL, Stack, assert_invariants, is_active, judged
from tests.work.processes.storage import full_disk, read_only, respect_permissions
from tests.work.served import PROC

pytestmark = [
    pytest.mark.slow(seconds=50),
    pytest.mark.skipif(not settings.IS_SQLITE, reason="breaks an SQLite file"),
    pytest.mark.skipif(not PROC.is_dir(), reason="finds what is left of processes in /proc, which is not there"),
]


@pytest.fixture
def stack(transactional_db: None, member: User, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stack]:
    stack = Stack(tmp_path / "data", member, request.node.name)
    yield stack
    stack.stop()


def progress(stack: Stack) -> int:
    return stack.served.ask(f"/api/v1/ai-judging-runs/{stack.run.pk}", token=stack.token)


def grade(stack: Stack) -> int:
    """Save a grade as a member does; return the answer's status."""
    candidate = Candidate.objects.filter(run=stack.run.evaluation_run).order_by("pk")[0]
    judgment = {"candidate_id": candidate.document.external_id, "grade": 2}
    body = {"queries": [{"query_id": str(candidate.run_query_id), "judgments": [judgment]}]}
    return stack.served.ask("/api/v1/judgments", token=stack.token, body=body)


def assert_only_reads_work(stack: Stack) -> None:
    """Check that the web shows all and refuses to change anything, and that nobody asks what nobody could keep."""
    wait_until(lambda: stack.stub.stats()["in_flight"] == 0, 60)
    before, calls = judged(stack.run), stack.stub.stats()["calls"]
    assert progress(stack) == 200
    assert grade(stack) == 503
    time.sleep(3)
    assert judged(stack.run) == before
    # Now and then a slice tries; without room for the answers nothing more is asked.
    assert stack.stub.stats()["calls"] - calls <= 2 * IN_FLIGHT
    assert is_active(stack.run)
    assert progress(stack) == 200


def assert_grades_are_saved_again(stack: Stack) -> None:
    """Check that no thread of the web server keeps a connection that can't write."""
    # A request that was answered a moment ago may not have closed its own yet: SQLite shares it within a process.
    wait_until(lambda: grade(stack) == 200, 60)
    # Each process of the web server has several threads.
    assert [grade(stack) for _ in range(8)] == 8 * [200]


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="no process can be kept from writing here: no prlimit")
def test_a_full_disk_and_a_read_only_one_stop_web_and_workers_alone_until_mended(stack: Stack) -> None:
    try:
        served = stack.serve(before_exec=respect_permissions)
    except subprocess.SubprocessError:
        pytest.skip("root can't be kept from writing to read-only files here")
    run = stack.start(400)
    stack.wait_for_a_moment()
    with full_disk(served.processes):
        assert_only_reads_work(stack)
    stack.note_hit()
    assert_grades_are_saved_again(stack)
    # What had been asked by then is written, or would have been asked once more: rows given back come first.
    asked = stack.stub.stats()["calls"]
    wait_until(lambda: judged(run) >= asked, 60)
    assert stack.stub.stats()["repeated_calls"] == 0, "the full disk cost calls"
    file = Path(connection.settings_dict["NAME"])
    with read_only(file, *file.parent.glob(f"{file.name}-*")):
        # Who has the file open may go on writing to it; nobody has, once these are gone.
        workers = stack.workers()
        os.killpg(os.getpgid(workers[0]), signal.SIGKILL)
        served.wait_for(lambda: not set(workers) & set(served.processes()))
        assert_only_reads_work(stack)
    stack.note_hit()
    assert_grades_are_saved_again(stack)
    stack.wait_until_over()
    assert_invariants(run, stack.stub, served, repeated_at_most=LOST_BY_A_KILL)
