"""The invariants of the architecture, each with a test of its name, and what must hold when things go wrong."""

from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import connections
from django.utils import timezone
from django_q.models import OrmQ

from judging.asking.parsing import Grade
from judging.foundation.errors import Conflict, IllegalTransition
from judging.judging_runs.starting import cancel_judging_run
from judging.management.rescuing import rescue_all
from judging.models import EvaluationRun, JudgingRun, JudgingRunStatus, Judgment, Lane, User
from judging.providers import openai_client
from judging.work import lifecycle, queue, workers
from judging.work.lanes import take
from judging.work.rescue import rescue_if_stalled
from judging.work.slices import work_slice
from judging.work.store import Store
from judging.work.words import LeaseLost, Outcomes, Settled
from tests.draining import drain
from tests.judging_runs.judging import (
    Start,
    cached_grades,
    expire,
    grades_of_record,
    in_background,
    reread,
    small_run,
    wait_until,
)
from tests.stub.fixtures import Stub

STATUSES = list(JudgingRunStatus)
CHANGES: dict[str, Callable[[JudgingRun], object]] = {
    "running": lambda run: lifecycle.start(run.kind, run.pk),
    "completed": lambda run: lifecycle.complete(run.kind, run.pk),
    "failed": lambda run: lifecycle.fail(run.kind, run.pk, error="it broke", error_code="broken"),
    "cancelled": lambda run: lifecycle.cancel(run.kind, run.pk),
}
LEGAL = {
    ("queued", "running"),
    ("queued", "failed"),
    ("queued", "cancelled"),
    ("running", "completed"),
    ("running", "failed"),
    ("running", "cancelled"),
}


def test_1_only_legal_status_changes_succeed(start: Start) -> None:
    run = start(small_run(1, 1))
    run.items.all().delete()
    for source, target in product(STATUSES, CHANGES):
        JudgingRun.objects.filter(pk=run.pk).update(total_count=0, status=source)
        try:
            has_changed = CHANGES[target](run) is not False
        except IllegalTransition:
            has_changed = False
        assert has_changed == ((source, target) in LEGAL), (source, target)
        assert JudgingRun.objects.get(pk=run.pk).status == (target if has_changed else source), (source, target)


@pytest.mark.on_both
def test_2_a_task_delivered_twice_asks_once(start: Start, stub: Stub) -> None:
    stub.script(delay_ms=50)
    run = start()
    lane = run.lanes.get()
    with in_background(work_slice, lane.pk):
        wait_until(lambda: stub.calls > 0)
        work_slice(lane.pk)  # delivered again while the first is at work
        assert reread_status(run) == "running"
    work_slice(lane.pk)  # and after it has ended
    assert reread(run).judged_count == 20
    assert stub.calls == 20


@pytest.mark.on_both
def test_2_an_outcome_is_written_at_most_once_per_item(start: Start) -> None:
    run = start()
    lease = take(run.lanes.get().pk)
    assert lease is not None
    lifecycle.start(run.kind, run.pk)
    store = Store(lease, lease.kind.handler(run.pk))
    work = store.claim(1)[0]
    store.flush(Outcomes(calls=[Settled(None, work.ask.keys, {work.ask.keys[0]: Grade(1, "once")})]))
    with pytest.raises(LeaseLost):
        Store(lease, lease.kind.handler(run.pk)).flush(
            Outcomes(calls=[Settled(None, work.ask.keys, {work.ask.keys[0]: Grade(2, "twice")})])
        )
    assert run.items.get(pk=work.ask.keys[0]).grade == 1


@pytest.mark.on_both
def test_3_no_provider_call_inside_a_transaction(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[bool] = []
    open_client = openai_client.open_client

    def watched(connection_: Any) -> Any:
        client = open_client(connection_)
        complete = client.complete

        async def watch(*arguments: Any) -> Any:
            inside.append(any(c.in_atomic_block for c in connections.all(initialized_only=True)))
            return await complete(*arguments)

        client.complete = watch  # type: ignore[method-assign, assignment]
        return client

    monkeypatch.setattr("judging.judge_work.judge_kind.open_client", watched)
    start()
    drain()
    assert len(inside) == 20
    assert not any(inside)


@pytest.mark.on_both
def test_4_a_slice_that_died_is_taken_up_after_its_lease_and_loses_nothing(start: Start, stub: Stub) -> None:
    run = start()
    lane = run.lanes.get()
    lease = take(lane.pk)
    assert lease is not None
    lifecycle.start(run.kind, run.pk)
    Store(lease, lease.kind.handler(run.pk)).claim(7)  # and here its process is killed
    OrmQ.objects.all().delete()
    assert rescue_all() == 0, "the lease still holds"
    expire(lane)
    assert rescue_all() == 1
    assert rescue_all() == 0, "queued once is enough"
    drain()
    run = reread(run)
    assert (run.status, run.judged_count) == (JudgingRunStatus.COMPLETED, 20)
    assert stub.calls == 20


@pytest.mark.on_both
def test_4_a_slice_that_comes_back_after_its_lease_writes_nothing(start: Start, stub: Stub) -> None:
    run = start()
    lane = run.lanes.get()
    lease = take(lane.pk)
    assert lease is not None
    lifecycle.start(run.kind, run.pk)
    store = Store(lease, lease.kind.handler(run.pk))
    work = store.claim(1)[0]
    expire(lane)
    drain()
    with pytest.raises(LeaseLost):
        store.flush(Outcomes(calls=[Settled(None, work.ask.keys, {work.ask.keys[0]: Grade(0, "too late")})]))
    run = reread(run)
    assert run.judged_count == 20
    assert "too late" not in set(run.items.values_list("reasoning", flat=True))


@pytest.mark.on_both
def test_4_a_lost_task_is_queued_again(start: Start) -> None:
    run = start()
    OrmQ.objects.all().delete()
    assert rescue_all() == 0, "it may be on its way to a worker"
    run.lanes.update(enqueued_at=timezone.now() - timedelta(seconds=16))
    assert rescue_all() == 1
    drain()
    assert reread(run).status == JudgingRunStatus.COMPLETED


@pytest.mark.on_both
def test_4_a_lane_is_not_lost_while_every_worker_is_at_work_on_another(start: Start) -> None:
    run = start(small_run(10, 10), max_concurrency=96)
    first, second, third = run.lanes.order_by("number")
    workers.beat("here:1")
    workers.beat("here:2")
    assert take(first.pk) is not None
    assert take(second.pk) is not None
    OrmQ.objects.all().delete()  # pulled, to wait in a worker's memory
    run.lanes.update(enqueued_at=timezone.now() - timedelta(seconds=16))
    rescue_if_stalled(run)
    assert rescue_all() == 0
    assert reread(run).rescued_at is None, "whoever looks at it writes nothing"
    workers.beat("here:3")
    assert rescue_all() == 1, "a worker has nothing to do, and the lane is not on its way to it"
    third.refresh_from_db()
    assert third.enqueued_at > timezone.now() - timedelta(seconds=10)


@pytest.mark.on_both
def test_4_a_lost_run_does_not_wait_for_the_end_of_another(start: Start) -> None:
    other, run = start(), start()
    workers.beat("here:1")
    assert take(other.lanes.get().pk) is not None
    OrmQ.objects.all().delete()
    run.lanes.update(enqueued_at=timezone.now() - timedelta(seconds=16))
    assert rescue_all() == 1


@pytest.mark.on_both
def test_4_looking_at_a_stalled_run_rescues_it_at_most_once_in_ten_seconds(start: Start) -> None:
    run = start()
    OrmQ.objects.all().delete()
    run.lanes.update(enqueued_at=timezone.now() - timedelta(seconds=60))
    rescue_if_stalled(run)
    assert OrmQ.objects.count() == 1
    OrmQ.objects.all().delete()
    run.lanes.update(enqueued_at=timezone.now() - timedelta(seconds=60))
    rescue_if_stalled(run)
    assert OrmQ.objects.count() == 0


@pytest.mark.on_both
def test_4_a_run_with_work_left_but_no_open_lane_is_reopened(start: Start) -> None:
    run = start()
    OrmQ.objects.all().delete()
    run.lanes.update(is_done=True)
    assert rescue_all() == 1
    drain()
    assert reread(run).status == JudgingRunStatus.COMPLETED


@pytest.mark.on_both
def test_5_cancel_is_immediate_and_idempotent(start: Start, stub: Stub, member: User) -> None:
    stub.script(delay_ms=150)
    run = start(small_run(30, 10), max_concurrency=4)
    with in_background(work_slice, run.lanes.get().pk):
        wait_until(lambda: stub.calls >= 8)
        cancelled = cancel_judging_run(judging_run=run, actor=member)
        begun = stub.calls
        assert cancelled.status == JudgingRunStatus.CANCELLED
        assert cancelled.skipped_count > 0
        again = cancel_judging_run(judging_run=run, actor=member)
        assert again.completed_at == cancelled.completed_at
    # counted in calls, not in seconds: a busy machine is slow to stop and as slow to call
    assert stub.calls - begun <= 4 * 1000 // 150
    run = reread(run)
    assert (run.status, run.pending_count, run.failed_count) == (JudgingRunStatus.CANCELLED, 0, 0)
    # what came back after the cancel counts
    assert run.judged_count == stub.calls == len(grades_of_record(run.evaluation_run))
    assert not Lane.objects.filter(is_done=False).exists()
    drain()
    assert stub.calls == run.judged_count
    run.evaluation_run.refresh_from_db()
    assert run.evaluation_run.metric_values


@pytest.mark.on_both
def test_5_a_queued_run_is_cancelled_before_its_first_call(start: Start, stub: Stub, member: User) -> None:
    run = start()
    cancel_judging_run(judging_run=run, actor=member)
    drain()
    run = reread(run)
    assert (run.status, run.skipped_count, stub.calls) == (JudgingRunStatus.CANCELLED, 20, 0)


@pytest.mark.on_both
def test_5_a_run_that_has_ended_can_not_be_cancelled(start: Start, member: User) -> None:
    run = start()
    drain()
    with pytest.raises(Conflict) as caught:
        cancel_judging_run(judging_run=run, actor=member)
    assert caught.value.code == "already_ended"


@pytest.mark.on_both
def test_5_a_worker_that_dies_after_a_cancel_leaves_nothing_pending(start: Start, member: User) -> None:
    run = start()
    lane = run.lanes.get()
    lease = take(lane.pk)
    assert lease is not None
    lifecycle.start(run.kind, run.pk)
    Store(lease, lease.kind.handler(run.pk)).claim(7)
    cancel_judging_run(judging_run=run, actor=member)
    assert JudgingRun.objects.get(pk=run.pk).pending_count == 7
    expire(lane)
    rescue_all()
    assert reread(run).skipped_count == 20


@pytest.mark.on_both
def test_6_the_terminal_status_commits_alone_and_follow_up_reruns(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start()
    monkeypatch.setattr(queue, "enqueue_metrics", lambda run_id: (_ for _ in ()).throw(RuntimeError("killed here")))
    with pytest.raises(RuntimeError):
        drain()
    run = reread(run)
    assert run.status == JudgingRunStatus.COMPLETED
    assert run.evaluation_run.metrics_at is None
    monkeypatch.undo()
    rescue_all()
    drain()
    assert EvaluationRun.objects.get(pk=run.evaluation_run_id).metric_values


def test_7_the_queue_s_clocks_are_checked(settings: Any) -> None:
    assert [m.id for m in run_checks() if m.id in ("judging.E001", "judging.E002")] == []
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "timeout": 300, "retry": 400}
    assert [m.id for m in run_checks() if m.id in ("judging.E001", "judging.E002")] == ["judging.E001", "judging.E002"]


def test_8_no_provider_error_ever_becomes_a_judgment(start: Start, stub: Stub) -> None:
    faults = ("503:0", "html", "error_200", "prose", "null_content", "400")
    stub.script(by_candidate={f"d0-{number}": fault for number, fault in enumerate(faults)})
    run = start(small_run(1, len(faults)), max_retries=0)
    drain()
    run = reread(run)
    assert (run.status, run.failed_count) == ("completed", len(faults))
    assert not Judgment.objects.exists()
    assert set(cached_grades(run.evaluation_run).values()) == {(None, None)}


def test_an_unknown_lane_is_nobody_s(transactional_db: None) -> None:
    work_slice(987654)
    assert take(987654) is None


def reread_status(run: JudgingRun) -> str:
    return str(JudgingRun.objects.values_list("status", flat=True).get(pk=run.pk))
