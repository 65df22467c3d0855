"""An endpoint's 60 requests a minute, kept by two runs on two workers and by people on the bench together."""

import time
from contextlib import suppress
from typing import Any

from judging.models import SearchRun
from tests.bench.figures import Figure, at_least, at_most, plain
from tests.bench.stack import Stack
from tests.engines.scripted_engine import ScriptedEngine, hits
from tests.search.runs.searching import make_search_evaluation
from tests.stub.script import Answer

_PER_MINUTE = 60
_SECONDS, _SHORTEST_WINDOW = 75.0, 30.0
# Where somebody tries a query on the bench, as the lab does.
_TRIED_EVERY = 4.0


def measure(stack: Stack) -> list[Figure]:
    """Let two runs and the bench ask one endpoint, and take when each request arrives."""
    arrivals: list[float] = []

    def note(request: Any) -> Answer:
        arrivals.append(time.monotonic())
        return hits("d1")

    engine = ScriptedEngine()
    engine.acts(note)
    queries = tuple(f"query {number}" for number in range(4 * _PER_MINUTE))
    evaluation = make_search_evaluation(
        engine.url,
        queries=queries,
        requests_per_minute=_PER_MINUTE,
        type="api",
        candidates_mapping="{total: total, candidates: results}",
    )
    body = {"name": "paced", "metrics": ["P@1"], "depth": 1, "start": True}
    tried = 0
    with stack.web() as api, stack.cluster():
        api.get("me")
        runs = [api.post(f"evaluations/{evaluation.pk}/runs", body)[0]["id"] for _ in range(2)]
        until = time.monotonic() + _SECONDS
        while time.monotonic() < until:
            # Busy, when runs have taken what the next seconds allow.
            with suppress(RuntimeError):
                api.post(f"endpoints/{evaluation.endpoint_id}/test?view=mapped", {"query": "shoes", "body": "{}"})
                tried += 1
            time.sleep(_TRIED_EVERY)
        served = [SearchRun.objects.get(pk=run).done_count for run in runs]
        for run in runs:
            api.post(f"evaluations/runs/{run}/stop", {})
    engine.stop()
    stack.say(f"{len(arrivals)} requests: {served} of the runs, {tried} of the bench")
    name = f"{_PER_MINUTE} requests a minute"
    return [
        at_most(f"{name}: most in any window of 30 s and more", 100 * _busiest(arrivals), "%", 105),
        at_least(f"{name}: pace", 100 * _pace(arrivals), "%", 95),
        plain(f"{name}: of the bench", tried, "", runs=served),
    ]


def _pace(arrivals: list[float]) -> float:
    """Return the share of the rate that was used."""
    return (len(arrivals) - 1) / (arrivals[-1] - arrivals[0]) * 60 / _PER_MINUTE


def _busiest(arrivals: list[float]) -> float:
    """Return the greatest share of the rate that any window of 30 s or more holds, both of its ends counted."""
    return max(
        (last - first + 1) / (arrivals[last] - arrivals[first]) * 60 / _PER_MINUTE
        for first in range(len(arrivals))
        for last in range(first + 1, len(arrivals))
        if arrivals[last] - arrivals[first] >= _SHORTEST_WINDOW
    )
