"""Candidates per second and CPU per candidate at 4, 16, 64 and 128 in flight, beside a bare client loop.

The stub answers after 100 ms, a prompt holds one candidate. Rounds of both take turns over the same stub, so that
a machine that is busy for a while is busy for both.
"""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

from judging.asking.prompting import PromptCandidate, build_messages
from judging.models import EvaluationRun
from judging.records.judge_specs import evaluation_context_of, judge_spec_of
from tests.bench.bare_loop import run_bare_loop
from tests.bench.figures import Figure, at_least, at_most, plain
from tests.bench.processes import cpu_seconds, peak_megabytes
from tests.bench.stack import Stack, seconds_between, wait_until_idle
from tests.work.cluster import Cluster

DELAY_MS = 100
_SECONDS = 6.0  # about, per round
_REST_SECONDS = 3.0
_PACES = {4: 38, 16: 140, 64: 420, 128: 450}  # expected, to choose the size of a round
LEVELS = tuple(_PACES)
_LEAST_SHARE = {16: 0.90, 64: 0.75}
_LEAST_PER_SECOND = {16: 120.0}
_CPU_MARGIN_MS = 1.0


def measure(stack: Stack, *, rounds: int = 2, levels: Sequence[int] = LEVELS) -> list[Figure]:
    """Measure every level of calls in flight, `rounds` times each."""
    figures = []
    pairs = write_pairs(stack)
    with stack.cluster() as cluster:
        for level in levels:
            figures += _level(stack, cluster, pairs, level, rounds)
        figures.append(plain("worker memory, peak", peak_megabytes(cluster.process.pid), "MB"))
        figures.append(plain("workers at rest: CPU", _rest(cluster), "ms/s"))
    return figures


def _level(stack: Stack, cluster: Cluster, pairs: Path, in_flight: int, rounds: int) -> list[Figure]:
    count = round(_PACES.get(in_flight, 140) * _SECONDS / 10) * 10
    limit = in_flight / (DELAY_MS / 1000)
    ours: list[dict[str, float]] = []
    bare: list[dict[str, float]] = []
    for number in range(rounds):
        stack.stub.script(delay_ms=DELAY_MS)
        bare.append(run_bare_loop(stack.stub.base_url, pairs, count=count, in_flight=in_flight))
        ours.append(judge_round(stack, cluster, count, in_flight))
        stack.say(
            f"{in_flight} in flight, round {number + 1}: {_pace(ours[-1:]):.0f}/s with {_cpu(ours[-1:]):.2f} ms CPU each;"
            f" bare loop {_pace(bare[-1:]):.0f}/s, {_cpu(bare[-1:]):.2f} ms"
        )
    pace, bare_pace = _pace(ours), _pace(bare)
    details: dict[str, Any] = {"rounds": ours, "bare_rounds": bare}
    name = f"{in_flight} in flight"
    figures = [
        at_least(f"{name}: candidates", pace, "/s", _LEAST_PER_SECOND[in_flight], **details)
        if in_flight in _LEAST_PER_SECOND
        else plain(f"{name}: candidates", pace, "/s", **details),
        plain(f"{name}: bare loop", bare_pace, "/s"),
        plain(f"{name}: share of the limit of {limit:g}/s", 100 * pace / limit, "%"),
    ]
    share = 100 * pace / bare_pace
    label = f"{name}: share of the bare loop"
    figures.append(
        at_least(label, share, "%", 100 * _LEAST_SHARE[in_flight])
        if in_flight in _LEAST_SHARE
        else plain(label, share, "%")
    )
    mark = f"<= bare {_cpu(bare):.2f} + {_CPU_MARGIN_MS:.1f}"
    figures.append(at_most(f"{name}: CPU per candidate", _cpu(ours), "ms", _cpu(bare) + _CPU_MARGIN_MS, mark))
    return figures


def judge_round(stack: Stack, cluster: Cluster, count: int, in_flight: int) -> dict[str, float]:
    """Judge a fresh run; the CPU is that of all processes of the cluster, from the request until the last write."""
    stack.stub.reset()
    stack.stub.script(delay_ms=DELAY_MS)
    evaluation_run = stack.evaluation_run(count)
    wait_until_idle()
    before = cpu_seconds(cluster.process.pid)
    run = stack.judge_run(evaluation_run, in_flight=in_flight)
    cpu = cpu_seconds(cluster.process.pid) - before
    assert run.judged_count == count, f"{run.status}: {run.judged_count} of {count} judged"
    return {
        "calls": count,
        "seconds": seconds_between(run.started_at, run.completed_at),
        "seconds_from_request": seconds_between(run.created_at, run.completed_at),
        "cpu_seconds": cpu,
        "max_in_flight": stack.stub.stats()["max_in_flight"],
    }


def _rest(cluster: Cluster) -> float:
    """Return what the processes cost when there is nothing to do: a share of the cost per candidate of slow runs."""
    wait_until_idle()
    time.sleep(1)  # the renewal of the last run's metrics
    before = cpu_seconds(cluster.process.pid)
    time.sleep(_REST_SECONDS)
    return 1000 * (cpu_seconds(cluster.process.pid) - before) / _REST_SECONDS


def _pace(rounds: list[dict[str, float]]) -> float:
    return sum(r["calls"] for r in rounds) / sum(r["seconds"] for r in rounds)


def _cpu(rounds: list[dict[str, float]]) -> float:
    return 1000 * sum(r["cpu_seconds"] for r in rounds) / sum(r["calls"] for r in rounds)


def write_pairs(stack: Stack) -> Path:
    """Write the very prompts that the worker sends, for others to send, each with what it asks about."""
    path = Path(settings.DATA_DIR) / "pairs.json"
    run = EvaluationRun.objects.select_related("evaluation").get(pk=stack.evaluation_run(500).pk)
    spec, evaluation = judge_spec_of(stack.judge_version), evaluation_context_of(run)
    rows = run.candidates.select_related("document", "document_version", "run_query").order_by("position", "rank")
    pairs = []
    for row in rows:
        version = row.document_version
        shown = PromptCandidate(row.document.external_id, version.title, version.fields or {}, version.image)
        messages = build_messages(row.run_query.body, [shown], settings=spec.prompt, evaluation=evaluation)
        pair = {"query": row.run_query.text, "title": shown.title, "fields": shown.fields}
        pairs.append({**pair, "prompt": messages[-1]["content"]})
    path.write_text(json.dumps(pairs), encoding="utf-8")
    return path
