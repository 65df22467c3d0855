"""A bare AsyncOpenAI loop, as a script of a few lines would have it: nothing is stored, nothing retried.

A program of its own (`python -m tests.bench.bare_loop`), so that it shares no interpreter with the bench. It reads
prompts from a JSON file and prints what the calls took: {"seconds": ..., "cpu_seconds": ..., "calls": ...}.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI

from tests.bench.processes import ROOT


def run_bare_loop(base_url: str, pairs: Path, *, count: int, in_flight: int) -> dict[str, float]:
    """Run the loop as a process of its own."""
    command = [sys.executable, "-m", __name__, base_url, str(pairs), str(count), str(in_flight)]
    output = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=600).stdout
    result: dict[str, float] = json.loads(output)
    return result


async def _calls(base_url: str, prompts: list[str], in_flight: int) -> dict[str, float]:
    waiting = iter(prompts)
    replies: list[Any] = []

    async with AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0, timeout=60) as client:

        async def ask(prompt: str) -> None:
            completion = await client.chat.completions.create(
                model="stub-model", temperature=0, messages=[{"role": "user", "content": prompt}]
            )
            replies.append(completion.choices[0].message.content)

        async def work() -> None:
            for prompt in waiting:
                await ask(prompt)

        await ask(prompts[0])  # what the package loads with its first call is not counted
        replies.clear()
        started, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(work() for _ in range(in_flight)))
        return {
            "seconds": time.perf_counter() - started,
            "cpu_seconds": time.process_time() - cpu,
            "calls": len(replies),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base_url")
    parser.add_argument("pairs", type=Path, help="a JSON list of {prompt}, used again from the start when they run out")
    parser.add_argument("count", type=int)
    parser.add_argument("in_flight", type=int)
    options = parser.parse_args()
    texts = [pair["prompt"] for pair in json.loads(options.pairs.read_text(encoding="utf-8"))]
    prompts = [texts[index % len(texts)] for index in range(options.count)]
    print(json.dumps(asyncio.run(_calls(options.base_url, prompts, options.in_flight))))


if __name__ == "__main__":
    main()
