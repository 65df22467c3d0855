"""SIGKILL of all workers at any moment: how soon the run is over after the restart, and what was asked twice."""

import random
import time
from itertools import count

from judging.execution import rescue_judging_runs
from judging.models import JudgingRun, Judgment
from tests.bench.figures import Figure, at_most, plain
from tests.bench.stack import Stack, judged_count, wait_until, wait_until_ended, wait_until_judged

_SIZE, _IN_FLIGHT, _DELAY_MS = 600, 16, 50
_LEASE_SECONDS = 15.0
_RESCUE_EVERY_SECONDS = 5.0
# In flight, and back but not yet written: half a second at the full pace.
_MOST_REPEATED = _IN_FLIGHT + round(0.5 * _IN_FLIGHT / (_DELAY_MS / 1000))


def measure(stack: Stack, *, kills: int) -> list[Figure]:
    """Kill the workers in the middle of `kills` runs, one after the other, at seeded moments."""
    rng = random.Random(23)
    seconds, repeated, lost, doubled = [], [], 0, 0
    for number in range(kills):
        took, run = _kill_once(stack, rng)
        seconds.append(took)
        repeated.append(int(stack.stub.stats()["repeated_calls"]))
        lost += _SIZE - run.judged_count
        rows = Judgment.objects.filter(judging_run_id=run.pk).count()
        doubled += abs(run.items.exclude(status="pending").count() - _SIZE) + abs(rows - _SIZE)
        stack.say(f"kill {number + 1} of {kills}: over {took:.1f} s after the restart, {repeated[-1]} calls repeated")
    return [
        plain("SIGKILL of the workers: kills", kills),
        at_most(
            "SIGKILL: over after the restart, longest",
            max(seconds),
            "s",
            2 * _LEASE_SECONDS,
            f"<= lease of {_LEASE_SECONDS:g} + 15",
            rounds=seconds,
        ),
        at_most("SIGKILL: repeated calls, most", max(repeated), "", _MOST_REPEATED, rounds=repeated),
        at_most("SIGKILL: candidates lost", lost, "", 0),
        at_most("SIGKILL: rows too many or too few", doubled, "", 0),
    ]


def _kill_once(stack: Stack, rng: random.Random) -> tuple[float, JudgingRun]:
    evaluation_run = stack.evaluation_run(_SIZE)
    with stack.cluster(warm=False) as cluster:
        stack.stub.reset()
        stack.stub.script(delay_ms=_DELAY_MS)
        run = stack.start(evaluation_run, in_flight=_IN_FLIGHT)
        wait_until_judged(run, rng.randrange(1, _SIZE // 2))
        time.sleep(rng.random() * 0.5)
        cluster.kill()
    assert judged_count(run) < _SIZE, "the run was over before the kill"
    with stack.cluster(warm=False):
        restarted = time.monotonic()
        ticks = count()

        def is_over() -> bool:
            # What the supervisor of `serve` does; in steps of 50 ms.
            if next(ticks) % round(_RESCUE_EVERY_SECONDS / 0.05) == 0:
                rescue_judging_runs()
            return not JudgingRun.objects.get(pk=run.pk).is_active

        wait_until(is_over, 120, every=0.05)
        return time.monotonic() - restarted, wait_until_ended(run)
