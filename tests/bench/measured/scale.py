"""Cost per candidate and memory as runs grow: 1,000, 10,000 and, with --full, 100,000 candidates.

The stub answers after 10 ms, 128 calls are in flight. Each size has workers of its own, so that their peak of memory
is that of this size.
"""

from tests.bench.figures import Figure, at_most, plain
from tests.bench.processes import cpu_seconds, peak_megabytes
from tests.bench.stack import Stack, seconds_between, wait_until_idle

_DELAY_MS = 10
_IN_FLIGHT = 128
_SIZES, _LARGEST = (1_000, 10_000), 100_000
_REPEATS = {1_000: 3}  # short runs are measured more than once: CPU time comes in steps of 10 ms
_GROWTH, _MEMORY_MARGIN_MB = 1.15, 20.0


def measure(stack: Stack, *, full: bool) -> list[Figure]:
    """Measure each size; marks hold for 100,000, so without --full the figures of 10,000 stand against them."""
    figures: list[Figure] = []
    cpu: dict[int, float] = {}
    memory: dict[int, float] = {}
    for size in (*_SIZES, _LARGEST) if full else _SIZES:
        cpu[size], memory[size], pace = _size(stack, size)
        stack.say(f"{size:,} candidates: {pace:.0f}/s, {cpu[size]:.2f} ms CPU each, {memory[size]:.0f} MB at the peak")
        figures.append(plain(f"{size:,} candidates: pace", pace, "/s"))
        label = f"{size:,} candidates: CPU per candidate"
        if size == _SIZES[0]:
            figures.append(plain(label, cpu[size], "ms"))
        else:
            mark = f"<= 1.15 x {cpu[_SIZES[0]]:.2f}"
            figures.append(at_most(label, cpu[size], "ms", _GROWTH * cpu[_SIZES[0]], mark))
        label = f"{size:,} candidates: worker memory, peak"
        if size == _LARGEST:
            limit = memory[_SIZES[-1]] + _MEMORY_MARGIN_MB
            figures.append(at_most(label, memory[size], "MB", limit, f"<= at 10,000 + {_MEMORY_MARGIN_MB:g}"))
        else:
            figures.append(plain(label, memory[size], "MB"))
    grown = (memory[_SIZES[-1]] - memory[_SIZES[0]]) / (_SIZES[-1] - _SIZES[0]) * 1_000
    figures.append(plain("worker memory per 1,000 candidates more", max(0.0, grown), "MB"))
    return figures


def _size(stack: Stack, size: int) -> tuple[float, float, float]:
    repeats = _REPEATS.get(size, 1)
    seconds = cpu = 0.0
    runs = [stack.evaluation_run(size) for _ in range(repeats)]
    with stack.cluster() as cluster:
        for evaluation_run in runs:
            stack.stub.reset()
            stack.stub.script(delay_ms=_DELAY_MS)
            wait_until_idle()
            before = cpu_seconds(cluster.process.pid)
            run = stack.judge_run(evaluation_run, in_flight=_IN_FLIGHT)
            cpu += cpu_seconds(cluster.process.pid) - before
            assert run.judged_count == size, f"{run.status}: {run.judged_count} of {size} judged"
            seconds += seconds_between(run.started_at, run.completed_at)
        wait_until_idle()  # the renewal of the metrics counts for the memory
        return 1000 * cpu / (size * repeats), peak_megabytes(cluster.process.pid), size * repeats / seconds
