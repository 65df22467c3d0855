"""A fixed list of faults: 10 % 429 with Retry-After 1, 5 % 500, 5 % prose, over 200 candidates at 16 in flight."""

import heapq
from collections import Counter, deque
from collections.abc import Sequence

from judging.models import JudgingRun
from tests.bench.figures import Figure, at_most, plain
from tests.bench.stack import Stack, seconds_between
from tests.stub.script import Mix, expected_grade

_SIZE, _IN_FLIGHT, _DELAY_MS = 200, 16, 100
_SHARES = {"429": 0.10, "500": 0.05, "prose": 0.05}
_SEED = 5
# What a perfect client waits before it asks again, in seconds: a 500 and a reply that says nothing name no pause.
_WAITS = {"429": 1.0, "500": 0.0, "prose": 0.0}
_MOST = 1.3


def measure(stack: Stack, *, rounds: int = 3) -> list[Figure]:
    """Judge the list; the critical path is what a perfect client would need for it."""
    mix = Mix(_SEED, _SHARES)
    walls, wrong, unaccounted = [], 0, 0
    with stack.cluster():
        for _ in range(rounds):
            stack.stub.reset()
            stack.stub.script(delay_ms=_DELAY_MS, mix=_SHARES, seed=_SEED, retry_after="1")
            run = stack.judge_run(stack.evaluation_run(_SIZE), in_flight=_IN_FLIGHT)
            walls.append(seconds_between(run.started_at, run.completed_at))
            rows = _rows(run)
            wrong += sum(
                status == "judged" and grade != expected_grade(text, external_id)
                for text, external_id, status, grade in rows
            )
            unaccounted += _SIZE - sum(status in ("judged", "failed") for _, _, status, _ in rows)
    faults = [mix.fault_for(text, [external_id]) for text, external_id, _, _ in rows]
    ideal = critical_path(faults)
    counts = dict(Counter(fault for fault in faults if fault))
    stack.say(f"faults {counts}: {', '.join(f'{wall:.2f}' for wall in walls)} s, critical path {ideal:.2f} s")
    wall = sorted(walls)[len(walls) // 2]
    return [
        plain("faults: critical path of the list", ideal, "s", faults=counts, rounds=walls),
        at_most("faults: wall, median", wall, "s", _MOST * ideal, f"<= {_MOST:g} x {ideal:.2f}"),
        at_most("faults: candidates without an outcome", unaccounted, "", 0),
        at_most("faults: wrong grades", wrong, "", 0),
    ]


def critical_path(faults: Sequence[str]) -> float:
    """Return the seconds that a client without any cost needs for calls with these first faults, in this order.

    It has _IN_FLIGHT slots, a wait frees the slot, and what is due again goes first.
    """
    latency = _DELAY_MS / 1000
    waiting = deque(faults)
    due: list[float] = []  # when calls may be asked again
    slots = [0.0] * _IN_FLIGHT  # when each is free
    end = 0.0
    while waiting or due:
        free = heapq.heappop(slots)
        if due and (due[0] <= free or not waiting):
            finished = max(free, heapq.heappop(due)) + latency
        else:
            fault = waiting.popleft()
            finished = free + latency
            if fault:
                heapq.heappush(due, finished + _WAITS[fault])
        heapq.heappush(slots, finished)
        end = max(end, finished)
    return end


def _rows(run: JudgingRun) -> list[tuple[str, str, str, int | None]]:
    items = run.items.order_by("prompt_number")
    return list(items.values_list("run_query__text", "candidate__document__external_id", "status", "grade"))
