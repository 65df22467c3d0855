"""Catch SIGTERM during a slice, so that it gives back the rows it holds before its process ends."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Notice:
    """Remembers a SIGTERM. It comes more than once: to the process group, and again while processes are left."""

    def __init__(self) -> None:
        self.is_given = False
        self._on_given: Callable[[], object] | None = None

    def give(self, number: int = signal.SIGTERM, frame: FrameType | None = None) -> None:
        is_first, self.is_given = not self.is_given, True
        if is_first and self._on_given is not None:
            self._on_given()

    @contextmanager
    def calling(self, abort: Callable[[], object]) -> Iterator[None]:
        """Call `abort` inside the running event loop when the notice is given, or at once if it was given before."""
        loop = asyncio.get_running_loop()
        self._on_given = lambda: loop.call_soon_threadsafe(abort)
        try:
            if self.is_given:
                abort()
            yield
        finally:
            self._on_given = None


@contextmanager
def catch_sigterm() -> Iterator[Notice]:
    """Note SIGTERM instead of ending at once, then end with SystemExit.

    Outside a process's main thread no signal arrives, so nothing is noted.
    """
    notice = Notice()
    if threading.current_thread() is not threading.main_thread():
        yield notice
        return
    before = signal.signal(signal.SIGTERM, notice.give)
    try:
        yield notice
    finally:
        signal.signal(signal.SIGTERM, before)
    if notice.is_given:
        raise SystemExit(0)
