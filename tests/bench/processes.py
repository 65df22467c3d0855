"""Where the bench's programs start, and what process groups cost, read from /proc (Linux)."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

# Each program is started from here as `python -m` and the name of its own module.
ROOT = Path(__file__).parents[2]
_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(group: int) -> float:
    """Return the CPU time that a process group has used, ended and collected children included. In steps of 10 ms."""
    # after the name: state ppid pgrp ... utime(11) stime(12) cutime(13) cstime(14)
    return sum(sum(map(int, fields[11:15])) for _, fields in _members(group)) / _TICKS


def peak_megabytes(group: int) -> float:
    """Return the largest resident size that any one living process of a group has had."""
    peaks = [0.0]
    for entry, _ in _members(group):
        with suppress(OSError):
            peaks.append(_peak(entry))
    return max(peaks)


def own_peak_megabytes() -> float:
    """Return the largest resident size of this process; what getrusage() says begins with that of who started it."""
    return _peak(_PROC / "self")


def _peak(entry: Path) -> float:
    lines = (entry / "status").read_text().splitlines()
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def _members(group: int) -> Iterator[tuple[Path, list[str]]]:
    for entry in _PROC.glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            yield entry, fields
