"""Each figure of agreement against the library that has it, to 1e-9."""

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from judging.statistics.agreement.coefficients import AGREEMENT_FIGURES, alpha_of_coincidences, coefficient, is_constant
from judging.statistics.agreement.people import PeopleGrades, coincidences_by_query
from judging.statistics.tables import mean_grade, query_tables, relevance_tables
from tests.lazily import Lazily
from tests.statistics.electronics import all_pairs

krippendorff, inter_rater = Lazily("krippendorff"), Lazily("statsmodels.stats.inter_rater")
sk, stats = Lazily("sklearn.metrics"), Lazily("scipy.stats")

EXACT: dict[str, Any] = {"rel": 0, "abs": 1e-9}
NAMES = [figure.name for figure in AGREEMENT_FIGURES]


def ours(name, a, b, *, grade_count, relevant_from=2):
    table = query_tables(np.zeros(len(a), dtype=int), a, b, grade_count=grade_count)[0]
    return float(coefficient(name, relevant_from=relevant_from)(table))


def oracles(a, b, *, grade_count, relevant_from=2):
    labels = list(range(grade_count))
    relevant_a, relevant_b = a >= relevant_from, b >= relevant_from
    found = {
        "exact": sk.accuracy_score(b, a),
        "mean_absolute_error": sk.mean_absolute_error(b, a),
        "bias": float(np.mean(a - b)),
        "within_one": float(np.mean(np.abs(a - b) <= 1)),
        "relevant_precision": sk.precision_score(relevant_b, relevant_a, zero_division=0),
        "relevant_recall": sk.recall_score(relevant_b, relevant_a, zero_division=0),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found["kappa_quadratic"] = sk.cohen_kappa_score(a, b, labels=labels, weights="quadratic")
        found["relevant_kappa"] = sk.cohen_kappa_score(relevant_a, relevant_b, labels=[False, True])
        if len(set(a)) > 1 and len(set(b)) > 1:
            found["tau_b"] = stats.kendalltau(a, b).statistic
            found["spearman"] = stats.spearmanr(a, b).statistic
        if len(set(a) | set(b)) > 1:
            domain = np.arange(grade_count)
            found["alpha_ordinal"] = krippendorff.alpha(
                np.array([a, b]), value_domain=domain, level_of_measurement="ordinal"
            )
    return {name: value for name, value in found.items() if not np.isnan(value)}


@pytest.mark.seldom
def test_every_figure_of_the_electronics_collection():
    pairs = all_pairs()
    expected = oracles(pairs.ai, pairs.people, grade_count=4)
    # irrCAC's gwet() with quadratic weights, of which the tests need nothing else.
    expected["ac2_quadratic"] = 0.6538595536526486
    assert expected.keys() == set(NAMES)
    for name, value in expected.items():
        assert ours(name, pairs.ai, pairs.people, grade_count=4) == pytest.approx(value, **EXACT), name


@st.composite
def graded_pairs(draw):
    grade_count = draw(st.integers(2, 10))
    grades = st.integers(0, grade_count - 1)
    pairs = draw(st.lists(st.tuples(grades, grades), min_size=2, max_size=60))
    a, b = (np.array(side) for side in zip(*pairs, strict=True))
    return a, b, grade_count, draw(st.integers(1, grade_count - 1))


@settings(max_examples=40, deadline=None)
@given(graded_pairs())
def test_every_figure_of_any_pairs(case):
    a, b, grade_count, relevant_from = case
    for name, value in oracles(a, b, grade_count=grade_count, relevant_from=relevant_from).items():
        mine = ours(name, a, b, grade_count=grade_count, relevant_from=relevant_from)
        assert mine == pytest.approx(value, **EXACT), name


@settings(max_examples=40, deadline=None)
@given(graded_pairs())
def test_kappa_is_that_of_statsmodels(case):
    a, b, grade_count, _ = case
    assume(len(set(a) | set(b)) > 1)
    table = query_tables(np.zeros(len(a), dtype=int), a, b, grade_count=grade_count)[0]
    mine = ours("kappa_quadratic", a, b, grade_count=grade_count)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about its variance, where all agree
        assert mine == pytest.approx(inter_rater.cohens_kappa(table, wt="quadratic").kappa, **EXACT)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.none() | st.integers(0, 3), min_size=4, max_size=4), min_size=2, max_size=25))
def test_alpha_of_any_number_of_people_is_krippendorffs(rows):
    values = [grade for row in rows for grade in row if sum(g is not None for g in row) > 1 and grade is not None]
    assume(len(set(values)) > 1)
    entries = [(p, c, g) for c, row in enumerate(rows) for p, g in enumerate(row) if g is not None]
    people, candidates, grades = (np.array(column) for column in zip(*entries, strict=True))
    found = coincidences_by_query(PeopleGrades.read(people, candidates, candidates % 3, grades, grade_count=4))
    data = np.array([[np.nan if g is None else g for g in row] for row in rows], dtype=float).T
    expected = krippendorff.alpha(data, value_domain=[0, 1, 2, 3], level_of_measurement="ordinal")
    assert float(alpha_of_coincidences(found.sum(0))) == pytest.approx(expected, **EXACT)


@settings(max_examples=30, deadline=None)
@given(graded_pairs(), st.randoms(use_true_random=False))
def test_no_figure_depends_on_the_order_of_pairs(case, random):
    a, b, grade_count, relevant_from = case
    order = list(range(len(a)))
    random.shuffle(order)
    for name in NAMES:
        given_ = {"grade_count": grade_count, "relevant_from": relevant_from}
        assert ours(name, a, b, **given_) == ours(name, a[order], b[order], **given_)


@settings(max_examples=50, deadline=None)
@given(graded_pairs())
def test_turning_the_scale_round_leaves_what_has_no_direction(case):
    a, b, grade_count, _ = case
    for name in ("kappa_quadratic", "ac2_quadratic", "alpha_ordinal", "tau_b", "spearman", "exact", "within_one"):
        turned = ours(name, grade_count - 1 - a, grade_count - 1 - b, grade_count=grade_count)
        assert turned == pytest.approx(ours(name, a, b, grade_count=grade_count), **EXACT), name
    assert ours("bias", grade_count - 1 - a, grade_count - 1 - b, grade_count=grade_count) == pytest.approx(
        -ours("bias", a, b, grade_count=grade_count), **EXACT
    )


@settings(max_examples=50, deadline=None)
@given(graded_pairs())
def test_changing_sides_leaves_agreement_and_turns_bias(case):
    a, b, grade_count, relevant_from = case
    given_ = {"grade_count": grade_count, "relevant_from": relevant_from}
    for name in ("kappa_quadratic", "ac2_quadratic", "alpha_ordinal", "tau_b", "spearman", "relevant_kappa"):
        assert ours(name, a, b, **given_) == pytest.approx(ours(name, b, a, **given_), **EXACT), name
    assert ours("bias", a, b, **given_) == pytest.approx(-ours("bias", b, a, **given_), **EXACT)
    assert ours("relevant_precision", a, b, **given_) == ours("relevant_recall", b, a, **given_)


@settings(max_examples=50, deadline=None)
@given(graded_pairs(), st.integers(2, 5))
def test_weighing_every_pair_alike_changes_only_alpha(case, weight):
    a, b, grade_count, relevant_from = case
    tables = query_tables(np.zeros(len(a), dtype=int), a, b, grade_count=grade_count)
    weighted = query_tables(np.zeros(len(a), dtype=int), a, b, grade_count=grade_count, weights=[weight] * len(a))
    assert np.array_equal(weighted, weight * tables)
    for name in NAMES:
        if name != "alpha_ordinal":  # its expectation leaves out each value's pair with itself
            figure = coefficient(name, relevant_from=relevant_from)
            assert figure(weighted[0]) == pytest.approx(figure(tables[0]), **EXACT), name


def test_a_correlation_does_not_see_a_judge_who_is_a_grade_too_generous():
    people = np.array([0, 0, 1, 1, 2, 2])
    assert ours("tau_b", people + 1, people, grade_count=4) == pytest.approx(1)
    assert ours("bias", people + 1, people, grade_count=4) == 1
    assert ours("exact", people + 1, people, grade_count=4) == 0


def test_undefined_ratios_are_zero_and_constant_tables_are_told():
    only_zeros = query_tables([0, 0], [0, 0], [0, 0], grade_count=3)[0]
    assert is_constant(only_zeros)
    assert not is_constant(query_tables([0, 0], [0, 0], [1, 1], grade_count=3)[0])
    for name in ("kappa_quadratic", "alpha_ordinal", "tau_b", "spearman", "relevant_precision", "relevant_kappa"):
        assert float(coefficient(name, relevant_from=1)(only_zeros)) == 0.0, name
        assert float(coefficient(name, relevant_from=1)(np.zeros((3, 3)))) == 0.0, name


def test_tables_fold_at_the_threshold():
    table = query_tables([5, 5, 5, 9], [0, 1, 2, 2], [0, 2, 1, 2], grade_count=3)
    assert table.shape == (2, 3, 3)
    assert relevance_tables(table, 2).tolist() == [[[1, 1], [1, 0]], [[0, 0], [0, 1]]]


def test_means_are_rounded_half_up():
    assert mean_grade([3, 5, 4, 0], [2, 2, 3, 1]).tolist() == [2, 3, 1, 0]


@pytest.mark.parametrize(
    ("query", "a", "b"), [([0], [3], [0]), ([0], [0], [-1]), ([0, 1], [0], [0]), ([0.5], [0], [0])]
)
def test_pairs_that_are_none_are_refused(query, a, b):
    with pytest.raises(ValueError):
        query_tables(query, a, b, grade_count=3)


def test_a_threshold_that_splits_nothing_is_refused():
    for relevant_from in (0, 3):
        with pytest.raises(ValueError):
            relevance_tables(np.zeros((3, 3)), relevant_from)
