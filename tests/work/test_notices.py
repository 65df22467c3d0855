"""A process that is told to end, in the middle of a slice and at its edges."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django_q.models import OrmQ

from judging.judging_runs.kind import JudgingRunKind
from judging.models import JudgingRun
from judging.work import slices
from judging.work.loop import SliceLoop
from judging.work.slices import work_slice
from judging.work.store import Store
from judging.work.words import Turn
from tests.draining import drain
from tests.judging_runs.judging import Start, reread, small_run, wait_until
from tests.stub.fixtures import Stub


@pytest.fixture(autouse=True)
def deaf() -> Iterator[None]:
    """Whatever SIGTERM does outside a slice, it must not end the tests."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGTERM, before)


def tell_to_end(*args: object) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def assert_everything_was_given_back(run: JudgingRun) -> None:
    run = reread(run)
    assert run.judged_count < run.total_count
    assert not run.items.filter(claim_token__isnull=False).exists()
    assert not run.lanes.filter(lease_token__isnull=False).exists()
    assert OrmQ.objects.count() == 1, "the next turn waits for a worker"
    drain()
    assert reread(run).judged_count == run.total_count


@pytest.mark.on_both
def test_a_slice_told_to_end_gives_its_calls_in_flight_back(start: Start, stub: Stub) -> None:
    stub.script(delay_ms=50_000)
    run = start(small_run(2, 4), max_concurrency=4)
    OrmQ.objects.all().delete()

    def tell_when_called() -> None:
        wait_until(lambda: stub.in_flight == 4, 60)
        tell_to_end()

    teller = threading.Thread(target=tell_when_called)
    teller.start()
    with pytest.raises(SystemExit):
        work_slice(run.lanes.get().pk)
    teller.join()
    assert reread(run).judged_count == 0, "it waited for the replies"
    stub.reset()
    assert_everything_was_given_back(run)


@pytest.mark.parametrize(
    "moments",
    [
        [(slices, "take")],
        [(JudgingRunKind, "handler")],
        [(slices, "_run_loop")],
        [(slices, "hand_over")],
        [(slices, "take"), (slices, "hand_over")],
    ],
    ids=["taking", "assigning", "looping", "handing over", "told twice"],
)
def test_a_slice_told_to_end_at_any_step_leaves_nothing_held(
    start: Start, stub: Stub, monkeypatch: pytest.MonkeyPatch, moments: list[tuple[Any, str]]
) -> None:
    stub.script(delay_ms=150)
    run = start(small_run(2, 5), max_concurrency=2)
    OrmQ.objects.all().delete()

    def told_before(step: Callable[..., Any]) -> Callable[..., Any]:
        def told(*args: Any, **kwargs: Any) -> Any:
            tell_to_end()
            return step(*args, **kwargs)

        return told

    with monkeypatch.context() as patched:
        for place, step in moments:
            patched.setattr(place, step, told_before(getattr(place, step)))
        with pytest.raises(SystemExit):
            work_slice(run.lanes.get().pk, turn=Turn(shared=0.3, longest=0.3))
    stub.script()
    assert_everything_was_given_back(run)


def test_a_slice_told_to_end_while_it_claims_gives_back_what_it_gets(
    start: Start, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(max_concurrency=2)
    OrmQ.objects.all().delete()
    aborted = threading.Event()
    abort, claim = SliceLoop.abort, Store.claim

    def noted_abort(self: SliceLoop[Any, Any]) -> None:
        abort(self)
        aborted.set()

    def told_and_claimed(self: Store, prompt_count: int) -> Any:
        works = claim(self, prompt_count)
        tell_to_end()
        assert aborted.wait(60)
        return works

    with monkeypatch.context() as patched:
        patched.setattr(SliceLoop, "abort", noted_abort)
        patched.setattr(Store, "claim", told_and_claimed)
        started = time.monotonic()
        with pytest.raises(SystemExit):
            work_slice(run.lanes.get().pk, turn=Turn(shared=600.0, longest=600.0))
    assert time.monotonic() - started < 300, "it waited for the turn's end"
    assert stub.calls == 0
    assert_everything_was_given_back(run)
