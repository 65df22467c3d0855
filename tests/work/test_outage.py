"""When failures of the moment add up to an outage. The clock is the test's own."""

import pytest

from judging.foundation.answers import Fault
from judging.providers.base import ProviderError
from judging.work.pacing.outage import OutageWatch


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def fail(watch: OutageWatch, times: int, since_success: float | None = None) -> list[float]:
    return [watch.note_failure(since_success).pause for _ in range(times)]


def test_a_few_failures_mean_nothing_however_long_they_last(clock: Clock) -> None:
    watch = OutageWatch(8, clock=clock)
    fail(watch, 14)
    clock.now += 300
    verdict = watch.note_failure(None)
    assert (verdict.is_failing, verdict.is_over, verdict.pause) == (False, False, 0.0)


def test_sixty_seconds_of_nothing_but_failures_are_an_outage(clock: Clock) -> None:
    watch = OutageWatch(8, clock=clock)
    fail(watch, 16)
    clock.now += 59.9
    assert not watch.note_failure(None).is_over
    clock.now += 0.2
    assert watch.note_failure(None).is_over
    error = watch.error(ProviderError("HTTP 503", fault=Fault.TRANSIENT, code="server_error", status=503))
    assert (error.fault, error.code) == (Fault.RUN, "provider_outage")
    assert "HTTP 503" in error.message


def test_one_success_starts_the_clock_again(clock: Clock) -> None:
    watch = OutageWatch(1, clock=clock)
    fail(watch, 30)
    clock.now += 50
    watch.note_success()
    fail(watch, 30)
    clock.now += 50
    assert not watch.note_failure(None).is_over


def test_another_lane_s_success_keeps_the_run_alive(clock: Clock) -> None:
    watch = OutageWatch(1, clock=clock)
    fail(watch, 30)
    clock.now += 70
    assert not watch.note_failure(5.0).is_over
    assert watch.note_failure(61.0).is_over


def test_pauses_grow_and_come_to_120_seconds_at_most(clock: Clock) -> None:
    watch = OutageWatch(1, clock=clock)
    pauses = [pause for pause in fail(watch, 500) if pause]
    assert pauses[:4] == [1.0, 2.0, 4.0, 8.0]
    assert sum(pauses) == 120.0


def test_an_outage_is_carried_over_to_the_lane_s_next_slice(clock: Clock) -> None:
    watch = OutageWatch(1, clock=clock)
    fail(watch, 12)
    clock.now += 40
    following = OutageWatch(1, failing_seconds=watch.failing_seconds, failing_count=watch.failing_count, clock=clock)
    clock.now += 21
    assert following.note_failure(None).is_over


def test_what_means_a_wrong_setting_when_it_lasts_ends_a_job_that_was_never_answered(clock: Clock) -> None:
    watch = OutageWatch(8, clock=clock)
    for _ in range(4):
        assert not watch.note_failure(None, may_last=True).is_over
    assert not watch.note_failure(None).is_over, "another failure in between"
    for _ in range(4):
        assert not watch.note_failure(None, may_last=True).is_over
    verdict = watch.note_failure(None, may_last=True)
    assert (verdict.is_over, verdict.is_lasting) == (True, True)
    last = ProviderError("a web page", fault=Fault.TRANSIENT, code="bad_reply", code_if_lasting="misconfigured")
    error = watch.error(last, is_lasting=verdict.is_lasting)
    assert (error.fault, error.code) == (Fault.RUN, "misconfigured")
    assert "a web page" in error.message


@pytest.mark.parametrize("answered", ["before", "here", "elsewhere"])
def test_once_a_job_was_answered_the_same_is_trouble_of_the_moment(clock: Clock, answered: str) -> None:
    watch = OutageWatch(8, has_answered=answered == "before", clock=clock)
    if answered == "here":
        watch.note_success()
    for _ in range(12):
        assert not watch.note_failure(1.0 if answered == "elsewhere" else None, may_last=True).is_over
