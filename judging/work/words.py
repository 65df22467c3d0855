"""What passes between the loop of a slice and its store: work to ask about, and batches of what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from judging.asking.engine import CallRecord
from judging.asking.parsing import Failure
from judging.providers.base import ProviderError


class Asked(Protocol):
    """What the loop must know of a prompt to send: the keys of the items that it decides."""

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
    """An item that goes back to pending: asked again after `delay` seconds, with its attempts kept."""

    key: int
    attempts: int
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Settled(Generic[ValueT]):
    """A call, the items that it was about and the outcomes that it decided, both by item key."""

    call: CallRecord | None
    keys: tuple[int, ...]
    outcomes: dict[int, ValueT | Failure]


@dataclass(slots=True)
class Batch(Generic[ValueT]):
    """What happened since the last flush."""

    calls: list[Settled[ValueT]] = field(default_factory=list)
    released: list[Released] = field(default_factory=list)
    reasks_failed: int = 0
    has_reask_success: bool = False
    has_success: bool = False
    fatal: ProviderError | None = None
    # Why calls had to wait, a Throttle.
    throttle: str = ""

    def __bool__(self) -> bool:
        return bool(self.calls or self.released or self.fatal)

    def pieces(self, size: int) -> "list[Batch[ValueT]]":
        """Cut the batch into such with at most `size` calls each, to be written in this order."""
        if len(self.calls) <= size:
            return [self]
        starts = range(0, len(self.calls), size)
        cut: list[Batch[ValueT]] = [
            Batch(calls=self.calls[start : start + size], throttle=self.throttle) for start in starts
        ]
        # What belongs to the whole stands with the last piece: the run's end, too, which comes after its outcomes.
        last = cut[-1]
        last.released, last.fatal, last.has_success = self.released, self.fatal, self.has_success
        last.reasks_failed, last.has_reask_success = self.reasks_failed, self.has_reask_success
        return cut

    def put_back(self, earlier: "Batch[ValueT]") -> None:
        """Take in an earlier batch that could not be written."""
        self.calls[:0] = earlier.calls
        self.released[:0] = earlier.released
        self.reasks_failed += earlier.reasks_failed
        self.has_reask_success |= earlier.has_reask_success
        self.has_success |= earlier.has_success
        self.fatal = self.fatal or earlier.fatal


@dataclass(frozen=True, slots=True)
class RunState:
    """What the store knows after a flush."""

    is_active: bool = True
    fruitless_reasks: int = 0
    seconds_since_success: float | None = None
    others_wait: bool = False


class LeaseLost(Exception):
    """Another slice holds the lane: whatever is in hand is its business now."""


class Store(Protocol[AskT, ValueT]):
    """The loop's door to the database. Called from one thread, one call at a time."""

    def claim(self, prompt_count: int) -> Sequence[Work[AskT]]: ...

    def seconds_to_next(self) -> float | None:
        """Return in how many seconds the next pending item may be asked, None when there is none."""
        ...

    def flush(self, batch: Batch[ValueT]) -> RunState:
        """Store a batch and renew the lease. Raise LeaseLost."""
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """How long a slice may start calls, in seconds: `shared` when other lanes wait for a worker, else `longest`."""

    shared: float = 20.0
    longest: float = 120.0
