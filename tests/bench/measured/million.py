"""A million candidates in one corpus, beside 100,000: import and start of all, judging of 100,000, pages, one grade.

The stub answers after 10 ms, 128 calls are in flight. Both sizes are judged over as many queries (`query_limit`), each
by workers of its own.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from judging.judging_runs.starting import JudgingOptions, cancel_judging_run, start_judging_run
from judging.models import AIJudge, EvaluationRun, JudgingRun
from tests.bench.figures import Figure, at_most, percentile, plain
from tests.bench.measured.imports import import_file, write_results
from tests.bench.processes import cpu_seconds
from tests.bench.rest import Api, Visitor
from tests.bench.stack import Stack, wait_until, wait_until_ended, wait_until_idle, wait_until_judged

SMALL, LARGE = 100_000, 1_000_000
_DELAY_MS, _IN_FLIGHT = 10, 128
_PER_QUERY, _JUDGED = 100, 100_000
_CPU_GROWTH, _PAGE_GROWTH, _MOST_MINUTES = 1.25, 1.5, 15.0
_READS = 40


def measure(stack: Stack, *, sizes: tuple[int, int] = (SMALL, LARGE), judged: int = _JUDGED) -> list[Figure]:
    """Measure both sizes in the same way and set the larger beside the smaller."""
    began = time.monotonic()
    small, large = (_size(stack, size, min(size, judged)) for size in sizes)
    name = f"{sizes[1]:,} candidates"
    figures = [
        plain(f"{name}: import", sizes[1] / large["import seconds"], "/s"),
        plain(f"{name}: start of all answers in", large["start seconds"], "s"),
    ]
    for label, unit, growth in (
        ("import CPU per candidate", "ms", _CPU_GROWTH),
        ("start CPU per candidate", "ms", _CPU_GROWTH),
        ("judging CPU per candidate", "ms", _CPU_GROWTH),
        ("grid page, p50", "ms", _PAGE_GROWTH),
        ("grid over REST, p50", "ms", _PAGE_GROWTH),
        ("progress, p50", "ms", _PAGE_GROWTH),
        ("one grade saved, p50", "ms", _PAGE_GROWTH),
    ):
        mark = f"<= {growth} x {small[label]:.3g}"
        figures.append(at_most(f"{name}: {label}", large[label], unit, growth * small[label], mark))
    minutes = (time.monotonic() - began) / 60
    figures.append(at_most(f"{name}: the whole", minutes, "min", _MOST_MINUTES, f"< {_MOST_MINUTES:g}"))
    return figures


def _size(stack: Stack, size: int, judged: int) -> dict[str, float]:
    stack.say(f"import of {size:,} candidates")
    found: dict[str, float] = {}
    path = write_results(size, per_query=_PER_QUERY)
    imported = import_file(stack, path, timeout=1800)
    path.unlink()
    found["import seconds"] = imported["seconds"]
    found["import CPU per candidate"] = 1000 * imported["cpu"] / size
    run = EvaluationRun.objects.get(pk=imported["run"])
    judge = AIJudge.objects.get(pk=stack.judge_id)

    # 1. All of it is started and cancelled: no worker runs yet.
    stack.say(f"start of {size:,} candidates")
    (started, seconds), cpu = _timed(lambda: _start(stack, run, judge, None))
    assert started.total_count == size
    found["start seconds"], found["start CPU per candidate"] = seconds, 1000 * cpu / size
    cancel_judging_run(judging_run=started, actor=stack.user)

    # 2. A part is judged, while one reader looks on.
    stack.say(f"judging of {judged:,} of {size:,} candidates")
    with stack.web() as api, stack.cluster() as cluster:
        stack.stub.reset()
        stack.stub.script(delay_ms=_DELAY_MS)
        wait_until_idle()
        before = cpu_seconds(cluster.process.pid)
        judging_run, _ = _start(stack, run, judge, judged // _PER_QUERY)
        wait_until_judged(judging_run, judged // 100)
        times = _look(stack, api, run, judging_run)
        judging_run = wait_until_ended(judging_run)
        assert judging_run.judged_count == judged, f"{judging_run.status}: {judging_run.judged_count} judged"
        found["judging CPU per candidate"] = 1000 * (cpu_seconds(cluster.process.pid) - before) / judged
        # Its metrics are renewed before the next size is measured.
        wait_until(lambda: not run.run_queries.filter(has_stale_metrics=True).exists(), 300, every=0.5)
        wait_until_idle()
    return found | {f"{name}, p50": 1000 * percentile(each, 0.5) for name, each in times.items()}


def _start(stack: Stack, run: EvaluationRun, judge: AIJudge, query_limit: int | None) -> tuple[JudgingRun, float]:
    began = time.perf_counter()
    options = JudgingOptions(max_concurrency=_IN_FLIGHT, query_limit=query_limit)
    started = start_judging_run(evaluation_run=run, judge=judge, actor=stack.user, options=options)
    return started, time.perf_counter() - began


def _timed(do: Callable[[], Any]) -> tuple[Any, float]:
    """Return what a function returns, and the CPU seconds of this process."""
    before = time.process_time()
    result = do()
    return result, time.process_time() - before


def _look(stack: Stack, api: Api, run: EvaluationRun, judging_run: JudgingRun) -> dict[str, list[float]]:
    times: dict[str, list[float]] = defaultdict(list)
    visitor = Visitor(stack.user, api.port)
    grid = f"evaluations/runs/{run.pk}/candidates?page_size=50&ordering=-effective_grade"
    rows: list[dict[str, Any]] = api.get(grid)[0]["results"]
    for turn in range(_READS):
        times["progress"].append(api.get(f"ai-judging-runs/{judging_run.pk}")[1])
        times["grid over REST"].append(api.get(grid)[1])
        times["grid page"].append(visitor.seconds(f"/evaluations/runs/{run.pk}/review"))
        row = rows[turn % len(rows)]
        judgment = {"candidate_id": row["candidate_id"], "grade": turn % 5}
        body = {"queries": [{"query_id": row["query_id"], "judgments": [judgment]}]}
        times["one grade saved"].append(api.post("judgments", body)[1])
    return times
