"""What people wait for while a run of 20,000 (--full: 100,000) candidates is judged at full speed, over REST.

The stub answers after 10 ms, 128 calls are in flight, both cores are busy. One reader asks in turn for the progress,
a page of the grid (all orders and filters that pages offer, and the next page), and saves a grade.
"""

import itertools
import time
from collections import defaultdict
from contextlib import suppress
from typing import Any

from judging.models import EvaluationRun, JudgingRun
from tests.bench.figures import Figure, at_most, percentile, plain
from tests.bench.rest import Api
from tests.bench.stack import Stack, judged_count, wait_until, wait_until_ended

_DELAY_MS, _IN_FLIGHT = 10, 128
_SIZE, _FULL_SIZE = 20_000, 100_000
_SECONDS, _FULL_SECONDS = 15.0, 60.0
_PAUSE = 0.02
_VIEWS = (
    "",
    "ordering=-effective_grade",
    "ordering=-disagreement",
    "ordering=-rank",
    "status=judged",
    "status=unjudged",
    "min_grade=3",
    "search=size+17",
)


def measure(stack: Stack, *, full: bool) -> list[Figure]:
    """Start a run over REST, take the latencies while it goes on, and cancel it."""
    size, seconds = (_FULL_SIZE, _FULL_SECONDS) if full else (_SIZE, _SECONDS)
    stack.say(f"latencies while {size:,} candidates are judged")
    evaluation_run = stack.evaluation_run(size)
    with stack.web() as api, stack.cluster():
        stack.stub.reset()
        stack.stub.script(delay_ms=_DELAY_MS)
        api.get("me")
        body = {"ai_judge_id": stack.judge_id, "max_concurrency": _IN_FLIGHT}
        clock = time.perf_counter()
        answer, start_seconds = api.post(f"evaluations/runs/{evaluation_run.pk}/ai-judge", body)
        run = JudgingRun.objects.get(pk=answer["id"])
        wait_until(lambda: judged_count(run), 30, every=0.005)
        first_judgment = time.perf_counter() - clock
        times = _read_and_write(api, evaluation_run, run, seconds)
        # On a fast machine it has ended by now: refused, and just as well.
        with suppress(RuntimeError):
            api.post(f"ai-judging-runs/{run.pk}/cancel", {})
        judged = wait_until_ended(run).judged_count
    stack.say(f"{len(times['progress'])} reads of the progress while {judged:,} were judged")
    progress, grid, grade = times["progress"], times["grid"], times["grade"]
    return [
        at_most(f"start of {size:,} candidates answers in", start_seconds, "s", 0.5),
        plain("from start to first judgment", first_judgment, "s"),
        plain("progress read while it runs, p50", _ms(progress, 0.5), "ms"),
        at_most("progress read while it runs, p95", _ms(progress, 0.95), "ms", 50, "< 50"),
        plain("grid page while it runs, p50", _ms(grid, 0.5), "ms"),
        at_most(
            "grid page while it runs, p95",
            _ms(grid, 0.95),
            "ms",
            200,
            "< 200",
            p95_by_view={view.removeprefix("grid "): _ms(t, 0.95) for view, t in times.items() if " " in view},
        ),
        at_most("one grade saved while it runs, p50", _ms(grade, 0.5), "ms", 40, "< 40"),
        plain("one grade saved while it runs, p95", _ms(grade, 0.95), "ms"),
    ]


def _read_and_write(api: Api, evaluation_run: EvaluationRun, run: JudgingRun, seconds: float) -> dict[str, list[float]]:
    times: dict[str, list[float]] = defaultdict(list)
    grid = f"evaluations/runs/{evaluation_run.pk}/candidates?page_size=50"
    rows: list[dict[str, Any]] = api.get(grid)[0]["results"]
    deadline = time.monotonic() + seconds
    for turn, view in enumerate(itertools.cycle(_VIEWS)):
        progress, took = api.get(f"ai-judging-runs/{run.pk}")
        if progress["status"] not in ("queued", "running") or time.monotonic() > deadline:
            return times
        times["progress"].append(took)
        page, took = api.get(f"{grid}&{view}")
        times["grid"].append(took)
        times[f"grid {view or 'plain'}"].append(took)
        if page["next"]:
            _, took = api.get(page["next"].partition("/api/v1/")[2])
            times["grid"].append(took)
        row = rows[turn % len(rows)]
        judgment = {"candidate_id": row["candidate_id"], "grade": turn % 5}
        body = {"queries": [{"query_id": row["query_id"], "judgments": [judgment]}]}
        _, took = api.post("judgments", body)
        times["grade"].append(took)
        time.sleep(_PAUSE)
    return times


def _ms(times: list[float], share: float) -> float:
    return 1000 * percentile(times, share)
