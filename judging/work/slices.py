"""Slices: one queued task's work on a lane, of any kind, for one turn."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from django.db import connections

from judging.foundation.answers import ServiceError
from judging.foundation.clock import seconds_since, shared_now
from judging.foundation.errors import IllegalTransition
from judging.foundation.logs import current_id
from judging.models import Lane
from judging.work import lifecycle
from judging.work.allowances import SharedAllowances
from judging.work.kind import Handler
from judging.work.lanes import Lease, hand_over, take
from judging.work.loop import SliceLoop
from judging.work.notices import Notice, catch_sigterm
from judging.work.pacing.gates import Gates
from judging.work.pacing.limiter import AdaptiveConcurrency
from judging.work.pacing.outage import OutageWatch
from judging.work.pacing.refusals import Refusals, refusals_of
from judging.work.store import Store
from judging.work.words import Impossible, LeaseLost, Turn

logger = logging.getLogger(__name__)


def work_slice(lane_id: int, *, turn: Turn | None = None) -> None:
    """Work on a lane for one turn. Delivered twice, the second call finds the lease taken and does nothing."""
    # From taking the lease to handing it over, so that a process told to end in between gives back what it holds.
    with catch_sigterm() as notice:
        lease = take(lane_id)
        if lease is None:
            return
        log_id = current_id.set(f"{lease.kind.log_name}:{lease.job_id}")
        try:
            _work(lease, turn or Turn(), notice)
        except LeaseLost:
            logger.warning("lane %s was taken over by another worker; leaving it to that one", lane_id)
        finally:
            current_id.reset(log_id)


def _work(lease: Lease, turn: Turn, notice: Notice) -> None:
    kind_name, job_id = lease.kind.name, lease.job_id
    lane = Lane.objects.get(pk=lease.lane_id)
    state: dict[str, object] = {}
    try:
        lifecycle.start(kind_name, job_id)
        handler = lease.kind.handler(job_id)
    except Impossible as impossible:
        _fail(lease, impossible.message, impossible.code)
    else:
        concurrency = AdaptiveConcurrency(lane.concurrency, start=lane.current_concurrency)
        refusals = refusals_of(lease.kind.jobs._default_manager.get(pk=job_id))
        outage = OutageWatch(
            lane.concurrency,
            failing_seconds=seconds_since(lane.failing_since),
            failing_count=lane.failing_count,
            has_answered=refusals.is_answered,
        )
        _run_loop(lease, handler, concurrency=concurrency, outage=outage, refusals=refusals, turn=turn, notice=notice)
        state = {
            "current_concurrency": concurrency.current,
            "failing_since": _moment(outage.failing_seconds),
            "failing_count": outage.failing_count,
        }
    hand_over(lease, **state)
    lifecycle.close(kind_name, job_id)
    has_ended = "" if lifecycle.is_active(kind_name, job_id) else "; the work has ended"
    logger.info("lane %s: turn %s is over%s", lane.pk, lane.slice_count, has_ended)


def _run_loop(
    lease: Lease,
    handler: Handler[Any, Any, Any],
    *,
    concurrency: AdaptiveConcurrency,
    outage: OutageWatch,
    refusals: Refusals,
    turn: Turn,
    notice: Notice,
) -> None:
    # One thread, hence one database connection, for all that the loop stores.
    with ThreadPoolExecutor(
        max_workers=1, thread_name_prefix="store", initializer=current_id.set, initargs=(current_id.get(),)
    ) as executor:

        async def talk() -> None:
            caller = handler.open()
            loop = SliceLoop(
                caller.ask,
                Store(lease, handler, shared_turn=turn.shared),
                gates=Gates(handler.resource_of, SharedAllowances(lease)),
                concurrency=concurrency,
                outage=outage,
                max_retries=handler.max_retries,
                budget=handler.budget,
                refusals=refusals,
                has_several_subjects=handler.has_several_subjects,
                piece=handler.piece,
                turn=turn,
                executor=executor,
            )
            handler.go_on = loop.go_on
            try:
                with notice.calling(loop.abort):
                    await loop.run()
            finally:
                await caller.aclose()

        try:
            asyncio.run(talk())
        except ServiceError as error:
            _fail(lease, error.message, error.code)
        finally:
            executor.submit(connections.close_all).result()


def _fail(lease: Lease, message: str, code: str) -> None:
    try:
        lifecycle.fail(lease.kind.name, lease.job_id, error=message, error_code=code)
    except IllegalTransition:
        logger.info("%s %s had ended before it could fail with %s", lease.kind.title, lease.job_id, code)


def _moment(seconds_ago: float | None) -> datetime | None:
    return None if seconds_ago is None else shared_now() - timedelta(seconds=seconds_ago)
