"""Samples of queries: the inclusion probabilities that are told are those that hold."""

import numpy as np
import pytest

from judging.statistics.query_samples import METHODS, SampleMethod, inclusion_probabilities, sample_queries

COUNTS = [1000.0 / (rank + 1) ** 1.2 for rank in range(30)][::-1]
TURNS = 4000


@pytest.mark.slow(seconds=1)
@pytest.mark.parametrize("method", METHODS)
def test_queries_are_taken_as_often_as_their_probability_says(method: SampleMethod) -> None:
    taken, told = np.zeros(len(COUNTS)), np.full(len(COUNTS), np.nan)
    for seed in range(TURNS):
        sample = sample_queries(COUNTS, method=method, size=9, seed=seed)
        assert len(set(sample.places)) == len(sample.places) == 9
        taken[sample.places] += 1
        told[sample.places] = sample.probabilities
    known = ~np.isnan(told)
    # Four and a half standard errors of a share.
    error = 4.5 * np.sqrt(np.maximum(told[known] * (1 - told[known]), 1e-9) / TURNS)
    assert np.all(np.abs(taken[known] / TURNS - told[known]) <= error)
    # Every query is taken in the end, but by the method that takes the most frequent only.
    assert known.sum() == (9 if method == "top" else len(COUNTS))


def test_probabilities_are_proportional_below_what_is_certain() -> None:
    weights = np.array([100.0, 10.0, 10.0, 5.0, 5.0])
    assert inclusion_probabilities(weights, 3).tolist() == pytest.approx([1, 2 / 3, 2 / 3, 1 / 3, 1 / 3])


def test_the_same_seed_takes_the_same_queries() -> None:
    first, second = (sample_queries(COUNTS, method="proportional", size=9, seed=3) for _ in range(2))
    assert first == second


def test_strata_carry_a_third_of_the_traffic_each() -> None:
    sample = sample_queries([1.0] * 300, method="stratified", size=30, seed=1)
    assert [(each.query_count, each.sampled_count) for each in sample.strata] == [(100, 10)] * 3
    assert [each.traffic_share for each in sample.strata] == pytest.approx([1 / 3] * 3)


def test_a_stratum_that_is_too_small_leaves_its_places_to_others() -> None:
    sample = sample_queries([1000.0, 1000.0, *[10.0] * 100], method="stratified", size=30, seed=1)
    assert [each.sampled_count for each in sample.strata][:2] == [1, 1]
    assert len(sample.places) == 30


@pytest.mark.parametrize("method", METHODS)
def test_a_small_log_is_taken_whole(method: SampleMethod) -> None:
    sample = sample_queries([5.0, 1.0], method=method, size=10, seed=0)
    assert sorted(sample.places) == [0, 1]
    assert sample.probabilities == [1.0, 1.0]
    assert sample.traffic_share == 1.0
