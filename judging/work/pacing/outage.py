"""When transient failures add up to an outage."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from judging.foundation.answers import Fault, ServiceError

OUTAGE_SECONDS = 60.0
_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
_LONGEST_PAUSING = 120.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a failure means: whether everything fails at present, how long to pause (s), whether it is an outage."""

    is_failing: bool
    pause: float = 0.0
    is_over: bool = False


class OutageWatch:
    """Watches one lane's attempts: an outage is when every attempt of the last 60 s failed in a transient way.

    At least max(10, 2 x concurrency) attempts must have failed. Each further such number of failures brings a
    longer pause, 120 s in all at most. `failing_seconds` and `failing_count` are what the lane's last slice left.
    """

    def __init__(
        self,
        concurrency: int,
        *,
        failing_seconds: float | None = None,
        failing_count: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.least = max(10, 2 * concurrency)
        self._clock = clock
        self._since = clock() - failing_seconds if failing_seconds is not None else None
        self._count = failing_count
        self._next_pause_at = max(self.least, failing_count + 1)
        self._pause_number = 0
        self._paused = 0.0

    @property
    def failing_seconds(self) -> float | None:
        return None if self._since is None else self._clock() - self._since

    @property
    def failing_count(self) -> int:
        return self._count

    def note_success(self) -> None:
        """Note a readable answer or a refusal of one prompt: the service is there."""
        self._since = None
        self._count = self._pause_number = 0
        self._paused = 0.0
        self._next_pause_at = self.least

    def note_failure(self, seconds_since_success: float | None) -> Verdict:
        """Note a transient failure. `seconds_since_success` is the run's, other lanes included (None: none yet)."""
        now = self._clock()
        if self._since is None:
            self._since = now
        self._count += 1
        if self._count < self.least:
            return Verdict(is_failing=False)
        everywhere = seconds_since_success is None or seconds_since_success >= OUTAGE_SECONDS
        if now - self._since >= OUTAGE_SECONDS and everywhere:
            return Verdict(is_failing=True, is_over=True)
        pause = 0.0
        if self._count >= self._next_pause_at and self._paused < _LONGEST_PAUSING:
            pause = min(_PAUSES[min(self._pause_number, len(_PAUSES) - 1)], _LONGEST_PAUSING - self._paused)
            self._pause_number += 1
            self._paused += pause
            self._next_pause_at = self._count + self.least
        return Verdict(is_failing=True, pause=pause)

    def error(self, last: ServiceError) -> ServiceError:
        """Name the outage by its last failure."""
        seconds = self.failing_seconds or 0.0
        return ServiceError(
            f"every call failed for {seconds:.0f} s ({self._count} attempts); the last one: {last.message}",
            fault=Fault.RUN,
            code="provider_outage",
            status=last.status,
        )
