"""Calls that somebody waits for share a resource's concurrency with the slices, and go first."""

from datetime import timedelta

import pytest

from judging.foundation.clock import shared_now
from judging.judging_runs.starting import start_judging_run
from judging.models import AIProvider, Lane, ProviderShare, User
from judging.records.provider_limits import ProviderLimits, resource_key
from judging.work.allowances import SharedAllowances
from judging.work.lanes import take
from judging.work.pacing.gates import Demand
from judging.work.places import Place
from judging.work.rescue import is_work_unattended, rescue_lanes
from tests.factories import make_judge, make_provider
from tests.judging_runs.judging import small_run

pytestmark = [pytest.mark.django_db, pytest.mark.on_both]


class Slice:
    """A slice that wants more than it gets, and holds what it is granted."""

    def __init__(self, member: User, provider: AIProvider) -> None:
        judge = make_judge(provider, max_concurrency=16)
        run = start_judging_run(evaluation_run=small_run(), judge=judge, actor=member)
        lease = take(run.lanes.get().pk)
        assert lease is not None
        self._allowances, self._resource = SharedAllowances(lease), resource_key(provider.pk)

    def renew(self, in_hand: int) -> int | None:
        return self._allowances.renew({self._resource: Demand(in_hand, 8, 0)})[self._resource].concurrency


def place(provider: AIProvider, seconds: float = 60.0) -> Place:
    return Place(ProviderLimits(), resource_key(provider.pk), seconds=seconds)


def test_a_place_waits_for_calls_in_hand_and_then_goes_before_the_slice(member: User) -> None:
    provider = make_provider(max_concurrency=2)
    of_run, mine = Slice(member, provider), place(provider)
    assert of_run.renew(0) == 2
    assert not mine.take(), "both calls are in flight"
    assert of_run.renew(2) == 1
    assert not mine.take(), "they still are"
    assert of_run.renew(1) == 1
    assert mine.take()
    assert of_run.renew(1) == 1, "what was taken is not granted once more"
    mine.give_back()
    assert of_run.renew(1) == 2
    assert ProviderShare.objects.count() == 1


def test_the_only_place_of_a_resource_goes_to_whoever_waits_for_it(member: User) -> None:
    provider = make_provider(max_concurrency=1)
    of_run, mine = Slice(member, provider), place(provider)
    assert of_run.renew(0) == 1
    assert not mine.take()
    assert of_run.renew(0) == 0
    assert mine.take()
    mine.give_back()
    assert of_run.renew(0) == 1


def test_places_are_taken_in_the_order_in_which_they_were_asked_for() -> None:
    provider = make_provider(max_concurrency=1)
    first, second, third = (place(provider) for _ in range(3))
    assert first.take()
    assert not second.take()
    assert not third.take()
    first.give_back()
    assert not third.take(), "the second is before it"
    assert second.take()
    second.give_back()
    assert third.take()


def test_what_a_dead_process_held_ends_by_itself() -> None:
    provider = make_provider(max_concurrency=1)
    dead, mine = place(provider), place(provider)
    assert dead.take()
    assert not mine.take()
    Lane.objects.filter(lease_until__gt=shared_now()).update(lease_until=shared_now() - timedelta(seconds=1))
    assert place(provider).take()
    assert Lane.objects.count() == 1, "what has ended is cleared away"
    mine.give_back()


def test_no_limit_takes_no_row() -> None:
    free = place(make_provider(max_concurrency=None))
    assert free.take()
    free.give_back()
    assert not Lane.objects.exists()


def test_the_rescue_takes_a_place_for_no_lane_of_its_own(member: User) -> None:
    provider = make_provider(max_concurrency=4)
    start_judging_run(evaluation_run=small_run(), judge=make_judge(provider), actor=member)
    assert place(provider).take()
    assert is_work_unattended(), "a place is no slice at work"
    assert rescue_lanes() == 0
