"""When transient failures add up to an outage."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from judging.foundation.answers import Fault, ServiceError

OUTAGE_SECONDS = 60.0
_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
_LONGEST_PAUSING = 120.0
# So many in a row, of a job that was never answered, tell a wrong setting from trouble of the moment.
LASTING_FAILURES = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a failure means: whether everything fails at present, how long to pause (s), whether it is an outage.

    `is_lasting`: it is over because a setting must be wrong.
    """

    is_failing: bool
    pause: float = 0.0
    is_over: bool = False
    is_lasting: bool = False


class OutageWatch:
    """Watches one lane's attempts: an outage is when every attempt of the last 60 s failed in a transient way.

    At least max(10, 2 x concurrency) attempts must have failed. Each further such number of failures brings a
    longer pause, 120 s in all at most. Failures that mean a wrong setting when they last end the job after a few. `failing_seconds` and `failing_count` are what the lane's last slice left;
    `has_answered`: a call of the job was answered before.
    """

    def __init__(
        self,
        concurrency: int,
        *,
        failing_seconds: float | None = None,
        failing_count: int = 0,
        has_answered: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.least = max(10, 2 * concurrency)
        self._clock = clock
        self._since = clock() - failing_seconds if failing_seconds is not None else None
        self._count = failing_count
        self._has_answered = has_answered
        self._lasting_count = 0
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
        self._has_answered = True
        self._since = None
        self._count = self._pause_number = self._lasting_count = 0
        self._paused = 0.0
        self._next_pause_at = self.least

    def note_failure(self, seconds_since_success: float | None, *, may_last: bool = False) -> Verdict:
        """Note a transient failure. `seconds_since_success` is the run's, other lanes included (None: none yet).

        may_last: it means a wrong setting when it comes again and again.
        """
        self._lasting_count = self._lasting_count + 1 if may_last else 0
        self._has_answered |= seconds_since_success is not None
        now = self._clock()
        if self._since is None:
            self._since = now
        self._count += 1
        if self._lasting_count >= LASTING_FAILURES and not self._has_answered:
            return Verdict(is_failing=True, is_over=True, is_lasting=True)
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

    def error(self, last: ServiceError, *, is_lasting: bool = False) -> ServiceError:
        """Name the outage, or the setting that must be wrong, by its last failure."""
        if is_lasting:
            return ServiceError(
                f"{self._lasting_count} calls in a row came to this, and none was answered: {last.message}",
                fault=Fault.RUN,
                code=last.code_if_lasting,
                status=last.status,
            )
        seconds = self.failing_seconds or 0.0
        return ServiceError(
            f"every call failed for {seconds:.0f} s ({self._count} attempts); the last one: {last.message}",
            fault=Fault.RUN,
            code="provider_outage",
            status=last.status,
        )
