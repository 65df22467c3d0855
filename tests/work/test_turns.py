"""Turns, pauses and what a slice costs."""

import time
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from django_q.models import OrmQ

from judging.asking.parsing import Grade
from judging.models import JudgingRun, JudgingRunStatus, User
from judging.work import lifecycle
from judging.work.lanes import others_wait, take
from judging.work.slices import work_slice
from judging.work.store import Store
from judging.work.words import Outcomes, Released, Settled, Turn
from tests.draining import drain
from tests.judging_runs.judging import Start, in_background, reread, small_run, wait_until
from tests.review.giving import GivenGrade, record_judgments
from tests.stub.fixtures import Stub


@pytest.mark.on_both
def test_a_slice_gives_its_turn_away_and_the_run_goes_on(start: Start, stub: Stub) -> None:
    stub.script(delay_ms=150)
    run = start(max_concurrency=2)
    lane = run.lanes.get()
    OrmQ.objects.all().delete()
    work_slice(lane.pk, turn=Turn(shared=0.3, longest=0.3))
    half = reread(run)
    assert 0 < half.judged_count < 20
    assert (half.status, OrmQ.objects.count()) == (JudgingRunStatus.RUNNING, 1)
    drain()
    assert reread(run).judged_count == stub.calls == 20


@pytest.mark.on_both
def test_a_retry_that_would_outlast_the_turn_goes_back_with_its_attempts(start: Start, stub: Stub) -> None:
    stub.script(by_candidate={"d0-0": "429:60"})
    run = start(small_run(1, 2))
    began = timezone.now()
    OrmQ.objects.all().delete()
    work_slice(run.lanes.get().pk, turn=Turn(shared=0.2, longest=0.2))
    run = reread(run)
    item = run.items.get(candidate__document__external_id="d0-0")
    assert (run.judged_count, item.status, item.attempt_count) == (1, "pending", 1)
    assert item.not_before is not None
    assert 60 <= (item.not_before - began).total_seconds() < 120


def test_a_lane_that_was_slowed_down_stays_slow_in_its_next_turn(start: Start, stub: Stub) -> None:
    stub.script(delay_ms=20)
    run = start(small_run(4, 5), max_concurrency=16)
    run.lanes.update(current_concurrency=2)
    drain()
    assert reread(run).judged_count == 20
    assert stub.max_in_flight <= 8, "it grows by one per clean round, from 2"


def test_retry_after_delays_that_call_alone(start: Start, stub: Stub) -> None:
    stub.script(by_candidate={"d0-0": ["429:2"]}, delay_ms=10)
    run = start(small_run(4, 10), max_concurrency=1)
    started = time.monotonic()
    drain()
    assert reread(run).judged_count == 40
    assert stub.calls == 41
    assert 2.0 <= time.monotonic() - started < 70, "two seconds for each call would be eighty"


def test_a_flush_costs_the_same_statements_for_runs_of_any_size(start: Start, stub: Stub) -> None:
    def statements(run: JudgingRun, prompts: int) -> int:
        lease = take(run.lanes.get().pk)
        assert lease is not None
        lifecycle.start(run.kind, run.pk)
        store = Store(lease, lease.kind.handler(run.pk))
        works = store.claim(prompts)
        batch = Outcomes(calls=[Settled(None, (key,), {key: Grade(1, "")}) for work in works for key in work.ask.keys])
        with CountedQueries() as counted:
            store.flush(batch)
        return counted.count

    assert statements(start(small_run(4, 5)), 5) == statements(start(small_run(20, 10)), 50)


class CountedQueries:
    def __enter__(self) -> "CountedQueries":
        self.count = 0
        self._context = connection.execute_wrapper(self._note)
        self._context.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._context.__exit__(*error)

    def _note(self, execute: Any, *arguments: Any) -> Any:
        self.count += 1
        return execute(*arguments)


@pytest.mark.on_both
def test_a_turn_is_given_away_to_other_work_not_to_the_same_run_s_lanes(start: Start) -> None:
    run = start(small_run(10, 10), max_concurrency=64)
    first, second = run.lanes.all()
    OrmQ.objects.all().delete()  # both tasks are with the workers: one at work, one in memory
    lease = take(first.pk)
    assert lease is not None
    assert not second.is_done
    assert not others_wait(lease)
    start()
    OrmQ.objects.all().delete()
    assert others_wait(lease)


def test_a_batch_is_cut_into_pieces_that_hold_all_of_it_once() -> None:
    calls = [Settled(None, (key,), {key: Grade(1, "")}) for key in range(7)]
    batch: Outcomes[Grade] = Outcomes(calls=list(calls), released=[Released(9, 1)], reasks_failed=2, has_success=True)
    pieces = batch.pieces(3)
    assert [len(piece.calls) for piece in pieces] == [3, 3, 1]
    assert [bool(piece.released) for piece in pieces] == [False, False, True], "an end comes after what came before it"
    again: Outcomes[Grade] = Outcomes()
    for piece in reversed(pieces):
        again.put_back(piece)
    assert again == batch
    assert Outcomes[Grade](calls=calls[:2]).pieces(3) == [Outcomes(calls=calls[:2])]


def test_what_is_left_of_a_batch_is_kept_when_the_database_stops_taking_it(
    start: Start, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judging.work.loop.PIECE", 3)
    monkeypatch.setattr("judging.work.loop.MOST_PIECES", 40)
    run = start(max_concurrency=32)
    flush, flushes = Store.flush, []

    def fail_once(self: Store, batch: Any) -> Any:
        flushes.append(len(batch.calls))
        if len(flushes) == 3:
            raise OperationalError("database or disk is full")
        return flush(self, batch)

    monkeypatch.setattr(Store, "flush", fail_once)
    drain()
    assert max(flushes) <= 3
    assert reread(run).judged_count == stub.calls == 20


def test_no_call_is_started_while_too_much_waits_to_be_written(
    start: Start, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judging.work.loop.MOST_UNWRITTEN", 6)
    stub.script(delay_ms=20)
    run = start(max_concurrency=4)
    flush, written, waiting = Store.flush, [0], []

    def flush_slowly(self: Store, batch: Any) -> Any:
        # As if the disk took its time: until as many calls have come as ever will.
        wait_until(lambda: stub.calls >= min(written[0] + 6, 20))
        wait_until(lambda: stub.in_flight == 0)
        waiting.append(stub.calls - written[0])
        state = flush(self, batch)
        written[0] += len(batch.calls)
        return state

    monkeypatch.setattr(Store, "flush", flush_slowly)
    drain()
    assert reread(run).judged_count == stub.calls == 20
    assert max(waiting) <= 6 + 4, "those in flight when it was reached, and no more"


@pytest.mark.on_both
def test_a_grade_given_during_a_run_counts_once_it_has_ended(start: Start, stub: Stub, member: User) -> None:
    stub.script(delay_ms=150)
    run = start(small_run(2, 4, metrics=["P@1"]), max_concurrency=1)
    evaluation_run = run.evaluation_run
    query = evaluation_run.run_queries.get(position=1)
    with in_background(work_slice, run.lanes.get().pk):
        wait_until(lambda: stub.in_flight > 0)
        record_judgments(grades=[GivenGrade(query.pk, "d0-0", 0)], actor=member)
        evaluation_run.refresh_from_db()
        assert evaluation_run.metrics_at is None, "not computed anew with every grade while replies change them"
    drain()
    query.refresh_from_db()
    assert (query.has_stale_metrics, query.metric_values) == (False, {"P@1": 0.0})
    record_judgments(grades=[GivenGrade(query.pk, "d0-0", 4)], actor=member)
    query.refresh_from_db()
    assert query.metric_values == {"P@1": 1.0}
