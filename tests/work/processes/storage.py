"""What a disk can do to processes that run: be full, and be read-only."""

import ctypes
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE = 24, 1


@contextmanager
def full_disk(processes: Callable[[], list[int]]) -> Iterator[None]:
    """No file grows: for these processes a write beyond the first 4 kB of any file fails, as on a full disk.

    `processes` is asked again at the end: those that were started meanwhile have inherited the limit.
    """
    before = {process: resource.prlimit(process, resource.RLIMIT_FSIZE) for process in processes()}
    (soft, hard) = next(iter(before.values()))
    for process in before:
        resource.prlimit(process, resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        for process in {*before, *processes()}:
            with suppress(ProcessLookupError):
                resource.prlimit(process, resource.RLIMIT_FSIZE, (soft, hard))


def respect_permissions() -> None:
    """Have a program that root is about to start stopped by permissions, as any other user's is (Linux).

    For `preexec_fn`: root writes to read-only files by a capability, which what is started then can't get any more.
    """
    if os.geteuid() == 0 and ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, 0, 0, 0):
        raise OSError("root can't give up writing to read-only files here")


@contextmanager
def read_only(*paths: Path) -> Iterator[None]:
    """Take away the permission to write. Processes that have a file open go on writing; others can only read it."""
    modes = {path: path.stat().st_mode for path in paths}
    for path, mode in modes.items():
        path.chmod(mode & 0o555)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
