"""Run web server, workers and local judge as one: start, restart what dies, end everything.

It knows processes and nothing of what they do. Each child leads a process group of its own, so that Ctrl-C in a
terminal reaches the supervisor alone and a child can be ended with all that it started.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType
from typing import IO, Any

from releval.process_groups import end_groups, signal_groups

logger = logging.getLogger(__name__)

BASE_DIR = Path(__file__).resolve().parent.parent
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# A child that ran this long was healthy: after its next death the pauses start from the first again.
WELL_AFTER_SECONDS = 60.0
END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
MAX_LOG_BYTES = 5_000_000


class StartFailed(Exception):
    """A child ended before it was ready. The message says which, and where to look for the reason."""


@dataclass
class Child:
    """A process to keep alive. `pass_fds` are inherited; `log` takes its output (None: the supervisor's own).

    Nobody waits for an optional one, and its death stops nothing else.
    """

    name: str
    command: Sequence[str]
    pass_fds: tuple[int, ...] = ()
    log: Path | None = None
    is_optional: bool = False
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started_at: float = field(default=0.0, init=False)
    start_again_at: float | None = field(default=None, init=False)
    pause: float = field(default=FIRST_PAUSE_SECONDS, init=False)
    death_count: int = field(default=0, init=False)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def seconds_up(self) -> float:
        return time.monotonic() - self.started_at if self.is_running else 0.0

    def forget(self) -> None:
        if self.process is not None:
            self.process.poll()  # end_groups has waited for it; this lets Popen know
            self.process = None


class Supervisor:
    """Keeps children alive. Use as a context manager; call tick() in a loop, it returns False when it is time to end.

    SIGINT, SIGTERM and SIGHUP ask to end; a second one ends at once. Must live in the main thread.
    """

    def __init__(self, children: Sequence[Child]) -> None:
        self.children = list(children)
        self._reaper: subprocess.Popen[bytes] | None = None
        # Handlers put, the loop gets: unlike an Event, a SimpleQueue may be written to inside its own reader's wait.
        self._signals: SimpleQueue[int] = SimpleQueue()
        self._is_ending = False
        self._restart_asked: SimpleQueue[str] = SimpleQueue()

    def __enter__(self) -> "Supervisor":
        for number in END_SIGNALS:
            signal.signal(number, self._on_signal)
        self._start_reaper()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self) -> None:
        for child in self.children:
            self._start(child)

    def tick(self, seconds: float = 0.25) -> bool:
        """Wait for up to `seconds`, then start again what died. Return False when the supervisor was told to end."""
        if self._is_ending:
            return False
        try:
            self._signals.get(timeout=seconds)
        except Empty:
            pass
        else:
            self._is_ending = True
            return False
        if self._reaper is not None and self._reaper.poll() is not None:
            self._start_reaper()
        while not self._restart_asked.empty():
            self._restart(self._restart_asked.get())
        for child in self.children:
            self._look_after(child)
        return True

    def restart(self, name: str) -> None:
        """Have a child ended and started again at the next tick. May be called from any thread."""
        self._restart_asked.put(name)

    def seconds_up(self, name: str) -> float:
        """Return how long a child has been running, 0 when it does not."""
        return next(child.seconds_up for child in self.children if child.name == name)

    def raise_if_died(self) -> None:
        """Raise StartFailed when a child that is not optional has died: until all are ready, no restart would help.

        One that was started again because somebody asked for it has not died.
        """
        for child in self.children:
            if not child.is_optional and (child.death_count or not child.is_running):
                where = f"; see {child.log}" if child.log else ""
                raise StartFailed(f"{child.name} ended right after its start{where}")

    def stop(self) -> None:
        """End every child and all that they started, within 10 s."""
        self._is_ending = True
        for number in END_SIGNALS:
            signal.signal(number, self._kill)
        groups = self._groups()
        survivors = end_groups(groups)
        if survivors:
            logger.error("processes of the groups %s could not be ended", survivors)
        for child in self.children:
            child.forget()
        if self._reaper is not None:
            assert self._reaper.stdin is not None
            self._tell_reaper("-", *groups)
            self._reaper.stdin.close()
            self._reaper.wait(timeout=15)
            self._reaper = None

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals.put(number)

    def _kill(self, number: int, frame: FrameType | None) -> None:
        signal_groups(self._groups(), signal.SIGKILL)

    def _start_reaper(self) -> None:
        self._reaper = subprocess.Popen(
            [sys.executable, "-m", "releval.process_groups"],
            cwd=BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._tell_reaper("+", *self._groups())

    def _groups(self) -> list[int]:
        return [child.process.pid for child in self.children if child.process is not None]

    def _tell_reaper(self, sign: str, *groups: int) -> None:
        if self._reaper is None or self._reaper.stdin is None:
            return
        try:
            self._reaper.stdin.write("".join(f"{sign}{group}\n" for group in groups).encode())
            self._reaper.stdin.flush()
        except BrokenPipeError:
            pass  # the next tick starts another one and tells it everything

    def _start(self, child: Child) -> None:
        output: IO[Any] | None = _open_log(child.log) if child.log else None
        try:
            child.process = subprocess.Popen(  # noqa: S603  (commands of the project alone)
                child.command,
                cwd=BASE_DIR,
                env={**os.environ, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                pass_fds=child.pass_fds,
                start_new_session=True,
            )
        finally:
            if output:
                output.close()
        self._tell_reaper("+", child.process.pid)
        child.started_at, child.start_again_at = time.monotonic(), None

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.start_again_at is not None:
            if now >= child.start_again_at:
                self._start(child)
        elif child.process is not None and (code := child.process.poll()) is not None:
            if now - child.started_at > WELL_AFTER_SECONDS:
                child.pause = FIRST_PAUSE_SECONDS
            child.death_count += 1
            logger.error("%s ended with %s; starting it again in %.1f s", child.name, _exit(code), child.pause)
            self._end(child, kill_after=2)
            child.start_again_at = now + child.pause
            child.pause = min(2 * child.pause, LONGEST_PAUSE_SECONDS)

    def _restart(self, name: str) -> None:
        child = next(child for child in self.children if child.name == name)
        if child.process is not None:
            self._end(child, kill_after=3)
            self._start(child)

    def _end(self, child: Child, *, kill_after: float) -> None:
        # Its own children may have outlived it: a killed cluster leaves its workers behind.
        if child.process is not None:
            end_groups([child.process.pid], kill_after=kill_after)
            self._tell_reaper("-", child.process.pid)
            child.forget()


def _exit(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _open_log(path: Path) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")
