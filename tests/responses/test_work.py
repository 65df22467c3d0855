"""Batches under every fault: killed workers, cancels in mid-flight, outages, and how long a hundred inputs take."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.db.models import QuerySet
from django.utils import timezone

from judging.asking.evaluator_engine import Score
from judging.foundation.errors import IllegalTransition
from judging.foundation.limits import LEASE_SECONDS
from judging.management.rescuing import rescue_all
from judging.models import (
    BatchExecution,
    BatchItem,
    BatchStatus,
    Call,
    EvaluatorResult,
    ExecutionLog,
    Lane,
    ResultStatus,
    User,
)
from judging.responses.executions import cancel_batch, create_batch
from judging.responses.inputs import BatchInput
from judging.responses.plans import plan_judge
from judging.responses.response_judges import Reference, save_response_judge
from judging.work import lifecycle
from judging.work.lanes import take
from judging.work.rescue import rescue_if_stalled
from judging.work.slices import work_slice
from judging.work.store import Store
from judging.work.words import LeaseLost, Outcomes, Settled
from tests.draining import drain, rescue_and_drain
from tests.judging_runs.judging import wait_until
from tests.responses.conftest import check_sums, make_evaluator
from tests.stub.fixtures import Stub
from tests.work.cluster import Cluster

Start = Callable[..., BatchExecution]


@pytest.fixture
def start(transactional_db: None, stub: Stub, member: User) -> Start:
    """Start a batch over the stub: start(inputs=4, evaluators=2, concurrency=4, evaluator_field=...)."""

    def start_batch(inputs: int = 4, evaluators: int = 2, concurrency: int = 4, **fields: Any) -> BatchExecution:
        made = [make_evaluator(member, stub.base_url, f"E{n}", **fields) for n in range(evaluators)]
        judge = save_response_judge(
            actor=member,
            fields={"name": "judge", "max_concurrency": concurrency},
            references=[Reference(evaluator.pk) for evaluator in made],
        )
        given = [BatchInput(request=f"request {n}", response=f"response {n}") for n in range(inputs)]
        return create_batch(actor=member, plan=plan_judge(actor=member, judge_id=judge.pk), inputs=given)

    return start_batch


def reread(batch: BatchExecution) -> BatchExecution:
    with transaction.atomic():
        if connection.vendor == "postgresql":
            # One look at all rows, while workers write. SQLite's transactions always are.
            connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        batch = BatchExecution.objects.get(pk=batch.pk)
        check_sums(batch)
    return batch


def in_background(function: Callable[[], Any]) -> threading.Thread:
    def run() -> None:
        try:
            function()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.on_both
def test_a_killed_slices_results_are_asked_again_and_nothing_is_lost(start: Start, stub: Stub) -> None:
    batch = start()
    lane = batch.lanes.get()
    lease = take(lane.pk)
    assert lease is not None
    works = Store(lease, lease.kind.handler(lease.job_id)).claim(3)
    assert len(works) == 3
    assert batch.results.filter(claim_token=lease.token).count() == 3
    # The worker is gone. While the lease lasts, nobody takes its work.
    drain()
    assert stub.calls == 0
    Lane.objects.filter(pk=lane.pk).update(
        lease_until=timezone.now() - timedelta(seconds=1), enqueued_at=timezone.now() - timedelta(seconds=30)
    )
    assert rescue_all() == 1
    drain()
    assert reread(batch).status == BatchStatus.COMPLETED
    assert stub.calls == batch.results.count() == 8
    assert ExecutionLog.objects.count() == 4


def test_looking_at_a_stalled_batch_sets_it_going(start: Start) -> None:
    batch = start()
    lease = take(batch.lanes.get().pk)
    assert lease is not None
    drain()
    Lane.objects.update(
        lease_until=timezone.now() - timedelta(seconds=1), enqueued_at=timezone.now() - timedelta(minutes=1)
    )
    rescue_if_stalled(reread(batch))
    drain()
    assert reread(batch).status == BatchStatus.COMPLETED


@pytest.mark.on_both
def test_a_slice_that_lost_its_lease_writes_nothing(start: Start) -> None:
    batch = start()
    lane = batch.lanes.get()
    lease = take(lane.pk)
    assert lease is not None
    store = Store(lease, lease.kind.handler(lease.job_id))
    work = store.claim(1)[0]
    Lane.objects.filter(pk=lane.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    work_slice(lane.pk)
    before = EvaluatorResult.objects.get(pk=work.ask.key)
    assert before.status == ResultStatus.SCORED
    with pytest.raises(LeaseLost):
        store.flush(Outcomes(calls=[Settled(None, work.ask.keys, {work.ask.key: Score(0.123, "too late")})]))
    assert EvaluatorResult.objects.get(pk=work.ask.key).score == before.score


@pytest.mark.on_both
def test_a_result_is_written_at_most_once(start: Start) -> None:
    lease = take(start().lanes.get().pk)
    assert lease is not None
    store = Store(lease, lease.kind.handler(lease.job_id))
    work = store.claim(1)[0]
    settled = Settled(None, work.ask.keys, {work.ask.key: Score(0.5, "once")})
    store.flush(Outcomes(calls=[settled]))
    with pytest.raises(LeaseLost):
        store.flush(Outcomes(calls=[settled]))


@pytest.mark.on_both
def test_a_task_delivered_twice_asks_once(start: Start, stub: Stub) -> None:
    batch = start()
    work_slice(batch.lanes.get().pk)
    work_slice(batch.lanes.get().pk)
    drain()
    assert stub.calls == 8


@pytest.mark.on_both
def test_cancelling_stops_the_calls_and_late_replies_change_nothing(start: Start, stub: Stub, member: User) -> None:
    stub.script(delay_ms=300)
    batch = start(inputs=60, evaluators=1, concurrency=4)
    worker = in_background(lambda: work_slice(batch.lanes.get().pk))
    wait_until(lambda: stub.calls >= 4)
    cancel_batch(actor=member, batch=batch)
    ended = reread(batch)
    assert (ended.status, ended.error_code) == (BatchStatus.FAILED, "cancelled")
    items = list(batch.items.values("status", "error_message", "completed_at").order_by("index"))
    worker.join(60)
    assert stub.calls < 30
    after = reread(batch)
    assert list(batch.items.values("status", "error_message", "completed_at").order_by("index")) == items
    assert (after.completed_count, after.failed_count) == (ended.completed_count, ended.failed_count)
    # What the late replies cost is known all the same.
    assert after.call_count == Call.objects.count() == stub.calls
    assert not batch.lanes.filter(is_done=False).exists()


@pytest.mark.seldom
def test_items_become_visible_as_they_finish(start: Start, stub: Stub) -> None:
    stub.script(delay_ms=250)
    batch = start(inputs=8, evaluators=1, concurrency=1)
    worker = in_background(lambda: work_slice(batch.lanes.get().pk))
    seen: set[int] = set()
    while worker.is_alive():
        row = reread(batch)
        seen.add(row.completed_count)
        assert row.completed_count == 0 or row.status != BatchStatus.PENDING
        time.sleep(0.05)
    assert len(seen) > 2, seen
    assert reread(batch).status == BatchStatus.COMPLETED


def test_what_was_asked_before_an_abort_leaves_a_log(start: Start, stub: Stub) -> None:
    stub.script(fault="401", after_calls=3)
    batch = start(inputs=3, evaluators=2, concurrency=1)
    drain()
    assert reread(batch).status == BatchStatus.FAILED
    logs = {log.item.index: log for log in ExecutionLog.objects.select_related("item")}
    assert logs[0].score is not None
    assert logs[1].input_tokens > 0
    assert 2 not in logs


@pytest.mark.on_both
def test_a_batch_with_many_at_once_has_several_lanes_that_share_it(start: Start, stub: Stub) -> None:
    batch = start(inputs=22, evaluators=3, concurrency=64)
    lanes = list(batch.lanes.order_by("number"))
    assert [lane.concurrency for lane in lanes] == [32, 32]
    threads = [in_background(lambda pk=lane.pk: work_slice(pk)) for lane in lanes]  # type: ignore[misc]
    for thread in threads:
        thread.join(60)
    drain()
    assert reread(batch).status == BatchStatus.COMPLETED
    assert stub.calls == 66


def test_a_deleted_provider_fails_the_batch_and_says_so(start: Start) -> None:
    batch = start()
    batch.evaluators.update(ai_provider=None)
    drain()
    ended = reread(batch)
    assert ended.status == BatchStatus.FAILED
    assert "was deleted" in ended.error


def test_only_an_active_batch_can_end(start: Start) -> None:
    batch = start()
    drain()
    with pytest.raises(IllegalTransition):
        lifecycle.fail(batch.kind, batch.pk, error="late", error_code="late")
    assert not lifecycle.start(batch.kind, batch.pk)
    assert not lifecycle.complete(batch.kind, batch.pk)


@pytest.mark.on_both
def test_the_database_refuses_what_can_not_be(start: Start) -> None:
    batch = start()
    own = BatchExecution.objects.filter(pk=batch.pk)
    changes: list[tuple[QuerySet[Any], dict[str, Any]]] = [
        (own, {"status": "partial"}),
        (own, {"status": "completed"}),
        (own, {"failed_count": 5}),
        (BatchItem.objects.filter(batch=batch), {"status": "failed"}),
        (EvaluatorResult.objects.filter(batch=batch), {"status": "scored", "score": 1.5}),
        (EvaluatorResult.objects.filter(batch=batch), {"status": "failed"}),
    ]
    for rows, values in changes:
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**values)
    with pytest.raises(IntegrityError), transaction.atomic():
        Lane.objects.create(kind=batch.kind, job_id=batch.pk, number=0, concurrency=1)


@pytest.mark.slow(seconds=2)
def test_a_batch_is_judged_at_its_full_concurrency(start: Start, stub: Stub) -> None:
    # How long it takes, the benchmark measures: here other tests share the machine.
    batch = start(inputs=16, evaluators=3, concurrency=16)
    stub.script(delay_ms=500)
    drain()
    assert reread(batch).completed_count == 16
    assert stub.max_in_flight == 16


@pytest.mark.slow(seconds=20)
def test_a_killed_cluster_loses_nothing_of_a_batch(start: Start, stub: Stub) -> None:
    stub.script(delay_ms=50)
    batch = start(inputs=60, evaluators=3, concurrency=4)
    with Cluster() as cluster:
        wait_until(lambda: reread(batch).completed_count > 8, 60)
        cluster.kill()
    before = reread(batch)
    assert before.is_active
    active = BatchExecution.objects.filter(pk=batch.pk, completed_at=None)
    wait_until(lambda: not active.exists(), LEASE_SECONDS + 60, also=rescue_and_drain)
    after = reread(batch)
    assert (after.status, after.completed_count) == (BatchStatus.COMPLETED, 60)
    assert ExecutionLog.objects.count() == 60
    # In flight, or back but not yet written.
    assert stub.calls - 180 <= 4 + 4 * int(1.0 / 0.05)


def test_evaluators_of_several_providers_are_all_asked_at_once(
    start: Start, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judging.work.loop.FLUSH_SECONDS", 5.0)
    batch = start(inputs=1, evaluators=3)
    flush, calls = Store.flush, []

    def flush_and_note(self: Store[Any, Any], outcomes: Any) -> Any:
        calls.append(stub.calls)
        return flush(self, outcomes)

    monkeypatch.setattr(Store, "flush", flush_and_note)
    drain()
    check_sums(BatchExecution.objects.get(pk=batch.pk))
    assert calls[0] == 3, "the grant of the next provider waited for a flush"
