"""How the pace gives way to rate limits."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judging.work.pacing.limiter import AdaptiveConcurrency, backoff, fair_shares


def note(concurrency: AdaptiveConcurrency, *replies: bool) -> None:
    for rate_limited in replies:
        concurrency.note(rate_limited=rate_limited)


def test_it_begins_at_the_limit_and_stays_there_while_all_is_well() -> None:
    concurrency = AdaptiveConcurrency(8)

    note(concurrency, *[False] * 500)

    assert concurrency.current == 8


def test_more_than_a_quarter_of_rate_limited_replies_lowers_the_pace() -> None:
    tolerated, refused = AdaptiveConcurrency(10), AdaptiveConcurrency(10)

    note(tolerated, *[True] * 5, *[False] * 15)
    note(refused, *[True] * 6, *[False] * 14)

    assert (tolerated.current, refused.current) == (10, 7)


def test_replies_to_calls_that_were_in_flight_do_not_lower_the_pace_again() -> None:
    concurrency = AdaptiveConcurrency(100)
    note(concurrency, *[True] * 100)
    assert concurrency.current == 70

    note(concurrency, *[True] * 99)  # the rest of the round
    assert concurrency.current == 70
    note(concurrency, *[True] * 69)
    assert concurrency.current == 70
    note(concurrency, True)

    assert concurrency.current == 49


def test_each_clean_round_raises_the_pace_by_one_up_to_the_limit() -> None:
    concurrency = AdaptiveConcurrency(20)
    note(concurrency, *[True] * 20)
    note(concurrency, *[False] * 19)  # in flight before
    assert concurrency.current == 14

    note(concurrency, *[False] * 14)
    assert concurrency.current == 15
    note(concurrency, *[False] * 14, True, *[False] * 14)
    assert concurrency.current == 15
    note(concurrency, *[False] * 1000)

    assert concurrency.current == 20


@given(st.integers(1, 60), st.lists(st.booleans(), max_size=150))
def test_the_pace_stays_in_bounds_and_falls_once_per_round(limit: int, replies: list[bool]) -> None:
    concurrency = AdaptiveConcurrency(limit)
    since_decrease = limit

    for rate_limited in replies:
        before = concurrency.current
        concurrency.note(rate_limited=rate_limited)
        assert 1 <= concurrency.current <= limit
        assert concurrency.current <= before + 1
        if concurrency.current < before:
            assert since_decrease >= before
            assert concurrency.current == max(1, int(before * 0.7))
            since_decrease = 0
        since_decrease += 1


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(ValueError):
        AdaptiveConcurrency(0)


@given(st.integers(0, 10_000), st.integers())
def test_waits_double_per_attempt_within_a_minute(attempt: int, seed: int) -> None:
    longest = min(60.0, 0.5 * 2 ** min(max(attempt - 1, 0), 20))

    assert 0 <= backoff(attempt, rng=random.Random(seed)) <= longest


@given(st.floats(0, 1e9), st.integers())
def test_what_the_provider_asks_for_is_waited_and_no_more_than_two_minutes(retry_after: float, seed: int) -> None:
    seconds = backoff(1, rng=random.Random(seed), retry_after=retry_after)

    assert min(retry_after, 120) <= seconds <= min(retry_after, 120) + 0.1


def test_waits_are_spread_over_their_whole_range() -> None:
    rng = random.Random(1)
    waits = [backoff(5, rng=rng) for _ in range(200)]

    assert min(waits) < 1
    assert max(waits) > 7


@pytest.mark.parametrize(
    ("limit", "wanted", "shares"),
    [
        (8, [16, 16], [4, 4]),
        (8, [16, 1, 16], [4, 1, 3]),
        (1, [1, 5], [1, 0]),
        (2, [5, 0, 5, 5], [1, 0, 1, 0]),
        (100, [3, 4], [3, 4]),
        (5, [], []),
    ],
)
def test_a_limit_is_shared_fairly(limit: int, wanted: list[int], shares: list[int]) -> None:
    assert fair_shares(limit, wanted) == shares


@given(st.integers(1, 200), st.lists(st.integers(0, 300), max_size=12))
def test_nothing_of_a_limit_is_left_while_somebody_wants_more(limit: int, wanted: list[int]) -> None:
    shares = fair_shares(limit, wanted)

    assert sum(shares) == min(limit, sum(wanted))
    assert all(share <= want for share, want in zip(shares, wanted, strict=True))
    short = [share for share, want in zip(shares, wanted, strict=True) if share < want]
    assert not short or max(shares) <= min(short) + 1
