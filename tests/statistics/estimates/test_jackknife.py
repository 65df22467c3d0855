"""Intervals of agreement: what they are made of, and when there is none."""

import math

import numpy as np
import pytest

from judging.statistics.agreement.coefficients import AGREEMENT_FIGURES, coefficient
from judging.statistics.agreement.jackknife import agreement_figure, agreement_figures
from judging.statistics.tables import query_tables
from tests.lazily import Lazily
from tests.statistics.electronics import all_pairs

special = Lazily("scipy.special")

BOUNDS = ("value", "low", "high", "low_total", "high_total")


def tables_of(query_count, per_query, *, seed=5, noise=1.2):
    rng = np.random.default_rng(seed)
    query = np.repeat(np.arange(query_count), per_query)
    people = rng.integers(0, 4, len(query))
    ai = np.clip(np.round(people + rng.normal(0, noise, len(query)) + 0.3), 0, 3).astype(int)
    return query_tables(query, ai, people, grade_count=4)


@pytest.mark.parametrize("name", [figure.name for figure in AGREEMENT_FIGURES])
def test_an_interval_is_the_textbook_jackknife_query_by_query(name):
    tables = tables_of(25, 6)
    statistic = coefficient(name, relevant_from=2)
    is_bounded = name not in ("bias", "mean_absolute_error")

    def z(value):
        limit = 1 - 1 / (2 * 150)
        return math.atanh(min(max(value, -limit), limit)) if is_bounded else value

    without = [z(float(statistic(np.delete(tables, index, axis=0).sum(0)))) for index in range(25)]
    error = math.sqrt(24 / 25 * sum((value - np.mean(without)) ** 2 for value in without))
    value = float(statistic(tables.sum(0)))
    margin = special.stdtrit(24, 0.975) * error
    back = math.tanh if is_bounded else float
    figure = agreement_figure(tables, name, relevant_from=2)
    expected = (value, back(z(value) - margin), back(z(value) + margin))
    assert (figure.value, figure.low, figure.high) == pytest.approx(expected, rel=0, abs=1e-9)
    assert figure.half_width == pytest.approx((figure.high - figure.low) / 2)


def test_neither_the_order_of_queries_nor_their_codes_nor_empty_ones_matter():
    pairs = all_pairs()
    renamed = (pairs.query * 7919) % 10007
    plain = agreement_figures(query_tables(pairs.query, pairs.ai, pairs.people, grade_count=4), relevant_from=2)
    tables = query_tables(renamed, pairs.ai, pairs.people, grade_count=4)
    with_empty = np.concatenate([np.zeros((3, 4, 4)), tables])
    other = agreement_figures(with_empty, relevant_from=2)
    for name, figure in plain.items():
        for bound in BOUNDS:
            assert getattr(other[name], bound) == pytest.approx(getattr(figure, bound), rel=0, abs=1e-12)
        assert other[name].query_count == 135


def test_twice_the_same_queries_leave_the_value_and_narrow_the_interval():
    tables = tables_of(30, 8)
    once = agreement_figures(tables, relevant_from=2)
    twice = agreement_figures(np.concatenate([tables, tables]), relevant_from=2)
    for name in set(once) - {"alpha_ordinal"}:
        assert twice[name].value == pytest.approx(once[name].value, rel=0, abs=1e-12)
        assert twice[name].half_width < once[name].half_width


@pytest.mark.parametrize(
    ("query_count", "per_query", "code", "is_rough"),
    [
        (9, 20, "too_few_queries", False),
        (10, 4, "too_few_queries", False),
        (1, 500, "too_few_queries", False),
        (0, 0, "too_few_queries", False),
        (10, 5, None, True),
        (19, 5, None, True),
        (20, 5, None, False),
    ],
)
def test_too_few_queries_or_pairs_give_no_figure_but_the_counts(query_count, per_query, code, is_rough):
    tables = tables_of(query_count, per_query) if query_count else np.zeros((0, 4, 4))
    for figure in agreement_figures(tables, relevant_from=2).values():
        assert (figure.refused_code, figure.is_rough) == (code, is_rough)
        assert (figure.query_count, figure.grade_count) == (query_count, query_count * per_query)
        assert all((getattr(figure, bound) is None) == (code is not None) for bound in BOUNDS)


def test_one_grade_throughout_gives_no_figure():
    query = np.repeat(np.arange(20), 5)
    same = query_tables(query, np.full(100, 2), np.full(100, 2), grade_count=4)
    assert {figure.refused_code for figure in agreement_figures(same, relevant_from=2).values()} == {"no_variance"}


def test_a_judge_that_knows_one_grade_has_no_correlation_and_no_kappa():
    # Kappa is 0 whichever query is left out: an interval of no width would look sure.
    query = np.repeat(np.arange(20), 5)
    rng = np.random.default_rng(3)
    figures = agreement_figures(
        query_tables(query, np.full(100, 2), rng.integers(0, 4, 100), grade_count=4), relevant_from=2
    )
    for name in ("kappa_quadratic", "tau_b", "spearman", "relevant_kappa", "relevant_recall"):
        assert (figures[name].refused_code, figures[name].value) == ("no_variance", None), name
    assert figures["bias"].low < figures["bias"].value < figures["bias"].high


def test_full_agreement_gives_no_interval_that_looks_sure():
    query, grades = np.repeat(np.arange(20), 5), np.tile([0, 1, 2, 3, 0], 20)
    figures = agreement_figures(query_tables(query, grades, grades, grade_count=4), relevant_from=2)
    assert {figure.refused_code for figure in figures.values()} == {"no_variance"}


def test_tables_that_are_none_are_refused():
    with pytest.raises(ValueError):
        agreement_figures(np.zeros((4, 4)), relevant_from=2)
