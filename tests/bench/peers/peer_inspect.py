"""Drive inspect-ai: `python peer_inspect.py BASE_URL PAIRS COUNT IN_FLIGHT`, with the Python of its own environment."""

import importlib.metadata
import json
import os
import re
import sys
import tempfile
import time
from typing import Any

from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import Score, Target, mean, scorer
from inspect_ai.solver import TaskState, generate


@scorer(metrics=[mean()])  # type: ignore[untyped-decorator]
def grade() -> Any:
    async def score(state: TaskState, target: Target) -> Score:
        found = re.search(r"<grade>(\d+)</grade>", state.output.completion)
        return Score(value=int(found[1]) if found else float("nan"), answer=state.output.completion)

    return score


def main() -> None:
    base_url, path, count, in_flight = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    with open(path, encoding="utf-8") as file:
        pairs = json.load(file)
    os.environ |= {"STUB_API_KEY": "none", "STUB_BASE_URL": base_url}
    samples = [Sample(input=pairs[index % len(pairs)]["prompt"], id=index) for index in range(count)]
    task = Task(dataset=MemoryDataset(samples), solver=generate(), scorer=grade())
    with tempfile.TemporaryDirectory() as logs:
        started, cpu = time.perf_counter(), time.process_time()
        log = eval(
            task,
            model="openai-api/stub/stub-model",
            max_connections=in_flight,
            max_samples=in_flight,
            temperature=0,
            log_dir=logs,
            display="none",
        )[0]
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
        assert log.status == "success", log.error
        scored = sum(bool(sample.scores) for sample in log.samples or [])  # read from the log when asked for
    version = importlib.metadata.version("inspect-ai")
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "scored": scored, "version": version}))


if __name__ == "__main__":
    main()
