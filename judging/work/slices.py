"""One turn of a lane, of an AI judging run or of a batch, as the task queue calls it."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from django.db import connections

from judging.foundation.clock import shared_now
from judging.foundation.errors import IllegalTransition
from judging.foundation.logs import current_id
from judging.judging_runs.kind import assign_run, fail_run
from judging.models import Lane
from judging.providers.base import ProviderError
from judging.providers.limiter import AdaptiveConcurrency
from judging.responses.kind import assign_batch, fail_batch
from judging.work.allowances import ProviderAllowances
from judging.work.assignments import Assignment, Impossible
from judging.work.gates import Gates
from judging.work.jobs import BatchJob
from judging.work.leases import Lease, age, hand_over, take
from judging.work.loop import SliceLoop
from judging.work.notices import Notice, heed_sigterm
from judging.work.outage import OutageWatch
from judging.work.words import LeaseLost, Turn

logger = logging.getLogger(__name__)


def judge_slice(lane_id: int, *, turn: Turn | None = None) -> None:
    """Work on a lane for one turn. Delivered twice, the second call finds the lease taken and does nothing."""
    # From the lease to the hand-over: a process that is told to end in between gives back what it holds.
    with heed_sigterm() as notice:
        lease = take(lane_id)
        if lease is None:
            return
        log_id = current_id.set(f"{'batch' if isinstance(lease.job, BatchJob) else 'run'}:{lease.job.id}")
        try:
            _judge(lease, turn or Turn(), notice)
        except LeaseLost:
            logger.warning("lane %s was taken over by another worker; leaving it to that one", lane_id)
        finally:
            current_id.reset(log_id)


def _judge(lease: Lease, turn: Turn, notice: Notice) -> None:
    lane = Lane.objects.get(pk=lease.lane_id)
    state: dict[str, object] = {}
    try:
        assignment: Assignment[Any, Any] = assign_batch(lease) if isinstance(lease.job, BatchJob) else assign_run(lease)
    except Impossible as impossible:
        _fail(lease, impossible.message, impossible.code)
    else:
        concurrency = AdaptiveConcurrency(lane.concurrency, start=lane.current_concurrency)
        outage = OutageWatch(
            lane.concurrency, failing_seconds=age(lane.failing_since), failing_count=lane.failing_count
        )
        _run_loop(lease, assignment, concurrency=concurrency, outage=outage, turn=turn, notice=notice)
        state = {
            "current_concurrency": concurrency.current,
            "failing_since": _moment(outage.failing_seconds),
            "failing_count": outage.failing_count,
        }
    hand_over(lease, **state)
    lease.job.close()
    logger.info(
        "lane %s: turn %s is over%s", lane.pk, lane.slice_count, "" if lease.job.is_active() else "; the work has ended"
    )


def _run_loop(
    lease: Lease,
    assignment: Assignment[Any, Any],
    *,
    concurrency: AdaptiveConcurrency,
    outage: OutageWatch,
    turn: Turn,
    notice: Notice,
) -> None:
    # One thread, hence one database connection, for all that the loop stores.
    with ThreadPoolExecutor(
        max_workers=1, thread_name_prefix="store", initializer=current_id.set, initargs=(current_id.get(),)
    ) as executor:
        try:
            gates = Gates(assignment.provider_of, ProviderAllowances(lease))
            talk = _talk(
                assignment, executor, gates=gates, concurrency=concurrency, outage=outage, turn=turn, notice=notice
            )
            asyncio.run(talk)
        except ProviderError as error:
            _fail(lease, error.message, error.code)
        finally:
            executor.submit(connections.close_all).result()


async def _talk(
    assignment: Assignment[Any, Any],
    executor: ThreadPoolExecutor,
    *,
    gates: Gates,
    concurrency: AdaptiveConcurrency,
    outage: OutageWatch,
    turn: Turn,
    notice: Notice,
) -> None:
    caller = assignment.open()
    loop = SliceLoop(
        caller.ask,
        assignment.store,
        gates=gates,
        concurrency=concurrency,
        outage=outage,
        max_retries=assignment.max_retries,
        turn=turn,
        executor=executor,
    )
    try:
        with notice.calling(loop.abort):
            await loop.run()
    finally:
        await caller.aclose()


def _fail(lease: Lease, message: str, code: str) -> None:
    fail = fail_batch if isinstance(lease.job, BatchJob) else fail_run
    try:
        fail(lease.job.id, message, code)
    except IllegalTransition:
        logger.info("%s had ended before it could fail with %s", lease.job, code)


def _moment(seconds_ago: float | None) -> datetime | None:
    return None if seconds_ago is None else shared_now() - timedelta(seconds=seconds_ago)
