"""An import of 100,000 candidates as JSON lines, in a process of its own: pace, CPU and memory.

Each query has ten candidates, each document (250 bytes) stands in four lists. Under `python -m tests.bench.measured.imports`
the process writes what it used as JSON.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from tests.bench.figures import Figure, at_least, at_most, plain
from tests.bench.processes import ROOT, own_peak_megabytes

if TYPE_CHECKING:
    from tests.bench.stack import Stack

_SMALL, _SIZE, _PER_QUERY = 1_000, 100_000, 10
_LEAST_PER_SECOND = 10_000.0
# A chunk of rows, and the database's page cache (32 MB, see releval/env.py), which no small import fills.
_MEMORY_MARGIN_MB = 20.0 + 32.0
_DESCRIPTION = "A light shoe with a firm sole, made for long runs on wet roads and paths. " * 2


def measure(stack: "Stack", *, rounds: int = 3) -> list[Figure]:
    """Import a small file for the memory of the process alone, then a large one into corpora of its own."""
    small = import_file(stack, write_results(_SMALL))
    path = write_results(_SIZE)
    found = [import_file(stack, path) for _ in range(rounds)]
    paces = [_SIZE / each["seconds"] for each in found]
    stack.say(f"imports: {', '.join(f'{pace:,.0f}' for pace in paces)} candidates per second")
    name = f"import of {_SIZE:,} candidates"
    return [
        at_least(f"{name}: best of {rounds}", max(paces), "/s", _LEAST_PER_SECOND, rounds=found),
        plain(f"{name}: CPU per candidate", 1e6 * min(each["cpu"] for each in found) / _SIZE, "µs"),
        at_most(
            f"{name}: memory, peak",
            max(each["memory"] for each in found),
            "MB",
            small["memory"] + _MEMORY_MARGIN_MB,
            f"<= at {_SMALL:,} + {_MEMORY_MARGIN_MB:g}",
        ),
    ]


def write_results(count: int, *, per_query: int = _PER_QUERY) -> Path:
    """Write a results file with `count` candidates into the data directory."""
    path = Path(settings.DATA_DIR) / f"results-{count}.jsonl"
    documents = max(count // 4, per_query)
    with path.open("w", encoding="utf-8") as file:
        for query in range(count // per_query):
            numbers = [(query * per_query + rank) % documents for rank in range(per_query)]
            result = {
                "query": f"comfortable running shoes for wet roads, size {query}",
                "query_id": f"q{query}",
                "candidates": [
                    {
                        "id": f"sku-{number:06}",
                        "title": f"Running shoe {number} with a grip for wet roads",
                        "fields": {"brand": f"Brand {number % 97}", "price": number % 300 + 0.99, "text": _DESCRIPTION},
                        "score": 100.0 - rank,
                    }
                    for rank, number in enumerate(numbers)
                ],
            }
            file.write(json.dumps(result) + "\n")
    return path


def import_file(stack: "Stack", path: Path, *, timeout: float = 600) -> dict[str, Any]:
    """Import a file into a corpus of its own; return seconds, CPU seconds, megabytes, and the run's id."""
    command = [sys.executable, "-m", __name__, str(path), str(stack.user.pk)]
    output = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=timeout).stdout
    found: dict[str, Any] = json.loads(output)
    return found


def main(path: Path, user_id: str) -> None:
    """Import as the API does."""
    import django

    django.setup()
    from judging.models import User
    from judging.runs.importing.run_files import ResultsFile
    from judging.runs.importing.run_import import import_run
    from tests.factories import make_evaluation

    actor, evaluation = User.objects.get(pk=user_id), make_evaluation()
    started, cpu = time.perf_counter(), time.process_time()
    with path.open("rb") as file:
        outcome = import_run(
            evaluation=evaluation,
            actor=actor,
            name="bench",
            scale="graded",
            metrics=["NDCG@10"],
            source=ResultsFile(file),
        )
    used = {
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - cpu,
        "memory": own_peak_megabytes(),
        "run": str(outcome.run.pk),
    }
    sys.stdout.write(json.dumps(used))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releval.settings")
    main(Path(sys.argv[1]), sys.argv[2])
