"""SIGKILL of a worker, all workers or the web server at any moment of a run, with `serve` left to itself.

Targets and moments are drawn by a seed. How soon the run is over after the kill, and what was asked twice.
"""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from django.conf import settings

from judging.models import JudgingRun, Judgment, WorkerHeartbeat
from releval.process_groups import is_process_alive
from tests.bench.figures import Figure, at_most, plain
from tests.bench.stack import Stack, judged_count, wait_until, wait_until_ended, wait_until_judged
from tests.work.served import Served

_SIZE, _IN_FLIGHT, _DELAY_MS = 600, 16, 50
_WORKERS = 2
_LEASE_SECONDS = 15.0
_TARGETS = ("worker", "cluster", "web")
# In flight, and back but not yet written: half a second at the full pace.
_MOST_REPEATED = _IN_FLIGHT + round(0.5 * _IN_FLIGHT / (_DELAY_MS / 1000))
# The supervisor waits twice as long with each death before it starts a process again, until one was well for a minute.
_KILLS_PER_SERVE = 6
ALL = 100


def measure(stack: Stack, *, kills: int) -> list[Figure]:
    """Kill something in the middle of `kills` runs, one after the other."""
    rng = random.Random(23)
    targets: list[str] = []
    while len(targets) < kills:
        targets += rng.sample(_TARGETS, len(_TARGETS))
    seconds: dict[str, list[float]] = {target: [] for target in _TARGETS}
    repeated: dict[str, list[int]] = {target: [] for target in _TARGETS}
    lost, doubled = 0, 0
    for first in range(0, kills, _KILLS_PER_SERVE):
        with _served(stack) as served:
            for number, target in enumerate(targets[first : min(kills, first + _KILLS_PER_SERVE)], first + 1):
                took, run = _kill_once(stack, served, target, rng)
                seconds[target].append(took)
                repeated[target].append(int(stack.stub.stats()["repeated_calls"]))
                lost += _SIZE - run.judged_count
                rows = Judgment.objects.filter(judging_run_id=run.pk).count()
                doubled += abs(run.items.exclude(status="pending").count() - _SIZE) + abs(rows - _SIZE)
                doubled += abs(run.calls.count() - run.call_count)
                stack.say(
                    f"kill {number} of {kills}, {target}: over {took:.1f} s later, {repeated[target][-1]} calls repeated"
                )
    return [
        plain("SIGKILL at any moment: kills", kills, "", **{target: len(each) for target, each in seconds.items()}),
        at_most(
            "SIGKILL: over after the kill, longest",
            max(chain(*seconds.values())),
            "s",
            2 * _LEASE_SECONDS,
            f"<= lease of {_LEASE_SECONDS:g} + 15",
            rounds=seconds,
        ),
        at_most("SIGKILL: repeated calls, most", max(chain(*repeated.values())), "", _MOST_REPEATED, rounds=repeated),
        at_most("SIGKILL: candidates lost", lost, "", 0),
        at_most("SIGKILL: rows too many or too few", doubled, "", 0),
    ]


@contextmanager
def _served(stack: Stack) -> Iterator[Served]:
    """Run `serve` as users do; what it writes goes to a directory of its own, which tells its processes from ours."""
    WorkerHeartbeat.objects.all().delete()
    served = Served(
        Path(settings.DATA_DIR) / "served",
        "serve",
        "--no-local-judge",
        database=os.environ["DATABASE_URL"],
        RELEVAL_WORKERS=str(_WORKERS),
        RELEVAL_LOG_LEVEL="ERROR",
        # Tasks are signed with it.
        RELEVAL_SECRET_KEY=settings.SECRET_KEY,
    )
    try:
        served.wait_until_ready()
        yield served
        code, _ = served.end(signal.SIGTERM)
        assert (code, served.processes()) == (0, []), "serve left processes behind"
    finally:
        served.kill_what_is_left()


def _workers(served: Served) -> list[int]:
    return sorted(filter(is_process_alive, served.workers()))


def _kill_once(stack: Stack, served: Served, target: str, rng: random.Random) -> tuple[float, JudgingRun]:
    wait_until(lambda: len(_workers(served)) == _WORKERS and len(served.web()) > 1, 60)
    stack.stub.reset()
    stack.stub.script(delay_ms=_DELAY_MS)
    run = stack.start(stack.evaluation_run(_SIZE), in_flight=_IN_FLIGHT)
    wait_until_judged(run, rng.randrange(1, _SIZE // 2))
    time.sleep(rng.random() * 0.5)
    if target == "worker":
        os.kill(rng.choice(_workers(served)), signal.SIGKILL)
    elif target == "cluster":
        os.killpg(os.getpgid(_workers(served)[0]), signal.SIGKILL)
    else:
        os.kill(rng.choice(served.web()), signal.SIGKILL)
    killed = time.monotonic()
    assert judged_count(run) < _SIZE, "the run was over before the kill"
    wait_until(lambda: not JudgingRun.objects.only("status").get(pk=run.pk).is_active, 120, every=0.05)
    took = time.monotonic() - killed
    assert served.ask("/healthz") == 200
    return took, wait_until_ended(run)
