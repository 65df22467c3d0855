"""Measure the figures of quality on this machine and print each beside its mark: `python -m tests.bench`."""

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import environment
from tests.bench.figures import Figure, not_measured, save, table, verdict
from tests.bench.processes import ROOT

if TYPE_CHECKING:
    pass

_PARTS = {
    "throughput": "candidates per second and CPU each at 4, 16, 64, 128 in flight, beside a bare AsyncOpenAI loop",
    "scale": "cost per candidate and worker memory at 1,000 and 10,000 candidates (--full: 100,000)",
    "imports": "100,000 candidates as JSON lines: pace, CPU and memory of the import",
    "live": "start, first judgment, progress, grid and grade latencies over REST during a run",
    "cancel": "last new call after a cancel was answered",
    "unauthorized": "from the first 401 to a failed run",
    "faults": "a fixed list of 429, 500 and prose against its critical path",
    "batch": "a batch of 100 inputs and 3 evaluators against its ideal, and the list of 1,000 batches",
    "searches": "start, pace and CPU of search runs at depth 5 and 20, and the page that compares two of 10,000 queries",
    "trust": "figures, tab and check samples of 100,000 candidates, 5,000 of them graded by people",
    "pacing": "an endpoint's requests per minute, kept by two runs on two workers and the bench together (75 s)",
    "kill": "SIGKILL of a worker, all workers or the web server of serve in mid-run (--kills N; --full: 100)",
    "two-hosts": "one run on PostgreSQL shared by two clusters",
    "outage": "every call fails (only with --full or by name: 150 s)",
    "million": "1,000,000 candidates in one corpus beside 100,000 (only with --million or by name: 15 minutes)",
    "ragas": "the public tool over the same pairs and the same stub (only with --peers or by name)",
    "inspect-ai": "likewise",
}
_FULL, _MILLION, _WITH_PEERS = "BENCH_ARGS=--full", "BENCH_ARGS=--million", "PEERS=1"
# What quality promises and a run of these parts without --full, or one without others, says nothing about.
_ONLY_FULL = {
    "scale": (
        ("100,000 candidates: CPU per candidate", "<= 1.15 x at 1,000"),
        ("100,000 candidates: worker memory, peak", "<= at 10,000 + 20"),
    ),
    "live": (
        ("start of 100,000 candidates answers in", "<= 0.5"),
        ("100,000 candidates: progress read while it runs, p95", "< 50"),
        ("100,000 candidates: grid page while it runs, p95", "< 200"),
        ("100,000 candidates: one grade saved while it runs, p50", "< 40"),
    ),
    "kill": (("SIGKILL at any moment: 100 kills", "the same"),),
    "outage": (("outage: failed after", "<= 150"),),
}
_PEERS = {"ragas", "inspect-ai"}


def main() -> int:
    options = _options()
    if not Path("/proc/self/stat").exists():
        print("The bench reads /proc, which this system does not have: run it on Linux.", file=sys.stderr)
        return 1
    left_out = set() if options.full else {"outage"}
    left_out |= set() if options.million else {"million"}
    left_out |= set() if options.peers else _PEERS
    wanted = options.only or [name for name in _PARTS if name not in left_out]
    figures: list[Figure] = []
    problems: list[str] = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="releval-bench-") as directory:
        try:
            _measure(wanted, options, Path(directory), figures, problems)
        except KeyboardInterrupt:
            problems.append("interrupted")
    figures += _unknown(wanted, options)
    print(table(figures))
    missed = sum(figure.is_met is False for figure in figures)
    for problem in problems:
        print(f"not measured: {problem}")
    save(options.json, figures, options=vars(options), problems=problems)
    failed = f"; FAILED: {', '.join(problem.partition(':')[0] for problem in problems)}" if problems else ""
    print(f"{verdict(figures)}{failed}. {time.monotonic() - began:.0f} s; saved as {options.json}")
    return 1 if options.strict and (missed or problems) else 0


def _unknown(wanted: list[str], options: argparse.Namespace) -> list[Figure]:
    """Name the promises that were left out; what was chosen by name stands for itself."""
    rows = []
    for part, marks in _ONLY_FULL.items():
        is_chosen = part in wanted or not options.only
        # An outage chosen by name is the whole of it.
        is_whole = options.full or (part == "outage" and part in wanted)
        if is_chosen and not is_whole:
            rows += [not_measured(name, mark, _FULL) for name, mark in marks]
    if not options.only and not options.million:
        rows.append(not_measured("1,000,000 candidates", "CPU <= 1.25 x, pages <= 1.5 x at 100,000", _MILLION))
    if not options.only and not options.peers:
        rows += [not_measured(f"ahead of {name}", "> its pace", _WITH_PEERS) for name in sorted(_PEERS)]
    return rows


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Measure Releval: a stub provider, task workers and a web server, each as processes of their own,"
        " on SQLite in a temporary directory. Prints each figure beside its mark and saves all of them as JSON.",
        epilog="Parts:\n" + "\n".join(f"  {name:<13} {about}" for name, about in _PARTS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", action="append", choices=_PARTS, metavar="PART", help="one part; may be repeated")
    parser.add_argument(
        "--full", action="store_true", help="100,000 candidates, an outage and 100 kills, too (45 minutes more)"
    )
    parser.add_argument("--million", action="store_true", help="1,000,000 candidates, too (15 minutes more)")
    parser.add_argument(
        "--rounds", type=int, default=2, help="of each level of throughput, in turns with the bare loop"
    )
    parser.add_argument("--in-flight", type=int, action="append", help="a level of throughput; may be repeated")
    parser.add_argument("--kills", type=int, help="how many SIGKILLs, 3 or with --full 100; each takes up to 25 s")
    parser.add_argument("--peers", action="store_true", help="measure public tools, too (installs them into ~/.cache)")
    parser.add_argument("--json", type=Path, default=ROOT / "bench.json", help="where to save (bench.json)")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a mark is missed or a part fails")
    return parser.parse_args()


def _measure(
    wanted: list[str], options: argparse.Namespace, data_dir: Path, figures: list[Figure], problems: list[str]
) -> None:
    environment.prepare(data_dir)
    # These load the models, which need Django to be ready.
    from tests.bench import peers
    from tests.bench.measured import (
        batch,
        endings,
        faults,
        imports,
        kills,
        live,
        million,
        pacing,
        scale,
        searches,
        throughput,
        trust,
        two_hosts,
    )
    from tests.bench.stack import Stack
    from tests.stub.fixtures import StubProcess

    levels = tuple(options.in_flight or throughput.LEVELS)
    parts: dict[str, Callable[[Stack], list[Figure]]] = {
        "throughput": lambda stack: throughput.measure(stack, rounds=options.rounds, levels=levels),
        "scale": lambda stack: scale.measure(stack, full=options.full),
        "imports": imports.measure,
        "live": lambda stack: live.measure(stack, full=options.full),
        "cancel": endings.measure_cancel,
        "unauthorized": endings.measure_unauthorized,
        "faults": faults.measure,
        "batch": batch.measure,
        "searches": searches.measure,
        "trust": trust.measure,
        "pacing": pacing.measure,
        "kill": lambda stack: kills.measure(stack, kills=options.kills or (kills.ALL if options.full else 3)),
        "two-hosts": lambda stack: two_hosts.measure(),
        "outage": endings.measure_outage,
        "million": million.measure,
        "ragas": lambda stack: peers.measure(stack, "ragas"),
        "inspect-ai": lambda stack: peers.measure(stack, "inspect-ai"),
    }
    with StubProcess() as stub:
        stack = Stack(stub, _say)
        for name in wanted:
            _say(f"== {name}: {_PARTS[name]}")
            try:
                figures += parts[name](stack)
            except Exception as error:
                # One part must not take the others' figures with it.
                traceback.print_exc()
                problems.append(f"{name}: {type(error).__name__}: {error}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
