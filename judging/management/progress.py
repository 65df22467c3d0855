"""The progress of judging or searching in a terminal: a line that renews itself, or plain lines without a terminal."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO

from django.db import OperationalError

from judging.models import JudgeJob, SearchRun

PLAIN_EVERY_SECONDS = 5.0

Followed = JudgeJob | SearchRun


class ProgressLine:
    """Shows a run's counts, its rate and the time left. Call show() as often as you like, close() at the end."""

    def __init__(self, out: Any, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._out: TextIO = getattr(out, "_out", out)  # Django's wrapper ends every write with a new line
        self._is_terminal = self._out.isatty()
        self._clock = clock
        self._first: tuple[float, int] | None = None
        self._shown_at = float("-inf")
        self._width = 0

    def show(self, run: Followed, *, is_last: bool = False) -> None:
        now = self._clock()
        done = run.total_count - run.pending_count
        if self._first is None:
            self._first = (now, done)
        if not is_last and now - self._shown_at < (0.2 if self._is_terminal else PLAIN_EVERY_SECONDS):
            return
        self._shown_at = now
        text = self._text(run, done, now)
        if self._is_terminal:
            self._out.write("\r" + text.ljust(self._width))
            self._width = len(text)
        else:
            self._out.write(text + "\n")
        self._out.flush()

    def close(self) -> None:
        if self._is_terminal and self._width:
            self._out.write("\n")
            self._out.flush()

    def _text(self, run: Followed, done: int, now: float) -> str:
        assert self._first is not None
        since, before = self._first
        if isinstance(run, SearchRun):
            succeeded = f"{run.answered_count + run.empty_count:,} answered"
        else:
            succeeded = f"{run.judged_count:,} judged"
        text = f"  {run.status}: {succeeded}, {run.failed_count:,} failed of {run.total_count:,}"
        if run.total_count:
            text += f" ({done / run.total_count:.0%})"
        rate = (done - before) / (now - since) if now > since else 0.0
        if run.is_active and rate > 0:
            text += f", {rate:.0f}/s, {duration(run.pending_count / rate)} left"
        return text


def follow(run: Followed, out: Any, *, tick: Callable[[], bool]) -> bool:
    """Show a run's progress until it has ended; `tick` waits a moment. Return False as soon as `tick` does."""
    line = ProgressLine(out)
    try:
        while True:
            with suppress(OperationalError):  # the database is busy for a moment; the next look tells
                run.refresh_from_db()
            line.show(run, is_last=not run.is_active)
            if not run.is_active:
                return True
            if not tick():
                return False
    finally:
        line.close()


def duration(seconds: float) -> str:
    """Write a time span as people do: 48 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
