"""The data that a slice's loop and its store exchange: work to do, and its outcomes."""

from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from judging.foundation.answers import Failure, ServiceError
from judging.foundation.limits import LONGEST_TURN, SHARED_TURN
from judging.work.pacing.refusals import Refusals


class Asked(Protocol):
    """What the loop needs to know of an ask: the keys of the rows that it decides."""

    @property
    def keys(self) -> tuple[int, ...]: ...


AskT = TypeVar("AskT", bound=Asked)
ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True)
class Work(Generic[AskT]):
    """An ask and how often it failed in a transient way."""

    ask: AskT
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Released:
    """A row that goes back to pending: asked again after `delay` seconds, with its attempts kept."""

    key: int
    attempts: int
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Settled(Generic[ValueT]):
    """A call, the keys of its rows, and the outcomes that it decided by row key."""

    call: Any | None
    keys: tuple[int, ...]
    outcomes: dict[int, ValueT | Failure]
    # Of the job's budget.
    taken: int = 0


@dataclass(slots=True)
class Outcomes(Generic[ValueT]):
    """What happened since the last flush."""

    calls: list[Settled[ValueT]] = field(default_factory=list)
    released: list[Released] = field(default_factory=list)
    reasks_failed: int = 0
    has_reask_success: bool = False
    has_success: bool = False
    # What refused prompts are about, one for each.
    refused: list[str] = field(default_factory=list)
    fatal: ServiceError | None = None
    # Why calls had to wait, a Throttle.
    throttle: str = ""

    def __bool__(self) -> bool:
        return bool(self.calls or self.released or self.fatal)

    def decided(self) -> list[tuple[int, ValueT | Failure]]:
        """Return every outcome with its row's key."""
        return [pair for settled in self.calls for pair in settled.outcomes.items()]

    def pieces(self, size: int) -> "list[Outcomes[ValueT]]":
        """Cut into parts with at most `size` calls each, to be written in this order."""
        if len(self.calls) <= size:
            return [self]
        starts = range(0, len(self.calls), size)
        cut: list[Outcomes[ValueT]] = [
            Outcomes(calls=self.calls[start : start + size], throttle=self.throttle) for start in starts
        ]
        # What belongs to the whole goes with the last piece; so the job ends only after its outcomes are written.
        last = cut[-1]
        last.released, last.fatal, last.has_success = self.released, self.fatal, self.has_success
        last.reasks_failed, last.has_reask_success = self.reasks_failed, self.has_reask_success
        last.refused = self.refused
        return cut

    def put_back(self, earlier: "Outcomes[ValueT]") -> None:
        """Take in earlier outcomes that could not be written."""
        self.calls[:0] = earlier.calls
        self.released[:0] = earlier.released
        self.reasks_failed += earlier.reasks_failed
        self.has_reask_success |= earlier.has_reask_success
        self.has_success |= earlier.has_success
        self.refused[:0] = earlier.refused
        self.fatal = self.fatal or earlier.fatal


@dataclass(frozen=True, slots=True)
class JobState:
    """What the store knows after a flush."""

    is_active: bool = True
    fruitless_reasks: int = 0
    seconds_since_success: float | None = None
    # Looked at only once a shared turn is over.
    others_wait: bool = False
    refusals: Refusals = field(default_factory=Refusals)
    spent: int = 0


class LeaseLost(Exception):
    """Another slice holds the lane by now, and will deal with the rows in hand."""


class Impossible(Exception):
    """The work cannot begin: a credential that can't be read, a provider that is gone. The message is for people."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.message, self.code = message, code


@dataclass(frozen=True, slots=True)
class Turn:
    """How long a slice may start calls, in seconds: `shared` when other lanes wait for a worker, else `longest`."""

    shared: float = SHARED_TURN
    longest: float = LONGEST_TURN
