"""A provider's own limits hold across runs, lanes and hosts."""

import time
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from judging.judging_runs.starting import start_judging_run
from judging.models import AIProvider, JudgingRun, Lane, ProviderShare, User
from judging.records.provider_limits import resource_key
from judging.work.allowances import SharedAllowances
from judging.work.lanes import hand_over, take
from judging.work.pacing.gates import Demand, Grant
from judging.work.slices import work_slice
from judging.work.words import Turn
from tests.draining import drain
from tests.factories import make_judge, make_provider
from tests.judging_runs.judging import expire, in_background, reread, small_run, wait_until
from tests.stub.fixtures import Stub

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.on_both]


def start(member: User, provider: AIProvider, queries: int = 10, candidates: int = 10, **fields: Any) -> JudgingRun:
    judge = make_judge(provider, **{"max_concurrency": 16, **fields})
    return start_judging_run(evaluation_run=small_run(queries, candidates), judge=judge, actor=member)


def lanes_of(*runs: JudgingRun) -> list[int]:
    OrmQ.objects.all().delete()
    return list(Lane.objects.filter(job_id__in=[run.pk for run in runs]).order_by("pk").values_list("pk", flat=True))


def work_on(lanes: list[int], turn: Turn | None = None) -> None:
    with ExitStack() as stack:
        for lane in lanes:
            stack.enter_context(in_background(lambda lane=lane: work_slice(lane, turn=turn)))


@pytest.mark.slow(seconds=4)
def test_two_runs_keep_their_provider_s_concurrency_together(member: User, stub: Stub) -> None:
    stub.script(delay_ms=60)
    provider = make_provider(stub.base_url, max_concurrency=8)
    runs = [start(member, provider), start(member, provider)]
    seen: set[str] = set()
    with ExitStack() as stack:
        for lane in lanes_of(*runs):
            stack.enter_context(in_background(work_slice, lane))
        while any(JudgingRun.objects.get(pk=run.pk).is_active for run in runs):
            seen |= {JudgingRun.objects.get(pk=run.pk).throttled_by or "" for run in runs}
            time.sleep(0.05)
    assert [reread(run).judged_count for run in runs] == [100, 100]
    assert 4 < stub.max_in_flight <= 8
    assert stub.calls == 200
    assert "provider_limit" in seen
    assert {reread(run).throttled_by for run in runs} == {None}
    assert not ProviderShare.objects.exists()


@pytest.mark.slow(seconds=2)
def test_a_limit_below_the_number_of_runs_serves_them_in_turn(member: User, stub: Stub) -> None:
    stub.script(delay_ms=30)
    provider = make_provider(stub.base_url, max_concurrency=1)
    runs = [start(member, provider, 2, 10), start(member, provider, 2, 10)]
    work_on(lanes_of(*runs), Turn(shared=0.3, longest=60.0))
    drain()
    assert stub.max_in_flight == 1
    assert [reread(run).judged_count for run in runs] == [20, 20]


@pytest.mark.slow
def test_two_runs_keep_120_requests_a_minute_together_evenly_spaced(member: User, stub: Stub) -> None:
    provider = make_provider(stub.base_url, requests_per_minute=120)
    runs = [start(member, provider, 1, 5), start(member, provider, 1, 5)]
    lanes = lanes_of(*runs)
    started = time.monotonic()
    counts: list[tuple[float, int]] = []
    told: set[str | None] = set()
    with ExitStack() as stack:
        for lane in lanes:
            stack.enter_context(in_background(work_slice, lane))
        while stub.calls < 10 and time.monotonic() < started + 60:
            calls = stub.calls
            counts.append((time.monotonic() - started, calls))
            # Said while calls are held up: after the last one nothing is, and a flush may have taken it back.
            told.update(JudgingRun.objects.get(pk=run.pk).throttled_by for run in runs)
            time.sleep(0.02)
        elapsed = time.monotonic() - started
    assert "provider_limit" in told
    assert all(calls <= 1 + 2 * seconds for seconds, calls in counts)
    assert elapsed > 4.4, "ten calls, one each half second"
    assert [reread(run).judged_count for run in runs] == [5, 5]
    assert stub.max_in_flight <= 2


@pytest.mark.slow(seconds=3)
def test_a_limit_set_while_a_run_is_at_work_holds_soon(
    member: User, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judging.work.pacing.gates._LOOK_EVERY", 0.1)
    stub.script(delay_ms=100)
    provider = make_provider(stub.base_url)
    # At least 4 s without the limit: it is set and looked at well before the end.
    run = start(member, provider, 64, 10)
    (lane,) = lanes_of(run)
    with in_background(work_slice, lane):
        wait_until(lambda: stub.max_in_flight == 16)
        AIProvider.objects.filter(pk=provider.pk).update(max_concurrency=2)
        wait_until(lambda: stub.in_flight <= 2)
        wait_until(lambda: JudgingRun.objects.get(pk=run.pk).throttled_by == "provider_limit")
        assert stub.in_flight <= 2
        stub.script()
        AIProvider.objects.filter(pk=provider.pk).update(max_concurrency=None)
    assert reread(run).judged_count == 640


class Slice:
    """A slice as the allowances see it: it asks for as much as it may have in hand."""

    def __init__(self, run: JudgingRun, provider: AIProvider, wanted: int = 8) -> None:
        lane = run.lanes.get()
        lease = take(lane.pk)
        assert lease is not None
        self.lane, self.lease, self.provider, self.wanted = lane, lease, provider, wanted
        self.allowances = SharedAllowances(lease)
        self.held = 0

    def renew(self, in_hand: int | None = None) -> Grant:
        in_hand = self.held if in_hand is None else in_hand
        resource = resource_key(self.provider.pk)
        grant = self.allowances.renew({resource: Demand(in_hand, self.wanted, 8)})[resource]
        self.held = grant.concurrency or 0
        return grant


def test_who_gives_way_keeps_what_is_in_hand_and_nobody_gets_it_before(member: User) -> None:
    provider = make_provider(max_concurrency=8)
    first, second = (Slice(start(member, provider), provider) for _ in range(2))
    assert first.renew().concurrency == 8
    assert second.renew().concurrency == 0
    assert first.renew().concurrency == 4, "eight are in flight; from now on four"
    assert second.renew().concurrency == 0
    first.renew(in_hand=6)
    assert second.renew().concurrency == 2
    first.renew(in_hand=4)
    assert second.renew().concurrency == 4
    first.wanted = 1
    first.renew(in_hand=1)
    assert second.renew().concurrency == 7


def test_a_dead_worker_s_share_is_free_after_its_lease(member: User) -> None:
    provider = make_provider(max_concurrency=8)
    dead, ended, other = (Slice(start(member, provider), provider) for _ in range(3))
    dead.wanted = ended.wanted = 4
    assert (dead.renew().concurrency, ended.renew().concurrency, other.renew().concurrency) == (4, 4, 0)
    hand_over(ended.lease)
    assert other.renew().concurrency == 4
    expire(dead.lane)
    assert other.renew().concurrency == 8


def test_starts_are_spaced_over_all_slices_in_order_of_waiting(member: User) -> None:
    provider = make_provider(requests_per_minute=90)
    first, second = (Slice(start(member, provider), provider) for _ in range(2))
    now, next_ = first.renew().starts or ()
    assert now < 0.1
    assert next_ - now == pytest.approx(60 / 90)
    # However long that took: a start is given out shortly before, not a minute.
    AIProvider.objects.filter(pk=provider.pk).update(next_call_at=timezone.now() + timedelta(minutes=1))
    assert second.renew().starts == ()
    assert first.renew().starts == ()
    AIProvider.objects.filter(pk=provider.pk).update(requests_per_minute=30, next_call_at=None)
    assert second.renew().starts == (), "the other has waited longer"
    assert len(first.renew().starts or ()) == 1
    AIProvider.objects.filter(pk=provider.pk).update(next_call_at=None)
    assert first.renew().starts == ()
    assert len(second.renew().starts or ()) == 1


def test_a_renewal_costs_nothing_without_limits(member: User, django_assert_num_queries: object) -> None:
    provider = make_provider()
    slice_ = Slice(start(member, provider), provider)
    with django_assert_num_queries(1):
        assert slice_.renew() == Grant(None, None)
    assert not ProviderShare.objects.exists()
