"""End process groups for certain, also when the process that watches over them is killed.

As a program (`python -m releval.process_groups`) this is the reaper: it reads lines "+1234" and "-1234", which add and
remove groups, from its standard input. When that ends, because the supervisor closed it or died, the reaper ends the
groups that are left. It imports neither Django nor the project, and is small.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

# SIGTERM is sent again and again: a process may be between two tasks, or deaf for a moment, when the first arrives.
TERM_EVERY_SECONDS = 2.0
KILL_AFTER_SECONDS = 7.0
GIVE_UP_AFTER_SECONDS = 9.0
_PROC = Path("/proc")


def end_groups(groups: Iterable[int], *, kill_after: float = KILL_AFTER_SECONDS) -> list[int]:
    """Send SIGTERM to process groups, SIGKILL to what is left after `kill_after` seconds; return what survived that.

    Children of this process are waited for, too; do not use a Popen's own wait() on them at the same time.
    """
    left = [group for group in groups if is_group_alive(group)]
    started = time.monotonic()
    next_term = started
    while left:
        now = time.monotonic()
        if now - started > max(GIVE_UP_AFTER_SECONDS, kill_after + 2):
            break
        if now - started >= kill_after:
            signal_groups(left, signal.SIGKILL)
        elif now >= next_term:
            signal_groups(left, signal.SIGTERM)
            next_term += TERM_EVERY_SECONDS
        time.sleep(0.05)
        left = [group for group in left if is_group_alive(group)]
    return left


def is_group_alive(group: int) -> bool:
    """Tell whether a process of the group runs. Zombies don't: in a container nobody may ever collect them."""
    with suppress(ChildProcessError):
        while os.waitpid(-group, os.WNOHANG)[0]:
            pass
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS says this of a group of zombies
        return False
    if not _PROC.is_dir():
        return True
    return any(_runs(entry, group=group) for entry in _PROC.glob("[0-9]*"))


def is_process_alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie doesn't."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _PROC.is_dir() or _runs(_PROC / str(pid))


def _runs(entry: Path, *, group: int | None = None) -> bool:
    """Tell whether the process of a directory in /proc runs, and in this group where one is given."""
    try:
        # pid (name) state ppid pgrp ...; the name may hold anything, brackets and spaces included.
        state, _, group_field = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[:3]
    except (OSError, ValueError):
        return False
    return state not in ("Z", "X") and group in (None, int(group_field))


def signal_groups(groups: Iterable[int], number: int) -> None:
    """Send a signal to every process of the groups; those that are gone don't matter."""
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    end_groups(groups)


if __name__ == "__main__":
    main()
