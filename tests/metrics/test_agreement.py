from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judging.metrics.agreement import auc, exact_agreement, quadratic_kappa
from tests.metrics.metrics_data import people_grades

pairs_of_grades = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30)


def kappa_by_definition(pairs, maximum):
    """Weights times observed counts over weights times expected counts, cell by cell."""
    grades = range(maximum + 1)
    observed = expected = 0.0
    for i, j in product(grades, grades):
        weight = (i - j) ** 2 / maximum**2
        observed += weight * pairs.count((i, j))
        expected += weight * sum(a == i for a, _ in pairs) * sum(b == j for _, b in pairs) / len(pairs)
    return 1 - observed / expected if expected else None


def auc_by_definition(scores, relevant):
    """Every relevant score against every other one."""
    above = [s for s, r in zip(scores, relevant, strict=True) if r]
    below = [s for s, r in zip(scores, relevant, strict=True) if not r]
    wins = sum((a > b) + (a == b) / 2 for a, b in product(above, below))
    return wins / (len(above) * len(below)) if above and below else None


def test_kappa_has_its_landmarks():
    assert quadratic_kappa([(0, 0), (3, 3), (1, 1)], maximum=3) == 1.0
    assert quadratic_kappa([(0, 3), (3, 0)], maximum=3) == -1.0
    assert quadratic_kappa([(0, 0), (0, 1), (1, 0), (1, 1)], maximum=1) == 0.0


def test_kappa_has_a_known_value():
    # 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: the textbook example of Cohen's kappa, which two grades make the same.
    pairs = [(1, 1)] * 20 + [(1, 0)] * 5 + [(0, 1)] * 10 + [(0, 0)] * 15
    assert quadratic_kappa(pairs, maximum=1) == pytest.approx(0.4)
    # Squared distances sum to 5; chance expects (5 * 27 - 2 * 6 * 5) / 5 = 15.
    assert quadratic_kappa([(0, 0), (1, 2), (3, 3), (0, 0), (2, 0)], maximum=3) == pytest.approx(1 - 5 / 15)


@given(pairs_of_grades)
def test_kappa_is_what_its_definition_gives(pairs):
    expected = kappa_by_definition(pairs, 4)
    if expected is None:
        assert quadratic_kappa(pairs, maximum=4) is None
    else:
        assert quadratic_kappa(iter(pairs), maximum=4) == pytest.approx(expected, abs=1e-9)


def test_kappa_is_undefined_without_pairs_and_without_variation():
    assert quadratic_kappa([], maximum=4) is None
    assert quadratic_kappa([(2, 2), (2, 2)], maximum=4) is None


@pytest.mark.parametrize("pair", [(0, 4), (-1, 0)])
def test_kappa_refuses_a_grade_outside_the_scale(pair):
    with pytest.raises(ValueError, match="outside 0 to 3"):
        quadratic_kappa([(1, 1), pair], maximum=3)


@pytest.mark.parametrize(("one", "other"), [*combinations(("rater-1", "rater-2", "rater-3"), 2)])
def test_the_electronics_raters_agree_as_the_source_note_says(one, other):
    grades = [by_rater for by_rater in people_grades().values() if one in by_rater and other in by_rater]
    kappa = quadratic_kappa(((by_rater[one], by_rater[other]) for by_rater in grades), maximum=3)
    assert kappa is not None
    assert 0.74 <= round(kappa, 2) <= 0.80


def test_exact_agreement_is_the_share_of_equal_pairs():
    assert exact_agreement([(0, 0), (1, 2), (3, 3), (2, 0)]) == 0.5
    assert exact_agreement([]) is None


def test_auc_has_its_landmarks():
    assert auc([0.1, 0.2, 0.8, 0.9], [False, False, True, True]) == 1.0
    assert auc([0.1, 0.2, 0.8, 0.9], [True, True, False, False]) == 0.0
    assert auc([1, 1, 1, 1], [True, False, True, False]) == 0.5


def test_auc_has_a_known_value():
    # The example of scikit-learn's roc_auc_score.
    assert auc([0.1, 0.4, 0.35, 0.8], [False, False, True, True]) == 0.75


def test_auc_is_undefined_for_a_single_class():
    assert auc([], []) is None
    assert auc([0.5, 0.6], [True, True]) is None
    assert auc([0.5, 0.6], [False, False]) is None


def test_auc_refuses_lists_of_different_length():
    with pytest.raises(ValueError):
        auc([0.5], [])


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=30))
def test_auc_is_what_its_definition_gives(rows):
    scores, relevant = [score for score, _ in rows], [is_relevant for _, is_relevant in rows]
    assert auc(scores, relevant) == pytest.approx(auc_by_definition(scores, relevant), abs=1e-12)
