"""One turn of a lane of an AI judging run, as the task queue calls it."""

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from django.db import connections
from django.utils import timezone

from judging import lifecycle
from judging.crypto import Undecryptable
from judging.engine import Answer, Ask, ask_once
from judging.errors import IllegalTransition
from judging.execution.leases import Lease, age, close, hand_over, take
from judging.execution.loop import LeaseLost, SliceLoop, Turn
from judging.execution.outage import OutageWatch
from judging.execution.store import JudgingStore
from judging.logs import current_id
from judging.models import JudgingRun, JudgingRunStatus, Lane
from judging.providers.base import Connection, ProviderError
from judging.providers.limiter import AdaptiveConcurrency
from judging.providers.openai_client import open_client
from judging.queries.connections import connection_of
from judging.queries.judge_specs import evaluation_context_of, judge_spec_of

logger = logging.getLogger(__name__)


def judge_slice(lane_id: int, *, turn: Turn | None = None) -> None:
    """Work on a lane for one turn. Delivered twice, the second call finds the lease taken and does nothing."""
    lease = take(lane_id)
    if lease is None:
        return
    log_id = current_id.set(f"run:{lease.judging_run_id}")
    try:
        _judge(lease, turn or Turn())
    except LeaseLost:
        logger.warning("lane %s was taken over by another worker; leaving it to that one", lane_id)
    finally:
        current_id.reset(log_id)


def _judge(lease: Lease, turn: Turn) -> None:
    run = JudgingRun.objects.select_related("judge_version__ai_provider", "evaluation_run__evaluation").get(
        pk=lease.judging_run_id
    )
    lane = Lane.objects.get(pk=lease.lane_id)
    lifecycle.start(run.pk)
    state: dict[str, object] = {}
    try:
        connection = connection_of(run.judge_version.ai_provider)
    except Undecryptable as error:
        _fail(run, error.message, "misconfigured")
    else:
        concurrency = AdaptiveConcurrency(lane.concurrency)
        outage = OutageWatch(
            lane.concurrency, failing_seconds=age(lane.failing_since), failing_count=lane.failing_count
        )
        _run_loop(lease, run, connection, concurrency=concurrency, outage=outage, turn=turn)
        state = {
            "current_concurrency": concurrency.current,
            "failing_since": _moment(outage.failing_seconds),
            "failing_count": outage.failing_count,
        }
    hand_over(lease, **state)
    close(run.pk)


def _run_loop(
    lease: Lease,
    run: JudgingRun,
    connection: Connection,
    *,
    concurrency: AdaptiveConcurrency,
    outage: OutageWatch,
    turn: Turn,
) -> None:
    # One thread, hence one database connection, for all that the loop stores.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="store") as executor:
        store = JudgingStore(lease, run)
        try:
            asyncio.run(_talk(run, connection, store, executor, concurrency=concurrency, outage=outage, turn=turn))
        except ProviderError as error:
            _fail(run, error.message, error.code)
        finally:
            executor.submit(connections.close_all).result()


async def _talk(
    run: JudgingRun,
    connection: Connection,
    store: JudgingStore,
    executor: ThreadPoolExecutor,
    *,
    concurrency: AdaptiveConcurrency,
    outage: OutageWatch,
    turn: Turn,
) -> None:
    client = open_client(connection)
    spec = judge_spec_of(run.judge_version)
    evaluation = evaluation_context_of(run.evaluation_run)

    async def ask(ask: Ask, may_reask: Callable[[], bool]) -> Answer:
        return await ask_once(client, ask, spec=spec, evaluation=evaluation, may_reask=may_reask)

    loop = SliceLoop(
        ask,
        store,
        concurrency=concurrency,
        outage=outage,
        max_retries=run.judge_version.max_retries,
        turn=turn,
        executor=executor,
    )
    handles_signal = threading.current_thread() is threading.main_thread()
    if handles_signal:
        # The worker is told to end: give everything back, so that another goes on at once.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, loop.abort)
    try:
        await loop.run()
    finally:
        if handles_signal:
            asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
        await client.aclose()


def _fail(run: JudgingRun, message: str, code: str) -> None:
    try:
        lifecycle.end(run.pk, JudgingRunStatus.FAILED, error=message, error_code=code)
    except IllegalTransition:
        logger.info("the run had ended before it could fail with %s", code)


def _moment(seconds_ago: float | None) -> datetime | None:
    return None if seconds_ago is None else timezone.now() - timedelta(seconds=seconds_ago)
