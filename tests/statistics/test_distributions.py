"""Our quantiles and tails against scipy's."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judging.statistics.distributions import (
    clopper_pearson_lower,
    clopper_pearson_upper,
    f_upper_tail,
    incomplete_beta,
    normal_quantile,
    t_quantile,
    t_upper_tail,
)
from tests.lazily import Lazily

special, stats = Lazily("scipy.special"), Lazily("scipy.stats")

CLOSE: dict[str, Any] = {"rel": 1e-9, "abs": 1e-12}


@settings(deadline=None)
@given(st.floats(0.05, 500), st.floats(0.05, 500), st.floats(0, 1))
def test_the_incomplete_beta_function(a, b, x):
    assert incomplete_beta(a, b, x) == pytest.approx(special.betainc(a, b, x), rel=1e-9, abs=1e-11)


@pytest.mark.parametrize("df", [1, 2, 5, 9, 29, 91, 134, 5000, 100_000])
@pytest.mark.parametrize("probability", [0.025, 0.2, 0.5, 0.8, 0.975, 0.9995])
def test_quantiles_of_t(df, probability):
    assert t_quantile(probability, df) == pytest.approx(stats.t.ppf(probability, df), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("t", [-4.0, -0.3, 0.0, 0.7, 2.5, 12.0])
@pytest.mark.parametrize("df", [1, 3, 30, 400])
def test_tails_of_t(t, df):
    assert t_upper_tail(t, df) == pytest.approx(stats.t.sf(t, df), **CLOSE)


@pytest.mark.parametrize("f", [-1.0, 0.0, 0.5, 2.0, 9.0])
@pytest.mark.parametrize(("numerator", "denominator"), [(1, 9), (3, 20), (3, 130), (9, 1000)])
def test_tails_of_f(f, numerator, denominator):
    assert f_upper_tail(f, numerator, denominator) == pytest.approx(stats.f.sf(f, numerator, denominator), **CLOSE)


@settings(deadline=None)
@given(st.integers(1, 2000).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_exact_intervals_of_shares(case):
    successes, trials = case
    expected = stats.binomtest(successes, trials).proportion_ci(method="exact")
    assert clopper_pearson_lower(successes, trials) == pytest.approx(expected.low, rel=1e-9, abs=1e-9)
    assert clopper_pearson_upper(successes, trials) == pytest.approx(expected.high, rel=1e-9, abs=1e-9)


def test_the_bounds_that_probes_and_estimates_quote():
    # None of 30, one-sided: below 9.5 %; one of 30: below 14.9 %. None, one, two of 100: 0.036, 0.054, 0.070.
    assert clopper_pearson_upper(0, 30, tail=0.05) == pytest.approx(0.095, abs=5e-4)
    assert clopper_pearson_upper(1, 30, tail=0.05) == pytest.approx(0.149, abs=5e-4)
    assert [clopper_pearson_upper(k, 100) for k in range(3)] == pytest.approx([0.036, 0.054, 0.070], abs=5e-4)
    assert clopper_pearson_lower(0, 30) == 0.0
    assert clopper_pearson_upper(30, 30) == 1.0


def test_the_normal_quantile():
    assert normal_quantile(0.975) == pytest.approx(stats.norm.ppf(0.975), **CLOSE)


def test_what_is_no_probability_or_no_share_is_refused():
    for probability in (0, 1, -0.1, float("nan")):
        with pytest.raises(ValueError):
            t_quantile(probability, 5)
    for successes, trials in ((1, 0), (-1, 5), (6, 5)):
        with pytest.raises(ValueError):
            clopper_pearson_upper(successes, trials)
        with pytest.raises(ValueError):
            clopper_pearson_lower(successes, trials)
    with pytest.raises(ValueError):
        incomplete_beta(0, 1, 0.5)
