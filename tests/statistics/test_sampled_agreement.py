"""Agreement on one run's own grades, from a check sample of them."""

import numpy as np
import pytest

from judging.statistics.agreement.coefficients import coefficient
from judging.statistics.agreement.sampled_agreement import calibrated_table, influence_values, sampled_agreement
from judging.statistics.estimates.review_queue import inclusion_probabilities, review_order
from judging.statistics.tables import query_tables
from tests.statistics.electronics import top_ten
from tests.statistics.simulation import judge_grades


def sampled(name, n, seed=1, ai=None):
    top, rng = top_ten(), np.random.default_rng(seed)
    order = review_order(top.query, rng.random(920), np.ones(920), rng.random(92))
    chosen = np.zeros(920, dtype=bool)
    chosen[order[:n]] = True
    return sampled_agreement(
        name,
        ai=top.ai if ai is None else ai,
        people=np.where(chosen, top.people, -1),
        queries=top.query,
        query_count=92,
        grade_count=4,
        is_sampled=chosen,
        probabilities=inclusion_probabilities(np.ones(920), n),
        relevant_from=2,
    )


def true_value(name, ai):
    return float(
        coefficient(name, relevant_from=2)(query_tables(np.zeros(920, int), ai, top_ten().people, grade_count=4)[0])
    )


@pytest.mark.parametrize("name", ["kappa_quadratic", "ac2_quadratic", "alpha_ordinal", "tau_b", "exact", "bias"])
def test_with_all_graded_it_is_the_figure_of_the_run_and_has_no_width(name):
    figure = sampled(name, 920)
    assert figure.value == pytest.approx(true_value(name, top_ten().ai), abs=1e-9)
    assert figure.low == pytest.approx(figure.high, abs=1e-12)
    assert figure.low_total < figure.value < figure.high_total


@pytest.mark.slow(seconds=2)
@pytest.mark.parametrize("judge", ["local", "good", "lenient"])
def test_its_intervals_hold_the_figure_of_the_run(judge):
    ai = judge_grades(judge)
    held = []
    for name in ("kappa_quadratic", "exact", "bias", "relevant_kappa"):
        truth = true_value(name, ai)
        for seed in range(150):
            figure = sampled(name, 200, seed, ai)
            held.append(figure.low <= truth <= figure.high)
    assert 0.91 <= np.mean(held) <= 0.98


def test_rows_are_scaled_to_the_grades_of_the_run():
    table = calibrated_table(
        np.array([0, 0, 0, 1, 1]), np.array([0, 1, -1, 1, -1]), np.array([0, 1, 3]), np.array([2.0, 1.0, 9.0]), 3
    )
    assert table.tolist() == [[2, 1, 0], [0, 2, 0], [0, 0, 0]]


def test_influence_is_what_one_pair_more_does():
    table = np.array([[40.0, 9, 1], [8, 30, 7], [2, 6, 50]])
    kappa = coefficient("kappa_quadratic", relevant_from=1)
    influence = influence_values(kappa, table)
    assert (influence * table).sum() == pytest.approx(0, abs=1e-6)
    more = table.copy()
    more[0, 2] += 1e-4
    assert (kappa(more) - kappa(table)) / 1e-4 * table.sum() == pytest.approx(influence[0, 2], rel=1e-4)


def test_too_little_gives_no_figure():
    assert sampled("kappa_quadratic", 74).refused_code == "too_few_grades"
    assert sampled("kappa_quadratic", 0).refused_code == "too_few_grades"
    assert sampled("kappa_quadratic", 80).is_rough


def test_full_agreement_does_not_look_sure():
    figure = sampled("exact", 200, ai=top_ten().people)
    assert figure.refused_code == "no_variance" or figure.low < 0.99
