"""Hosts whose clocks go wrong, and clocks that jump."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone
from django_q.models import OrmQ

from judging.foundation.clock import shared_now
from judging.management.rescuing import rescue_all
from judging.models import JudgingItem, Lane, User
from judging.work import lifecycle, workers
from judging.work.lanes import LEASE, take
from judging.work.rescue import is_work_unattended
from judging.work.slices import work_slice
from judging.work.store import Store
from judging.work.words import LeaseLost, Outcomes
from tests.judging_runs.judging import Start, in_background, reread, small_run, wait_until
from tests.stub.fixtures import Stub

pytestmark = [pytest.mark.on_both, pytest.mark.seldom]


Skew = Callable[[float], None]


@pytest.fixture
def skew(monkeypatch: pytest.MonkeyPatch) -> Skew:
    """Put this host's clock forward by some seconds, or back."""

    def set_skew(seconds: float) -> None:
        monkeypatch.setattr(timezone, "now", lambda: datetime.now(UTC) + timedelta(seconds=seconds))

    return set_skew


@pytest.mark.django_db
def test_the_shared_clock_is_the_server_s_on_postgresql_only(skew: Skew) -> None:
    real = datetime.now(UTC)
    skew(3600)
    ahead = (shared_now() - real).total_seconds()
    assert ahead == pytest.approx(3600 if connection.vendor == "sqlite" else 0, abs=60)


@pytest.mark.django_db(transaction=True)
def test_the_shared_clock_goes_on_inside_a_transaction() -> None:
    with transaction.atomic():
        first = shared_now()
        while shared_now() == first:
            time.sleep(0.001)


@pytest.mark.postgresql
@pytest.mark.parametrize("seconds", [3600.0, -3600.0])
def test_a_host_with_a_wrong_clock_respects_leases(start: Start, skew: Skew, seconds: float) -> None:
    run = start()
    lane = run.lanes.get()
    held = take(lane.pk)
    assert held is not None
    lifecycle.start(run.kind, run.pk)
    store = Store(held, held.kind.handler(run.pk))
    store.claim(7)
    OrmQ.objects.all().delete()
    skew(seconds)
    assert take(lane.pk) is None
    assert rescue_all() == 0
    assert not is_work_unattended()
    # Now it is this host that holds the lane and renews: the lease it writes is read by others.
    asked_at = shared_now()
    store.flush(Outcomes(throttle="provider_limit"))
    skew(0)
    until = Lane.objects.get(pk=lane.pk).lease_until
    assert until is not None
    assert asked_at <= until - LEASE <= shared_now()
    skew(seconds)
    Lane.objects.filter(pk=lane.pk).update(lease_until=shared_now() - timedelta(seconds=1))
    Lane.objects.filter(pk=lane.pk).update(enqueued_at=shared_now() - timedelta(seconds=20))
    assert rescue_all() == 1
    assert take(lane.pk) is not None
    with pytest.raises(LeaseLost):
        store.flush(Outcomes(throttle=""))
    assert not JudgingItem.objects.filter(judging_run=run, claim_token__isnull=False).exists()


@pytest.mark.postgresql
def test_a_worker_of_a_host_with_a_wrong_clock_is_seen_alive(db: None, skew: Skew) -> None:
    skew(-3600)
    workers.beat("host-behind:1")
    skew(0)
    assert workers.has_live_worker()


@pytest.mark.parametrize("seconds", [7200.0, -7200.0])
def test_a_clock_that_jumps_in_mid_run_loses_nothing(
    start: Start, stub: Stub, member: User, skew: Skew, seconds: float
) -> None:
    stub.script(delay_ms=20)
    run = start(small_run(6, 8), max_concurrency=2)
    lane = run.lanes.get()
    with in_background(work_slice, lane.pk):
        wait_until(lambda: stub.calls > 8)
        skew(seconds)
    run = reread(run)
    assert (run.status, run.judged_count, stub.calls) == ("completed", 48, 48)
