"""When a sample is enough, and what it will take."""

import numpy as np
import pytest

from judging.statistics.estimates.stopping import (
    anytime_half_width,
    certifying_half_width,
    is_certified,
    planned_grades,
    planned_queries,
)


def test_certified_means_at_most_fifteen_hundredths_wider_and_enough_grades():
    given = {"grade_count": 184, "population_count": 920}
    assert is_certified(variance=0.3225, query_variance=1.0, **given)
    assert is_certified(variance=0.32, query_variance=1.0, **given)
    assert not is_certified(variance=0.33, query_variance=1.0, **given)
    assert not is_certified(variance=0.1, query_variance=1.0, grade_count=99, population_count=920)
    assert is_certified(variance=0.0, query_variance=1.0, grade_count=60, population_count=60)
    # Where queries do not vary, only certainty is certain enough.
    assert not is_certified(variance=1e-9, query_variance=0.0, **given)
    assert is_certified(variance=0.0, query_variance=0.0, **given)


def test_the_anytime_half_width_is_wider_than_the_ordinary_one_and_falls_with_the_variance():
    assert anytime_half_width(1.0, 150) > 1.96
    assert anytime_half_width(0.25, 150) == pytest.approx(anytime_half_width(1.0, 150) / 2)
    assert min(range(20, 2000), key=lambda n: anytime_half_width(1 / n, n) * n**0.5) in range(120, 180)
    with pytest.raises(ValueError):
        anytime_half_width(1.0, 0)


def test_a_plan_asks_for_more_when_more_is_wanted_and_never_for_more_than_there_is():
    weights = np.full(920, 1 / 920)
    plans = [planned_grades(weights, half) for half in (0.08, 0.04, 0.02, 0.001)]
    assert plans == sorted(plans)
    assert plans[0] == 100
    assert plans[-1] <= 920
    assert planned_grades(weights, 0) == 920
    assert planned_grades(np.full(40, 1 / 40), 0.05) == 40
    assert planned_grades(weights, 0.04) < planned_grades(weights, 0.04, residual_variance=0.25)
    assert certifying_half_width([0.5]) == 0
    assert certifying_half_width([0.2, 0.6, 0.4, 0.8]) == pytest.approx(
        1.96 * (0.3225 * 0.2**2 * 5 / 3 / 4) ** 0.5, 1e-3
    )


def test_queries_are_planned_alike():
    assert planned_queries(0.05, population_count=92, residual_deviation=0.167) == 31
    assert planned_queries(0.0, population_count=92, residual_deviation=0.2) == 92
    assert planned_queries(0.05, population_count=92, residual_deviation=0) == 92
