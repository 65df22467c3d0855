"""How many calls a slice may make to each resource: its share of limits that hold across runs, batches and hosts.

A call may be several requests, such as the pages of a list: each further one takes a start of its own, before calls
that have not begun.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, Protocol

# A start that is not used for this long is dropped, so that unused ones don't add up to a burst.
_LATEST = 0.5
# How often a request that waits for its start looks whether there is one.
_LOOK_AGAIN = 0.05
# A limit that is set while a slice runs takes effect within this time.
_LOOK_EVERY = 5.0


@dataclass(frozen=True, slots=True)
class Demand:
    """What a slice wants of a resource: `in_hand` calls may be in flight before the answer is here."""

    in_hand: int
    wanted: int
    wanted_starts: int


@dataclass(frozen=True, slots=True)
class Grant:
    """What a slice is granted: calls in flight, and in how many seconds each next call may start; None: no limit.

    `is_contested`: another slice has work for the resource and gets nothing.
    """

    concurrency: int | None = None
    starts: tuple[float, ...] | None = None
    is_contested: bool = False


class Allowances(Protocol):
    """Where grants come from. Called from the thread of the store."""

    def renew(self, demands: Mapping[str, Demand]) -> Mapping[str, Grant]: ...


class _Gate:
    def __init__(self) -> None:
        self.in_flight = 0
        # Closed until the first grant.
        self.share: int | None = 0
        self.starts: deque[float] | None = None
        self.started_lately = 0
        # Calls in flight that wait to send a further request, first come first served; how many did so lately.
        self.line = asyncio.Lock()
        self.in_line = 0
        self.continued_lately = 0

    def enter(self, now: float) -> float:
        if self.share is not None and self.in_flight >= self.share:
            return inf
        if self.in_line:
            # What has begun is ended first: the longer a call waits for its requests, the likelier it fails.
            return _LOOK_AGAIN
        if seconds := self.start(now):
            return seconds
        self.in_flight += 1
        return 0.0

    def start(self, now: float) -> float:
        """Take a start and return 0, or return in how many seconds there is one."""
        if self.starts is not None:
            while self.starts and self.starts[0] < now - _LATEST:
                self.starts.popleft()
            if not self.starts:
                return inf
            if self.starts[0] > now:
                return self.starts[0] - now
            self.starts.popleft()
        self.started_lately += 1
        return 0.0

    def demand(self, concurrency: int, waiting: int) -> Demand:
        wanted = min(concurrency, self.in_flight + waiting)
        # While it waits for an answer the loop goes on by the last grant, or freely without a limit.
        in_hand = max(self.in_flight, wanted if self.share is None else self.share)
        # Calls that went on go on, as far as can be told.
        further = self.in_line + (2 * self.continued_lately if self.in_flight else 0)
        starts = further + min(waiting, concurrency + 2 * self.started_lately) - len(self.starts or ())
        self.started_lately = self.continued_lately = 0
        return Demand(in_hand, wanted, max(0, starts))

    def take(self, grant: Grant, now: float) -> None:
        self.share = grant.concurrency
        if grant.starts is None:
            self.starts = None
        else:
            self.starts = self.starts or deque()
            self.starts.extend(now + delay for delay in grant.starts)


class Gates:
    """The gates of one slice, one per resource. Used inside its event loop."""

    def __init__(self, resource_of: Callable[[Any], str], allowances: Allowances) -> None:
        self._resource_of, self._allowances = resource_of, allowances
        self._gates: dict[str, _Gate] = {}
        self._renewed_at = -inf
        self._was_closed = False
        self.is_contested = False

    def enter(self, ask: Any) -> float:
        """Let a call begin and return 0, or return in how many seconds it may; infinity: not before a new grant."""
        gate = self._gates.get(self._resource_of(ask))
        if gate is None:
            # Seen for the first time: the next renewal asks for a grant.
            gate = self._gates[self._resource_of(ask)] = _Gate()
            self._renewed_at = -inf
        seconds = gate.enter(time.monotonic())
        self._was_closed |= seconds > 0 and self._renewed_at > -inf
        return seconds

    async def go_on(self, ask: Any, may_go_on: Callable[[], bool]) -> bool:
        """Wait until a call that has begun may send a further request; return False once `may_go_on` says no."""
        gate = self._gates[self._resource_of(ask)]
        gate.in_line += 1
        try:
            async with gate.line:
                while may_go_on():
                    if not (seconds := gate.start(time.monotonic())):
                        gate.continued_lately += 1
                        return True
                    self._was_closed = True
                    await asyncio.sleep(min(seconds, _LOOK_AGAIN))
        finally:
            gate.in_line -= 1
        return False

    def leave(self, ask: Any) -> None:
        """Note that a call has ended."""
        self._gates[self._resource_of(ask)].in_flight -= 1

    def was_closed(self) -> bool:
        """Tell whether a call had to wait since the last time this was called."""
        was_closed, self._was_closed = self._was_closed, False
        return was_closed

    @property
    def is_new(self) -> bool:
        """Whether a call waits for the first grant of its resource."""
        return self._renewed_at == -inf and bool(self._gates)

    def is_due(self) -> bool:
        """Tell whether to ask for grants: always under a limit, now and then without one."""
        is_limited = any(gate.share is not None or gate.starts is not None for gate in self._gates.values())
        return is_limited or time.monotonic() - self._renewed_at > _LOOK_EVERY

    def demands(self, *, concurrency: int, waiting: int) -> dict[str, Demand]:
        """Return what to ask for, by resource: `waiting` calls could begin, `concurrency` of them at a time."""
        return {resource: gate.demand(concurrency, waiting) for resource, gate in self._gates.items()}

    def renew(self, demands: Mapping[str, Demand]) -> Mapping[str, Grant]:
        """Ask for grants. The one method for the store's thread."""
        return self._allowances.renew(demands)

    def take(self, grants: Mapping[str, Grant]) -> None:
        """Go by these grants from now on."""
        now = time.monotonic()
        for resource, grant in grants.items():
            self._gates[resource].take(grant, now)
        self._renewed_at = now
        self.is_contested = any(grant.is_contested for grant in grants.values())
