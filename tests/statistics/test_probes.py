"""Probes' statistics against scipy and statsmodels, and the marks at their edges."""

import numpy as np
import pytest

from judging.statistics import probes
from judging.statistics.probes import Reading, outcome_of
from tests.lazily import Lazily

sm, stats = Lazily("statsmodels.api"), Lazily("scipy.stats")


@pytest.mark.parametrize(("count", "total"), [(0, 30), (1, 30), (3, 30), (30, 30), (54, 60), (1, 1)])
def test_each_bound_of_a_share_is_clopper_and_pearson_s_at_95_percent(count: int, total: int) -> None:
    found = probes.share("raised", count, total)
    low = stats.beta.ppf(0.05, count, total - count + 1) if count else 0.0
    high = stats.beta.ppf(0.95, count + 1, total - count) if count < total else 1.0
    assert found.value == count / total
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)


def test_none_of_30_is_below_9_5_percent_and_one_below_14_9() -> None:
    assert probes.share("relevant", 0, 30).high == pytest.approx(0.095, abs=5e-4)
    assert probes.share("relevant", 1, 30).high == pytest.approx(0.149, abs=5e-4)


def outcome(readings: list[Reading]) -> str:
    return outcome_of(readings)


@pytest.mark.parametrize(("equal", "expected"), [(54, "passed"), (53, "failed")])
def test_a_judge_repeats_itself_from_90_percent_on(equal: int, expected: str) -> None:
    first = np.tile([0, 1, 2, 3], 15)
    again = first.copy()
    again[equal:] = 3 - again[equal:]
    readings = probes.read_repeat(np.arange(60) % 20, first, again, grade_count=4)
    assert [reading.name for reading in readings] == ["exact", "kappa", "change"]
    assert outcome(readings) == expected


@pytest.mark.parametrize(("high", "expected"), [(0, "passed"), (1, "failed")])
def test_one_relevant_canary_is_one_too_many(high: int, expected: str) -> None:
    grades = [3] * high + [0] * (30 - high)
    assert outcome(probes.read_relevant(grades, relevant_from=2)) == expected
    assert outcome(probes.read_instruction([0] * 30, grades)) == expected
    assert outcome(probes.read_above_minimum(grades)) == expected


@pytest.mark.parametrize(
    ("raised", "grade", "expected"), [(3, 1, "passed"), (4, 1, "failed"), (1, 2, "failed"), (0, 0, "passed")]
)
def test_stuffing_may_raise_three_but_none_to_relevant(raised: int, grade: int, expected: str) -> None:
    stuffed = [grade] * raised + [0] * (30 - raised)
    assert outcome(probes.read_stuffed([0] * 30, stuffed, relevant_from=2)) == expected


def test_padding_passes_while_its_change_may_be_chance() -> None:
    query, plain = np.arange(30), np.zeros(30, dtype=int)
    once = plain.copy()
    once[0] = 1
    assert outcome(probes.read_padded(query, plain, plain)) == "passed"
    assert outcome(probes.read_padded(query, plain, once)) == "passed"
    assert outcome(probes.read_padded(query, plain, plain + 1)) == "failed"


def test_other_words_have_no_mark() -> None:
    grades = np.tile([0, 3], 30)
    readings = probes.read_paraphrase(np.arange(60) % 20, grades, 3 - grades, grade_count=4)
    assert outcome(readings) == "shown"
    assert readings[0].value == 1.0


def test_the_order_matters_when_it_flips_more_than_the_same_prompt_does() -> None:
    query, first = np.repeat(np.arange(10), 6), np.tile([0, 1, 2, 3, 0, 1], 10)
    moved = np.tile([5, 3, 1, -1, -3, -5], 10)
    assert outcome(probes.read_shuffle(query, first, first, first, moved)) == "passed"
    flipped = first.copy()
    flipped[::6] = 1
    by_name = {each.name: each for each in probes.read_shuffle(query, first, first, flipped, moved)}
    assert by_name["flips_added"].value == pytest.approx(10 / 60)
    assert by_name["flips_added"].is_met is False
    assert by_name["position_slope"].is_met is False
    # A judge that is as unsteady without it is not blamed on the order.
    assert {each.name: each for each in probes.read_shuffle(query, first, flipped, flipped, moved)}[
        "flips_added"
    ].value == 0.0


def test_the_slope_is_least_squares_with_errors_clustered_by_query() -> None:
    random = np.random.default_rng(3)
    query = np.repeat(np.arange(10), 6)
    x = random.integers(-5, 6, 60)
    y = 0.1 * x + np.repeat(random.normal(size=10), 6) + random.normal(size=60)
    fitted = sm.OLS(y, sm.add_constant(x)).fit(cov_type="cluster", cov_kwds={"groups": query}, use_t=True)
    found = probes.clustered_slope(query, x, y)
    assert found is not None
    assert (found.mean, found.standard_error) == pytest.approx((fitted.params[1], fitted.bse[1]), rel=1e-9)
    assert found.interval == pytest.approx(tuple(fitted.conf_int()[1]), rel=1e-9)


def test_a_single_query_tells_no_change_from_chance() -> None:
    reading = probes.read_padded([7] * 30, [0] * 30, [0] * 30)[0]
    assert (reading.value, reading.refused_code, reading.is_met) == (None, "too_few_queries", False)
