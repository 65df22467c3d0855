"""The asynchronous heart of a slice: keeps calls in flight, retries, pauses, and hands outcomes on to be written.

It knows no database: a store does what must be stored, in a thread of its own, so that no call ever waits inside a
transaction and no transaction ever waits for a call.
"""

import asyncio
import logging
import math
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from typing import Any, Generic, Protocol

from judging.foundation.answers import AnswerTo, Failure, FailureCode, Fault, ServiceError
from judging.foundation.limits import LEASE_SECONDS
from judging.work.pacing.budget import Budget
from judging.work.pacing.gates import Gates
from judging.work.pacing.limiter import AdaptiveConcurrency, backoff
from judging.work.pacing.outage import OutageWatch
from judging.work.pacing.refusals import Refusals
from judging.work.words import AskT, JobState, LeaseLost, Outcomes, Released, Settled, Turn, ValueT, Work

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 0.5
# Many outcomes are written in several short transactions, with pauses in which people can save grades; in at most this
# many, or outcomes would arrive faster than they are written.
PIECE = 25
MOST_PIECES = 16
BETWEEN_PIECES_SECONDS = 0.01
# No call is started while more outcomes than this wait to be written: if the process dies, they are repeated.
MOST_UNWRITTEN = 500
FRUITLESS_REASKS = 20


class WorkStore(Protocol[AskT, ValueT]):
    """The loop's access to the database. Called from one thread, one call at a time."""

    def claim(self, count: int) -> Sequence[Work[AskT]]: ...

    def seconds_to_next(self) -> float | None: ...

    def flush(self, outcomes: Outcomes[ValueT]) -> JobState: ...


class SliceLoop(Generic[AskT, ValueT]):
    """The calls of one slice."""

    def __init__(
        self,
        ask: Callable[[AskT, Callable[[], bool]], Awaitable[AnswerTo[AskT, ValueT]]],
        store: WorkStore[AskT, ValueT],
        *,
        gates: Gates,
        concurrency: AdaptiveConcurrency,
        outage: OutageWatch,
        max_retries: int,
        budget: Budget | None = None,
        refusals: Refusals | None = None,
        has_several_subjects: bool | None = None,
        piece: int | None = None,
        turn: Turn,
        executor: Executor,
        rng: random.Random | None = None,
    ) -> None:
        self._ask, self._store, self._executor = ask, store, executor
        self._gates = gates
        self._gate_timer: asyncio.TimerHandle | None = None
        self._concurrency, self._outage = concurrency, outage
        self._max_retries, self._turn, self._piece = max_retries, turn, piece
        self._budget, self._has_several_subjects = budget, has_several_subjects
        self._rng = rng or random.Random()
        self._ready: deque[Work[AskT]] = deque()
        self._delayed: dict[asyncio.TimerHandle, Work[AskT]] = {}
        self._in_flight: dict[asyncio.Task[None], Work[AskT]] = {}
        self._unwritten: Outcomes[ValueT] = Outcomes()
        self._writing: Outcomes[ValueT] = Outcomes()
        self._state = JobState(refusals=refusals or Refusals())
        self._accepts = True
        self._has_more = True
        self._settled_lately = 0
        self._wake = asyncio.Event()
        self._paused_until = 0.0
        self._refused_since: float | None = None

    async def run(self) -> None:
        """Work until nothing is left to claim, the turn is over, or the job has ended; then settle the rows in hand."""
        started = last_flush = time.monotonic()
        while True:
            if self._accepts and self._has_more and len(self._ready) < self._stock() / 2:
                await self._claim()
            self._fill()
            if self._gates.is_new:
                await self._renew_gates()
            if not (self._in_flight or self._ready or self._delayed) and (
                not self._accepts or not await self._wait_for_more(started)
            ):
                break
            await self._sleep(last_flush + FLUSH_SECONDS - time.monotonic())
            now = time.monotonic()
            if now - last_flush >= FLUSH_SECONDS or self._unwritten.fatal:
                await self._flush()
                last_flush = now
                if not self._state.is_active or now - started > self._turn_seconds():
                    self._stop_accepting()
        while not await self._flush():
            await asyncio.sleep(FLUSH_SECONDS)

    async def go_on(self, ask: AskT) -> None:
        """Wait until a call may send a further request. Raise ServiceError once the job has ended: none is sent."""
        if not await self._gates.go_on(ask, lambda: self._state.is_active):
            raise ServiceError("the work has ended", fault=Fault.RUN, code="ended")

    def abort(self) -> None:
        """Give everything back at once, calls in flight included (the process is told to end)."""
        self._stop_accepting()
        for task, work in list(self._in_flight.items()):
            if task.cancel():
                self._release(work)

    def _turn_seconds(self) -> float:
        others_wait = self._state.others_wait or self._gates.is_contested
        return self._turn.shared if others_wait else self._turn.longest

    def _stock(self) -> int:
        # Enough prompts in hand for a flush interval at the present pace.
        return max(2 * self._concurrency.current, 2 * self._settled_lately, 8)

    async def _claim(self) -> bool:
        wanted = self._stock() - len(self._ready)
        try:
            works = await self._in_thread(self._store.claim, wanted)
        except LeaseLost:
            raise
        except Exception as error:
            self._tolerate(error)
            await asyncio.sleep(FLUSH_SECONDS)
            return False
        self._ready.extend(works)
        self._has_more = len(works) >= wanted
        if not self._accepts:
            # Told to end while the claim was under way.
            self._stop_accepting()
        return bool(works)

    async def _wait_for_more(self, started: float) -> bool:
        """With nothing in hand, claim, or wait for rows that are not due yet; return False when the turn should end."""
        await self._flush()
        if not self._state.is_active:
            return False
        if await self._claim():
            return True
        seconds = await self._in_thread(self._store.seconds_to_next)
        remaining = started + self._turn_seconds() - time.monotonic()
        if seconds is None or remaining <= 0:
            return False
        await self._sleep(min(seconds, remaining, FLUSH_SECONDS))
        return True

    def _fill(self) -> None:
        if not self._accepts or time.monotonic() < self._paused_until:
            return
        while self._ready and len(self._in_flight) < self._concurrency.current and self._may_start():
            if seconds := self._gates.enter(self._ready[0].ask):
                # The first in line waits for its resource, and the others wait behind it.
                self._fill_after(seconds)
                if self._gates.is_new:
                    self._wake.set()  # the grant of a resource seen for the first time is asked for at once
                break
            work = self._ready.popleft()
            task = asyncio.create_task(self._perform(work))
            self._in_flight[task] = work
            task.add_done_callback(self._landed)
        if self._has_more and len(self._ready) < self._stock() / 2:
            self._wake.set()

    def _may_start(self) -> bool:
        if len(self._unwritten.calls) + len(self._writing.calls) >= MOST_UNWRITTEN:
            return False
        if self._budget is not None and not self._budget.is_open(len(self._in_flight)):
            return False
        # Where all is refused, no new prompt is sent: the next flush ends the job.
        has_several = self._has_several_subjects
        return has_several is None or not self._refusals().is_telling(has_several_subjects=has_several)

    def _refusals(self) -> Refusals:
        """Return the job's refusals so far, with what is not written yet."""
        writing, unwritten = self._writing, self._unwritten
        if writing.has_success or unwritten.has_success:
            return Refusals(is_answered=True)
        if writing.refused or unwritten.refused:
            return self._state.refusals.with_more([*writing.refused, *unwritten.refused])
        return self._state.refusals

    def _landed(self, task: "asyncio.Task[None]") -> None:
        self._gates.leave(self._in_flight.pop(task).ask)
        if not task.cancelled() and (error := task.exception()):
            raise error
        self._fill()
        if not (self._in_flight or self._ready):
            self._wake.set()

    def _fill_after(self, seconds: float) -> None:
        if self._gate_timer is not None:
            self._gate_timer.cancel()
        if seconds < math.inf:
            self._gate_timer = asyncio.get_running_loop().call_later(seconds, self._fill)

    async def _perform(self, work: Work[AskT]) -> None:
        try:
            answer = await self._ask(work.ask, self._may_reask)
        except Exception:
            # A bug of ours. The row must not be lost, nor retried for ever.
            logger.exception("a request could not be made")
            error = ServiceError("an internal error, see the worker's log", fault=Fault.TRANSIENT, code="internal")
            answer = AnswerTo(None, error=error)
        self._settle(work, answer)

    def _may_reask(self) -> bool:
        failed = self._state.fruitless_reasks
        # Outcomes being written are not in the state yet.
        for outcomes in (self._writing, self._unwritten):
            failed = outcomes.reasks_failed + (0 if outcomes.has_reask_success else failed)
        return failed < FRUITLESS_REASKS

    def _settle(self, work: Work[AskT], answer: AnswerTo[AskT, ValueT]) -> None:
        unwritten = self._unwritten
        error = answer.error
        outcomes = answer.outcomes
        if self._budget is not None:
            self._budget.note(answer.taken)
        if answer.refused_subject is not None:
            unwritten.refused.append(answer.refused_subject)
        if error is None:
            self._outage.note_success()
            self._concurrency.note(rate_limited=False)
            unwritten.has_success |= answer.call is not None and answer.call.is_answered
            if answer.call is not None and answer.call.is_reask:
                self._note_reask(outcomes)
            self._ready.extendleft(Work(ask) for ask in reversed(answer.follow_ups))
            if answer.follow_ups and not self._accepts:
                self._stop_accepting()
        elif error.fault is Fault.RUN:
            unwritten.fatal = unwritten.fatal or error
            self._release(work)
            self._stop_accepting()
            self._wake.set()
        else:
            outcomes = self._settle_transient(work, error)
        if answer.call is not None or outcomes:
            unwritten.calls.append(Settled(answer.call, work.ask.keys, outcomes, answer.taken))

    def _note_reask(self, outcomes: dict[int, ValueT | Failure]) -> None:
        if any(not isinstance(outcome, Failure) for outcome in outcomes.values()):
            self._unwritten.has_reask_success = True
            self._unwritten.reasks_failed = 0
        else:
            self._unwritten.reasks_failed += 1

    def _settle_transient(self, work: Work[AskT], error: ServiceError) -> dict[int, ValueT | Failure]:
        self._concurrency.note(rate_limited=error.is_throttling)
        verdict = self._outage.note_failure(self._state.seconds_since_success, may_last=bool(error.code_if_lasting))
        if verdict.is_over:
            self._unwritten.fatal = self._unwritten.fatal or self._outage.error(error, is_lasting=verdict.is_lasting)
            self._release(work)
            self._stop_accepting()
            self._wake.set()
            return {}
        if verdict.pause:
            self._pause(verdict.pause)
        # While everything fails, the service is at fault, not the row: this is not counted as one of its attempts.
        attempts = work.attempts + (0 if verdict.is_failing else 1)
        if attempts > self._max_retries:
            message = f"gave up after {attempts} attempts: {error.message}"
            return dict.fromkeys(work.ask.keys, Failure(FailureCode.RETRIES_EXHAUSTED, message, error.code))
        delay = backoff(max(attempts, 1), rng=self._rng, retry_after=error.retry_after)
        later = Work(work.ask, attempts)
        if not self._accepts:
            self._release(later, delay)
        else:
            loop = asyncio.get_running_loop()
            handle: asyncio.TimerHandle
            handle = loop.call_later(delay, lambda: self._due(handle))
            self._delayed[handle] = later
        return {}

    def _due(self, handle: asyncio.TimerHandle) -> None:
        self._ready.appendleft(self._delayed.pop(handle))
        self._fill()

    def _pause(self, seconds: float) -> None:
        self._paused_until = time.monotonic() + seconds
        asyncio.get_running_loop().call_later(seconds + 0.001, self._fill)

    def _stop_accepting(self) -> None:
        self._accepts = False
        for work in self._ready:
            self._release(work)
        self._ready.clear()
        now = asyncio.get_running_loop().time()
        for handle, work in self._delayed.items():
            handle.cancel()
            self._release(work, max(0.0, handle.when() - now))
        self._delayed.clear()

    def _release(self, work: Work[AskT], delay: float = 0.0) -> None:
        self._unwritten.released.extend(Released(key, work.attempts, delay) for key in work.ask.keys)

    async def _flush(self) -> bool:
        """Write the outcomes; return whether that worked. Those that can't be written are kept while the lease lasts."""
        outcomes = self._writing = self._unwritten
        self._unwritten = Outcomes()
        self._settled_lately = len(outcomes.calls)
        outcomes.throttle = self._throttle()
        pieces = outcomes.pieces(max(self._piece or PIECE, math.ceil(len(outcomes.calls) / MOST_PIECES)))
        while pieces:
            try:
                self._state = await self._in_thread(self._store.flush, pieces[0])
            except LeaseLost:
                raise
            except Exception as error:
                for piece in reversed(pieces):
                    self._unwritten.put_back(piece)
                self._writing = Outcomes()
                self._tolerate(error)
                return False
            written = pieces.pop(0)
            if self._budget is not None:
                self._budget.note_written(sum(settled.taken for settled in written.calls), self._state.spent)
            del outcomes.calls[: len(written.calls)]
            if not pieces:
                # By now they are part of the state.
                outcomes.refused = []
            self._fill()
            if pieces:
                await asyncio.sleep(BETWEEN_PIECES_SECONDS)
        self._writing = Outcomes()
        self._refused_since = None
        if (self._accepts or self._in_flight) and self._state.is_active and self._gates.is_due():
            await self._renew_gates()
        return True

    def _tolerate(self, error: Exception) -> None:
        """Pause while the database refuses writes (a full disk, say); raise the error once the lease has run out."""
        now = time.monotonic()
        self._refused_since = self._refused_since or now
        if now - self._refused_since > LEASE_SECONDS:
            raise error
        logger.error("the database takes nothing; trying again", exc_info=error)
        # No call is started whose result could not be kept.
        self._pause(2 * FLUSH_SECONDS)

    def _throttle(self) -> str:
        was_closed = self._gates.was_closed()
        if self._concurrency.current < self._concurrency.limit:
            return "rate_limited"
        return "provider_limit" if was_closed else ""

    async def _renew_gates(self) -> None:
        waiting = len(self._ready) + len(self._delayed) + (self._stock() if self._accepts and self._has_more else 0)
        concurrency = self._concurrency.current if time.monotonic() >= self._paused_until else 0
        demands = self._gates.demands(concurrency=concurrency, waiting=waiting if concurrency else 0)
        try:
            self._gates.take(await self._in_thread(self._gates.renew, demands))
        except Exception:
            # The last grants still hold: other slices count on them.
            logger.exception("the share of a resource's limits could not be renewed; trying again")
            await asyncio.sleep(FLUSH_SECONDS)
            return
        self._fill()

    async def _sleep(self, seconds: float) -> None:
        if seconds > 0 and not self._unwritten.fatal:
            try:
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
            except TimeoutError:
                pass
        self._wake.clear()

    async def _in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, *args)
