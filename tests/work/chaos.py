"""A whole stack as users run it, hit at seeded moments of a run, and what must hold of the run afterwards.

Nothing here calls the rescue or mends anything: what goes on after a hit, goes on by itself.
"""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import transaction

from judging.foundation.limits import LEASE_SECONDS
from judging.models import Candidate, ItemStatus, JudgingRun, Judgment, SearchRun, User
from judging.work.loop import FLUSH_SECONDS
from releval.process_groups import is_process_alive
from tests.bench.rest import Api
from tests.factories import make_judge, make_provider, make_token
from tests.judging_runs.judging import grades_of_record, reread, small_run, wait_until
from tests.stub.fixtures import StubProcess
from tests.stub.script import expected_grade
from tests.work.cluster import database_url
from tests.work.served import ENDS_WITHIN, Served

WORKERS, LANE = 2, 32
# What two workers have in flight together: a lane of 32 each.
IN_FLIGHT = WORKERS * LANE
# Long, so that few calls fill the time in which the stack is hit, on a busy machine, too.
DELAY_SECONDS = 2.0
# A cycle of a lane's writes is half a second and the write itself, which may take as long on a busy machine.
UNWRITTEN = round(IN_FLIGHT * 2 * FLUSH_SECONDS / DELAY_SECONDS)
# What one kill of workers may cost: the calls in flight, and those that are back but not yet written.
LOST_BY_A_KILL = IN_FLIGHT + UNWRITTEN
# 15 by design, which the bench measures. Here other tests share the machine.
MARGIN = 45.0
# `make chaos N=10` counts them: each has moments of its own.
ROUND = os.environ.get("CHAOS_ROUND", "1")
IS_WHOLE = "CHAOS_ROUND" in os.environ


class ServedRun:
    """`serve` on the test database, and one run in progress on it."""

    served: Served
    run: JudgingRun | SearchRun
    # What the work that was left at the last hit takes, each, when nothing else is to do.
    seconds_each: float

    def __init__(self, directory: Path, member: User, name: str) -> None:
        self.directory, self.member = directory, member
        self.rng = random.Random(f"{ROUND} {name}")
        self.starts = 0
        self.hit_at = time.monotonic()
        self.left_at_hit, self.is_fresh = 0, True
        self.token = make_token(member)

    def serve(self, *options: str, before_exec: Callable[[], None] | None = None) -> Served:
        """Start `serve`, on the same port each time, and wait until it serves or, with no web server, runs."""
        port = self.served.port if self.starts else 0
        self.starts += 1
        self.served = Served(
            # A directory for each start would hide what an earlier one left behind.
            self.directory,
            "serve",
            "--no-local-judge",
            *options,
            database=database_url(),
            port=port,
            before_exec=before_exec,
            RELEVAL_WORKERS=str(WORKERS),
            # Each costs as much to start as hundreds of candidates to judge, and so none stands in for one that is killed.
            RELEVAL_WEB_PROCESSES="1",
            RELEVAL_LOG_LEVEL="WARNING",
        )
        self.served.wait_until_ready()
        return self.served

    def stop(self) -> None:
        """End everything, however it stands."""
        if self.starts:
            self.served.kill_what_is_left()

    # Moments

    def wait_for_a_moment(self) -> None:
        """Wait until the run gets on, for a few seconds at most where a lease has to run out first, and a random time."""
        before, latest = pending(self.run), time.monotonic() + (LEASE_SECONDS if self.is_fresh else 5.0)
        wait_until(lambda: pending(self.run) < before or time.monotonic() > latest, 2 * LEASE_SECONDS)
        self.is_fresh = False
        time.sleep(self.rng.random())

    def hit(self, strike: Callable[[Any], object]) -> None:
        """Do something to the stack while the run is in progress."""
        assert is_active(self.run), "the run was over before it could be hit"
        strike(self)
        self.note_hit()

    def note_hit(self) -> None:
        """Note that the run has had what it needs to go on since now."""
        self.hit_at = time.monotonic()
        self.left_at_hit = pending(self.run)

    def wait_until_over(self) -> None:
        """Wait for the end of the run: a lease and a margin after the last hit, and what the work that was left takes."""
        # Twice the time of workers that never wait: the machine has other things to do, too.
        work = 2 * self.left_at_hit * self.seconds_each
        left = self.hit_at + LEASE_SECONDS + MARGIN + work - time.monotonic()
        wait_until(lambda: not is_active(self.run), left)

    # What is hit

    def workers(self) -> list[int]:
        """Return the worker processes that are alive."""
        return sorted(filter(is_process_alive, self.served.workers()))

    def kill(self, process: int) -> None:
        os.kill(process, signal.SIGKILL)

    def kill_worker(self) -> None:
        self.kill(self.rng.choice(self.served.wait_for(self.workers)))

    def kill_cluster(self) -> None:
        os.killpg(os.getpgid(self.served.wait_for(self.workers)[0]), signal.SIGKILL)

    def kill_head_of_cluster(self) -> None:
        """Kill the process that starts the workers: none of them may stay behind."""
        before = self.served.wait_for(self.workers)
        self.kill(os.getpgid(before[0]))
        self.served.wait_for(lambda: not any(map(is_process_alive, before)))

    def kill_web_worker(self) -> None:
        self.kill(self.rng.choice(self.served.wait_for(lambda: self.served.web()[1:])))

    def kill_web_master(self) -> None:
        self.kill(self.served.wait_for(self.served.web)[0])


class Stack(ServedRun):
    """The stub as a process, and a judging run of `count` candidates."""

    run: JudgingRun
    seconds_each = DELAY_SECONDS / IN_FLIGHT

    def __init__(self, directory: Path, member: User, name: str) -> None:
        super().__init__(directory, member, name)
        self.stub = StubProcess("--delay-ms", str(1000 * DELAY_SECONDS))

    def start(self, count: int) -> JudgingRun:
        """Start a run over REST. It has four lanes, two more than there are workers."""
        judge = make_judge(make_provider(self.stub.base_url), max_concurrency=4 * LANE)
        evaluation_run = small_run(count // 20, 20)
        api = Api(self.served.port, self.token)
        answer, _ = api.post(f"evaluations/runs/{evaluation_run.pk}/ai-judge", {"ai_judge_id": str(judge.pk)})
        api.close()
        self.run = JudgingRun.objects.get(pk=answer["id"])
        self.left_at_hit, self.is_fresh = count, True
        return self.run

    def stop(self) -> None:
        """End everything, however it stands."""
        super().stop()
        self.stub.stop()


def judged(run: JudgingRun) -> int:
    return int(JudgingRun.objects.values_list("judged_count", flat=True).get(pk=run.pk))


def pending(run: JudgingRun | SearchRun) -> int:
    return type(run).objects.get(pk=run.pk).pending_count


def is_active(run: JudgingRun | SearchRun) -> bool:
    return type(run).objects.only("status").get(pk=run.pk).is_active


def assert_invariants(run: JudgingRun, stub: StubProcess, served: Served, *, repeated_at_most: int) -> None:
    """Check that a run lost nothing and doubled nothing, then end the stack and check that nothing is left of it."""
    # reread: the counters against items and calls.
    with transaction.atomic():
        run = reread(run)
        items = list(run.items.select_related("run_query", "candidate__document"))
        answered = set(run.calls.filter(error_code="").values_list("pk", flat=True))
        grades = grades_of_record(run.evaluation_run)
        judgments = Judgment.objects.filter(judging_run_id=run.pk).count()
    assert (run.status, run.judged_count, run.pending_count) == ("completed", run.total_count, 0)
    # One outcome of each item, from one answer of its own, and the grade that this answer brought.
    assert len({item.candidate_id for item in items}) == len(items) == run.total_count
    assert {item.call_id for item in items} == answered
    assert len(answered) == run.total_count
    expected = {
        item.candidate.document.external_id: expected_grade(item.run_query.text, item.candidate.document.external_id)
        for item in items
    }
    assert {item.candidate.document.external_id: item.grade for item in items} == expected == grades
    assert judgments == run.total_count
    wait_until(lambda: not run.evaluation_run.run_queries.filter(has_stale_metrics=True).exists(), 2 * LEASE_SECONDS)
    assert not Candidate.objects.filter(run=run.evaluation_run, effective_grade=None).exists()
    assert not run.items.filter(status=ItemStatus.PENDING).exists()
    wait_until(lambda: not run.lanes.filter(is_done=False).exists(), 2 * LEASE_SECONDS)
    stats = stub.stats()
    assert stats["in_flight"] == 0
    assert stats["repeated_calls"] <= repeated_at_most
    code, seconds = served.end(signal.SIGTERM)
    assert (code, served.processes()) == (0, [])
    assert seconds < ENDS_WITHIN
