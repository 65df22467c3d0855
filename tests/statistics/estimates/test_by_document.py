"""Estimates from a sample of documents."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from judging.metrics import aggregate, parse_metric, parse_metrics, score_query
from judging.statistics.distributions import clopper_pearson_upper
from judging.statistics.estimates.additive import gains, greatest_value, is_additive, mean_gains, rank_weights
from judging.statistics.estimates.by_document import Population, document_figure, estimate_by_document
from judging.statistics.estimates.review_queue import inclusion_probabilities
from tests.lazily import Lazily
from tests.statistics.electronics import order_of, population_of, top_ten

special = Lazily("scipy.special")

EXACT: dict[str, Any] = {"rel": 0, "abs": 1e-9}
ADDITIVE = ["P@10", "P@5", "DCG@10", "SDCG@10", "RBP"]


def sample(metric="P@10", n=184, seed=1, ai=None):
    pairs = top_ten()
    population, y = population_of(metric, pairs, ai=ai)
    order, sizes = order_of(pairs, population.weights, seed)
    chosen = np.zeros(920, dtype=bool)
    chosen[order[:n]] = True
    return population, y, chosen, inclusion_probabilities(sizes, n)


@pytest.mark.parametrize("name", ADDITIVE)
def test_with_all_graded_the_estimate_is_the_metric_and_has_no_variance(name):
    pairs = top_ten()
    metrics = parse_metrics([name])
    scores = []
    for code in range(92):
        rows = np.flatnonzero(pairs.query == code)
        grades = {int(row): int(pairs.people[row]) for row in rows}
        scores.append(score_query(metrics, list(grades), grades, scale_maximum=3, relevant_from=2))
    population, y = population_of(name, pairs)
    everything = np.ones(len(y), dtype=bool)
    kept = population.weights != 0
    population = replace(
        population,
        weights=population.weights[kept],
        classes=population.classes[kept],
        queries=population.queries[kept],
    )
    estimate = estimate_by_document(population, y[kept], everything[kept], np.ones(kept.sum()))
    assert estimate.value == pytest.approx(aggregate(metrics, scores).values[name], rel=0, abs=1e-12)
    assert estimate.variance == 0.0
    assert estimate.width_ratio == 1.0
    figure = document_figure(population, estimate)
    assert figure.low == figure.value == figure.high
    assert figure.low_total < figure.value < figure.high_total
    # The total interval is then the textbook one over queries.
    values = np.array([score.values[name] for score in scores])
    half = special.stdtrit(91, 0.975) * values.std(ddof=1) / math.sqrt(92)
    assert figure.high_total - figure.value == pytest.approx(half, **EXACT)


@pytest.mark.parametrize("name", ["Recall@10", "NDCG@10", "MAP", "MRR@10", "ERR@10", "F1@10", "Judged@10"])
def test_other_metrics_have_no_weights(name):
    assert not is_additive(parse_metric(name))
    with pytest.raises(ValueError):
        rank_weights(parse_metric(name), [1], query_count=1)


def test_without_blocks_and_with_equal_chances_it_is_the_stratified_estimator():
    # One query, so one block; two strata by AI grade, far from empty, where the pull to the mean is next to nothing.
    rng = np.random.default_rng(2)
    ai = np.repeat([0, 1], 4000)
    y = (rng.random(8000) < 0.2 + 0.5 * ai).astype(float)
    chosen = rng.random(8000) < 0.25
    population = Population(np.full(8000, 1 / 8000), ai, np.zeros(8000, dtype=int), 1, 2)
    pi = np.full(8000, chosen.sum() / 8000)
    estimate = estimate_by_document(population, y, chosen, pi)
    means = [y[chosen & (ai == stratum)].mean() for stratum in (0, 1)]
    assert estimate.value == pytest.approx(np.mean(means), abs=2e-4)
    within = sum(((y[chosen & (ai == s)] - means[s]) ** 2).sum() for s in (0, 1)) / (chosen.sum() - 2)
    assert estimate.variance == pytest.approx((1 - pi[0]) * within / chosen.sum(), rel=2e-3)


def test_it_is_the_difference_estimator_term_by_term():
    population, y, chosen, pi = sample("SDCG@10", 150, 9)
    estimate = estimate_by_document(population, np.where(chosen, y, np.nan), chosen, pi)
    w = 1 / pi[chosen]
    overall = (w * y[chosen]).sum() / w.sum()
    m = {}
    for c in range(4):
        own = chosen & (population.classes == c)
        m[c] = ((y[own] / pi[own]).sum() + overall * w.mean()) / ((1 / pi[own]).sum() + w.mean())
    predicted = np.array([m[c] for c in population.classes])
    residual = np.where(chosen, population.weights * (y - predicted) / pi, 0)
    assert estimate.value == pytest.approx((population.weights * predicted).sum() + residual.sum(), **EXACT)
    assert estimate.per_query.sum() == pytest.approx(estimate.value, **EXACT)
    assert estimate.total_variance == pytest.approx(92 * estimate.per_query.var(ddof=1), **EXACT)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("n", [90, 184, 400])
def test_neither_the_order_of_rows_nor_the_codes_of_grades_matter(seed, n):
    # 90 leaves queries with one grade, many with the same AI value: they must pair alike whatever the order.
    population, y, chosen, pi = sample("P@10", n, 3)
    rows = np.random.default_rng(seed).permutation(920)
    other_codes = np.array([2, 0, 3, 1])
    moved = replace(
        population,
        weights=population.weights[rows],
        classes=other_codes[population.classes[rows]],
        queries=population.queries[rows],
    )
    one = estimate_by_document(population, y, chosen, pi)
    other = estimate_by_document(moved, y[rows], chosen[rows], pi[rows])
    for name in ("value", "variance", "query_variance", "df", "disagreements"):
        assert getattr(other, name) == pytest.approx(getattr(one, name), rel=0, abs=1e-12), name


def test_scaling_the_weights_scales_value_and_width():
    population, y, chosen, pi = sample()
    one = estimate_by_document(population, y, chosen, pi)
    tenfold = estimate_by_document(replace(population, weights=10 * population.weights), y, chosen, pi)
    assert tenfold.value == pytest.approx(10 * one.value, **EXACT)
    assert tenfold.half_width == pytest.approx(10 * one.half_width, **EXACT)


def test_a_difference_of_two_runs_changes_its_sign_with_their_order():
    population, y, chosen, pi = sample("SDCG@10")
    signs = np.where(np.arange(920) % 3 == 0, -1.0, 1.0)
    a = replace(population, weights=population.weights * signs, value_range=(-1, 1))
    b = replace(population, weights=-population.weights * signs, value_range=(-1, 1))
    one, other = estimate_by_document(a, y, chosen, pi), estimate_by_document(b, y, chosen, pi)
    assert one.value == pytest.approx(-other.value, **EXACT)
    assert document_figure(a, one).low == pytest.approx(-document_figure(b, other).high, **EXACT)


@pytest.mark.parametrize(
    ("n", "code", "is_rough"), [(20, "too_few_grades", False), (74, "too_few_grades", False), (75, None, True)]
)
def test_too_few_grades_give_no_figure(n, code, is_rough):
    population, y, chosen, pi = sample("P@10", n)
    figure = document_figure(population, estimate_by_document(population, y, chosen, pi))
    assert (figure.refused_code, figure.is_rough, figure.grade_count) == (code, is_rough, n)
    assert (figure.value is None) == (code is not None)


def test_too_few_queries_and_too_many_skipped_give_no_figure():
    population, y, _, _ = sample()
    chosen = population.queries < 9
    estimate = estimate_by_document(population, y, chosen, np.where(chosen, 90 / 920, 1))
    assert document_figure(population, estimate).refused_code == "too_few_grades"
    population, y, chosen, pi = sample()
    estimate = estimate_by_document(population, y, chosen, pi)
    assert document_figure(population, estimate, skipped_share=0.11).refused_code == "too_many_skipped"
    assert document_figure(population, estimate, skipped_share=0.10).refused_code is None
    with pytest.raises(ValueError):
        estimate_by_document(population, y, np.zeros(920, dtype=bool), pi)


def test_a_judge_that_never_errs_gets_the_exact_bound_and_not_a_width_of_zero():
    population, y, chosen, pi = sample("P@10", 184, ai=top_ten().people)
    estimate = estimate_by_document(population, y, chosen, pi)
    assert (estimate.disagreements, estimate.is_exact_bound) == (0, True)
    assert estimate.half_width == pytest.approx(clopper_pearson_upper(0, 184), **EXACT)
    assert estimate.total_variance == pytest.approx(estimate.query_variance + estimate.variance, **EXACT)
    assert document_figure(population, estimate).half_width > 0.019


def test_one_grade_throughout_gets_the_exact_bound_and_an_infinite_ratio():
    population, _, chosen, pi = sample("P@10", 184, ai=np.full(920, 2))
    estimate = estimate_by_document(population, np.ones(920), chosen, pi)
    figure = document_figure(population, estimate)
    assert (figure.value, figure.high) == (1.0, 1.0)
    assert figure.low == pytest.approx(1 - clopper_pearson_upper(0, 184), **EXACT)
    assert estimate.width_ratio is None


def test_few_all_graded_are_not_refused_but_have_no_total_interval():
    population = Population(np.full(6, 1 / 6), np.array([0, 0, 1, 1, 2, 3]), np.array([0, 0, 0, 1, 1, 2]), 3, 4)
    estimate = estimate_by_document(population, np.array([0, 1, 0, 1, 1, 0.0]), np.ones(6, dtype=bool), np.ones(6))
    figure = document_figure(population, estimate)
    assert (figure.value, figure.low, figure.high) == pytest.approx((0.5, 0.5, 0.5))
    assert (figure.low_total, figure.high_total, figure.refused_code) == (None, None, None)


def test_queries_without_candidates_count_as_zero():
    population, y, chosen, pi = sample()
    wider = replace(population, query_count=100)
    one, other = estimate_by_document(population, y, chosen, pi), estimate_by_document(wider, y, chosen, pi)
    assert other.value == one.value
    assert other.query_count == 100
    assert other.per_query[92:].tolist() == [0] * 8


def test_a_candidate_without_an_ai_grade_is_a_class_of_its_own():
    ai = np.where(np.arange(920) % 9 == 0, 4, top_ten().ai)
    population, y, chosen, pi = sample(ai=ai)
    assert population.class_count == 5
    assert sample()[0].class_count == 4
    assert document_figure(population, estimate_by_document(population, y, chosen, pi)).refused_code is None


def test_several_people_give_the_mean_of_their_gains_and_not_the_gain_of_their_mean():
    given_ = {"count": 3, "scale_maximum": 3, "relevant_from": 2}
    metric = parse_metric("SDCG@10")
    found = mean_gains(metric, [0, 0, 2], [3, 0, 1], **given_)
    assert found[[0, 2]] == pytest.approx([0.5, 1 / 7])
    assert np.isnan(found[1])
    assert gains(metric, [2], scale_maximum=3, relevant_from=2) == pytest.approx([3 / 7])
    assert mean_gains(parse_metric("P@10"), [0, 0, 2], [3, 0, 1], **given_)[0] == 0.5


def test_ranges_bound_the_metrics():
    assert greatest_value(parse_metric("P@10"), scale_maximum=3) == 1
    assert greatest_value(parse_metric("DCG@2"), scale_maximum=3) == pytest.approx(7 * (1 + 1 / math.log2(3)))
    with pytest.raises(ValueError):
        rank_weights(parse_metric("P@10"), [0], query_count=1)
