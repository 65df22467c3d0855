"""Estimates from whole queries."""

import numpy as np
import pytest

from judging.statistics.estimates.by_query import estimate_by_query, query_figure
from tests.lazily import Lazily

special = Lazily("scipy.special")


def values(n=40, N=92, seed=1, noise=0.2):
    rng = np.random.default_rng(seed)
    y = rng.beta(2, 1, N)
    f = np.clip(y + rng.normal(0, noise, N), 0, 1)
    return y[:n], f[:n], f


def test_it_is_the_regression_estimator_refitted_without_each_query():
    y, f, everywhere = values()

    def fit(y, f):
        slope = np.clip(np.cov(y, f, ddof=0)[0, 1] / f.var(), 0, 1)
        return slope * everywhere.mean() + (y - slope * f).mean()

    without = np.array([fit(np.delete(y, i), np.delete(f, i)) for i in range(40)])
    variance = (1 - 40 / 92) * 39 / 40 * ((without - without.mean()) ** 2).sum()
    found = estimate_by_query(y, f, everywhere)
    assert found.value == pytest.approx(fit(y, f), rel=0, abs=1e-12)
    assert found.variance == pytest.approx(variance, rel=1e-9)
    figure = query_figure(found, grade_count=400)
    assert figure.half_width == pytest.approx(special.stdtrit(38, 0.975) * variance**0.5, rel=1e-9)
    assert figure.high_total - figure.value > figure.half_width
    assert (figure.query_count, figure.grade_count, figure.is_rough) == (40, 400, True)


def test_with_all_queries_graded_it_is_their_mean_and_has_no_variance():
    y, f, everywhere = values(92)
    found = estimate_by_query(y, f, everywhere)
    assert found.value == pytest.approx(y.mean(), rel=0, abs=1e-12)
    assert (found.variance, found.half_width) == (0, 0)
    figure = query_figure(found, grade_count=920)
    assert figure.low == figure.value == figure.high
    assert figure.low_total < figure.low


def test_the_order_of_queries_does_not_matter_and_a_useless_judge_is_not_believed():
    y, f, everywhere = values()
    order = np.random.default_rng(1).permutation(40)
    one, other = estimate_by_query(y, f, everywhere), estimate_by_query(y[order], f[order], everywhere)
    assert (one.value, one.variance) == pytest.approx((other.value, other.variance), rel=1e-12)
    constant = estimate_by_query(y, np.full(40, 0.4), np.full(92, 0.4))
    assert constant.slope == 0
    assert constant.value == pytest.approx(y.mean())


def test_few_queries_or_disagreements_give_no_figure():
    y, f, everywhere = values(29)
    assert query_figure(estimate_by_query(y, f, everywhere), grade_count=1).refused_code == "too_few_queries"
    y, f, everywhere = values(noise=0)
    alike = query_figure(estimate_by_query(y, f, everywhere), grade_count=1)
    assert (alike.refused_code, alike.value) == ("too_few_disagreements", None)
    y, f, everywhere = values(5, 5)
    small = query_figure(estimate_by_query(y, f, everywhere), grade_count=50)
    assert (small.refused_code, small.low_total, small.high_total) == (None, None, None)
    assert small.low == small.value
    for n, f_count, N in ((2, 2, 9), (5, 4, 9), (5, 5, 4)):
        with pytest.raises(ValueError):
            estimate_by_query([0.5] * n, [0.5] * f_count, [0.5] * N)


def test_bounds_stay_within_the_range_of_the_metric():
    y, f, everywhere = values(45)
    figure = query_figure(estimate_by_query(np.where(y > 0.2, 1.0, y), f, everywhere), grade_count=1)
    assert figure.high_total <= 1
    assert not figure.is_rough
