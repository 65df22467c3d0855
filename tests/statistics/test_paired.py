"""Paired differences against scipy and statsmodels, and what they refuse."""

import time
import tracemalloc

import numpy as np
import pytest

from judging.statistics.paired import (
    compare_paired,
    difference_figure,
    holm,
    minimum_detectable_difference,
    sign_flip_p,
)
from tests.lazily import Lazily

stats, multitest = Lazily("scipy.stats"), Lazily("statsmodels.stats.multitest")


def values(query_count=92, shift=0.03, seed=1):
    rng = np.random.default_rng(seed)
    a = rng.random(query_count)
    return a, np.clip(a + rng.normal(shift, 0.15, query_count), 0, 1)


def compare(a, b):
    return compare_paired(np.asarray(a, float)[:, None], np.asarray(b, float)[:, None])[0]


@pytest.mark.parametrize("query_count", [10, 25, 92, 2000])
def test_the_interval_is_that_of_the_paired_t_test(query_count):
    a, b = values(query_count)
    found = compare(a, b).figure
    oracle = stats.ttest_rel(b, a).confidence_interval()
    assert found.value == pytest.approx((b - a).mean(), abs=1e-12)
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high), abs=1e-9)
    assert (found.low_total, found.high_total) == (found.low, found.high)
    assert found.is_rough is (query_count < 20)


@pytest.mark.parametrize("seed", range(4))
def test_few_queries_are_enumerated_as_scipy_does(seed):
    a, b = values(12, seed=seed)
    oracle = stats.permutation_test((b - a,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert compare(a, b).p_randomisation == pytest.approx(oracle.pvalue, abs=1e-12)


def test_queries_that_do_not_differ_change_no_p():
    d = np.array([0.1, 0.2, -0.05, 0.3, 0.02])
    padded = np.concatenate([d, np.zeros(60)])
    assert sign_flip_p(padded[:, None]) == sign_flip_p(d[:, None])


@pytest.mark.slow(seconds=1)
@pytest.mark.parametrize("shift", [0.0, 0.02, 0.04])
def test_random_flips_come_near_scipy_s(shift):
    a, b = values(92, shift=shift)
    oracle = stats.permutation_test(
        (b - a,), np.mean, permutation_type="samples", n_resamples=40_000, rng=np.random.default_rng(5)
    )
    assert compare(a, b).p_randomisation == pytest.approx(oracle.pvalue, abs=0.012)


def test_p_is_the_same_in_any_order_of_queries_and_for_a_and_b_exchanged():
    a, b = values(200)
    p = compare(a, b).p_randomisation
    order = np.random.default_rng(3).permutation(200)
    assert compare(a[order], b[order]).p_randomisation == p
    assert compare(b, a).p_randomisation == p


def test_a_metric_s_p_does_not_hang_on_the_metrics_beside_it():
    a, b = values(60)
    c, d = values(60, seed=9)
    both = compare_paired(np.stack([a, c], 1), np.stack([b, d], 1))
    assert [each.p_randomisation for each in both] == [compare(a, b).p_randomisation, compare(c, d).p_randomisation]


@pytest.mark.slow(seconds=1)
def test_five_in_a_hundred_are_called_different_where_nothing_differs():
    rng = np.random.default_rng(8)
    p = np.array(sign_flip_p(rng.normal(0, 1, (40, 600))))
    assert 0.025 < (p <= 0.05).mean() < 0.08


def test_wins_ties_and_losses_are_counted_with_a_tolerance():
    found = compare([0.5] * 12, [0.5 + 5e-10] * 6 + [0.6] * 4 + [0.2] * 2)
    assert (found.wins, found.ties, found.losses, found.query_count) == (4, 6, 2, 12)


def test_queries_without_a_value_on_either_side_are_left_out():
    a, b = values(30)
    a[3] = b[5] = b[6] = np.nan
    kept = ~np.isnan(b - a)
    assert compare(a, b) == compare(a[kept], b[kept])
    assert compare(a, b).query_count == 27


def test_below_ten_queries_only_counts_are_given():
    found = compare([0.1] * 9, [0.2, 0.3] * 4 + [0.1])
    assert found.figure.refused_code == "too_few_queries"
    assert found.figure.value is found.figure.low is None
    assert found.p_randomisation is found.minimum_detectable_difference is None
    assert (found.wins, found.ties, found.losses) == (8, 1, 0)


def test_the_same_difference_everywhere_has_no_interval():
    found = compare(np.linspace(0, 0.5, 15), np.linspace(0, 0.5, 15) + 0.1)
    assert found.figure.refused_code == "no_variance"
    assert found.wins == 15


def test_two_runs_that_never_differ_differ_by_nothing():
    a, _ = values(30)
    found = compare(a, a)
    assert (found.figure.value, found.figure.low, found.figure.high) == (0, 0, 0)
    assert found.p_randomisation == 1
    assert found.is_same_throughout


def test_the_smallest_difference_that_would_be_seen():
    a, b = values(92)
    d = b - a
    expected = (stats.t.ppf(0.975, 91) + stats.t.ppf(0.8, 91)) * d.std(ddof=1) / np.sqrt(92)
    assert minimum_detectable_difference(d) == pytest.approx(expected, abs=1e-9)
    # The method's example: sd 0.19.
    example = np.random.default_rng(1).normal(size=92)
    example *= 0.19 / example.std(ddof=1)
    assert minimum_detectable_difference(example) == pytest.approx(0.057, abs=0.001)


@pytest.mark.parametrize("p", [[0.01, 0.04, 0.03, 0.005], [0.5, 0.5, 0.9], [0.02], [0.2, 1.0, 0.0001] * 22])
def test_holm_is_that_of_statsmodels(p):
    assert holm(p) == pytest.approx(multitest.multipletests(p, method="holm")[1], abs=1e-12)


def test_ten_thousand_queries_take_little_time_and_memory():
    rng = np.random.default_rng(1)
    a, b = rng.random((2, 10_000, 4))
    tracemalloc.start()
    began = time.process_time()
    compare_paired(a, b)
    seconds = time.process_time() - began
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 10
    assert peak < 16_000_000


def test_shapes_that_do_not_match_are_refused():
    with pytest.raises(ValueError, match="one row per query"):
        compare_paired([[0.1]], [[0.1], [0.2]])
    with pytest.raises(ValueError, match="no spread"):
        minimum_detectable_difference([0.1])
    assert difference_figure([]).refused_code == "too_few_queries"
