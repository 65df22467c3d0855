"""People against each other, and the alternative annotator test against least squares with clustered errors."""

from typing import Any

import numpy as np
import pytest

from judging.statistics.agreement.people import (
    PeopleGrades,
    alt_test,
    benjamini_yekutieli,
    ceiling,
    each_person,
    people_alpha,
)
from judging.statistics.clustered import clustered_mean
from tests.lazily import Lazily
from tests.statistics.electronics import all_pairs

sm, multitest = Lazily("statsmodels.api"), Lazily("statsmodels.stats.multitest")
sk, stats = Lazily("sklearn.metrics"), Lazily("scipy.stats")

EXACT: dict[str, Any] = {"rel": 0, "abs": 1e-9}


def electronics(ai=None):
    pairs = all_pairs()
    of = np.repeat(np.arange(3188), 3)
    ai = pairs.ai if ai is None else ai
    return PeopleGrades.read(
        np.tile(np.arange(3), 3188), of, pairs.query[of], pairs.raters.ravel(), grade_count=4, ai=ai[of]
    )


def rounded_others(person):
    others = np.delete(all_pairs().raters, person, axis=1)
    return (others.sum(1) + 1) // 2


def test_the_ceiling_is_the_mean_of_kappas_with_the_others():
    found = ceiling(electronics())
    pairs = all_pairs()
    ai = [sk.cohen_kappa_score(pairs.ai, rounded_others(j), weights="quadratic") for j in range(3)]
    person = [sk.cohen_kappa_score(pairs.raters[:, j], rounded_others(j), weights="quadratic") for j in range(3)]
    assert found.ai == pytest.approx(np.mean(ai), **EXACT)
    assert found.person == pytest.approx(np.mean(person), **EXACT)
    assert found.difference.value == pytest.approx(np.mean(ai) - np.mean(person), **EXACT)
    assert (found.difference.query_count, found.difference.grade_count) == (135, 3188)


@pytest.mark.parametrize(("noise", "verdict"), [(0.0, "better"), (1.0, "as_good"), (1.6, "below")])
def test_the_verdict_follows_from_the_interval_of_the_difference(noise, verdict):
    pairs = all_pairs()
    rng = np.random.default_rng(4)
    ai = np.clip(np.round(pairs.raters.mean(1) + rng.normal(0, noise, 3188)), 0, 3).astype(int)
    assert ceiling(electronics(ai)).verdict == verdict


def test_without_enough_shared_candidates_there_is_no_ceiling():
    given = electronics()
    one_person = given.where(given.people == 0)
    few = given.where(given.queries < 9)
    no_ai = electronics(np.full(3188, -1))
    for refused in (ceiling(one_person), ceiling(few), ceiling(no_ai)):
        assert (refused.ai, refused.person, refused.ratio, refused.verdict) == (None, None, None, None)
        assert (refused.difference.refused_code, refused.difference.value) == ("too_few_queries", None)
    assert people_alpha(one_person).refused_code == "too_few_queries"
    assert each_person(one_person) == []


def test_alpha_of_the_three_people_has_an_interval():
    figure = people_alpha(electronics())
    assert figure.low < figure.value < figure.high
    assert (figure.query_count, figure.grade_count) == (135, 9564)


def test_each_person_beside_the_others():
    pairs = all_pairs()
    for row in each_person(electronics()):
        others = np.delete(pairs.raters, row.person, axis=1).mean(1)
        own = pairs.raters[:, row.person]
        assert row.candidate_count == 3188
        assert row.bias == pytest.approx(float((own - others).mean()), **EXACT)
        expected = sk.cohen_kappa_score(own, rounded_others(row.person), weights="quadratic")
        assert row.kappa.value == pytest.approx(expected, **EXACT)
        assert row.kappa.low < expected < row.kappa.high


def test_names_of_people_and_order_of_grades_do_not_matter():
    given = electronics()
    order = np.random.default_rng(8).permutation(len(given.grades))
    shuffled = PeopleGrades.read(
        50 - 7 * given.people[order],
        given.candidates[order],
        9000 - given.queries[order],
        given.grades[order],
        grade_count=4,
        ai=given.ai[order],
    )
    one, other = ceiling(given), ceiling(shuffled)
    assert (one.ai, one.person) == pytest.approx((other.ai, other.person), **EXACT)
    assert one.difference.low == pytest.approx(other.difference.low, **EXACT)
    assert people_alpha(given).high == pytest.approx(people_alpha(shuffled).high, **EXACT)


@pytest.mark.seldom
def test_a_clustered_mean_is_least_squares_with_clustered_errors():
    rng = np.random.default_rng(1)
    cluster = rng.integers(0, 25, 300)
    values = rng.normal(0, 1, 300) + rng.normal(0, 1, 25)[cluster]
    fitted = sm.OLS(values, np.ones(300)).fit(cov_type="cluster", cov_kwds={"groups": cluster}, use_t=True)
    found = clustered_mean(np.bincount(cluster, values, 30), np.bincount(cluster, minlength=30))
    assert (found.mean, found.standard_error) == pytest.approx((fitted.params[0], fitted.bse[0]), **EXACT)
    assert found.interval == pytest.approx(tuple(fitted.conf_int()[0]), **EXACT)
    assert (found.df, found.value_count) == (24, 300)
    assert found.p_below(0.5) == pytest.approx(stats.t.cdf((found.mean - 0.5) / found.standard_error, 24), **EXACT)


def test_a_clustered_mean_needs_two_clusters_and_a_p_value_some_spread():
    assert clustered_mean([3], [5]) is None
    assert clustered_mean([], []) is None
    assert clustered_mean([1, 2], [1, 2]).p_below(0.5) is None


def test_the_alternative_annotator_test_of_the_electronics_people():
    pairs = all_pairs()
    found = alt_test(electronics(), allowance=0.1)
    for person in range(3):
        others = np.delete(pairs.raters, person, axis=1)

        def near(grade, others=others):
            return ((others - grade[:, None]) ** 2).mean(1)

        own, ai = near(pairs.raters[:, person]), near(pairs.ai)
        advantage = (own <= ai).astype(float) - (ai <= own)
        fitted = sm.OLS(advantage, np.ones(3188)).fit(cov_type="cluster", cov_kwds={"groups": pairs.query}, use_t=True)
        expected = stats.t.cdf((fitted.params[0] - 0.1) / fitted.bse[0], 134)
        assert found.p_values[person] == pytest.approx(expected, **EXACT)
    assert not found.is_passed


def test_a_judge_between_the_people_may_stand_in_for_them_and_few_people_are_no_test():
    pairs = all_pairs()
    found = alt_test(electronics(pairs.people))
    assert (found.is_passed, found.beaten_share) == (True, 1.0)
    assert found.mean_advantage > 0.9
    given = electronics()
    assert alt_test(given.where(given.people < 2)) is None
    assert alt_test(given.where(given.candidates < 29)) is None


@pytest.mark.parametrize("seed", range(5))
def test_benjamini_yekutieli_is_that_of_statsmodels(seed):
    p_values = list(np.random.default_rng(seed).beta(0.3, 4, 12))
    expected = multitest.multipletests(p_values, alpha=0.05, method="fdr_by")[0]
    assert benjamini_yekutieli(p_values, level=0.05) == list(expected)
    assert benjamini_yekutieli([], level=0.05) == []
    assert benjamini_yekutieli([0.9, 1.0], level=0.05) == [False, False]


def test_columns_that_do_not_fit_are_refused():
    with pytest.raises(ValueError):
        PeopleGrades.read([0], [0, 1], [0], [0], grade_count=3)
    with pytest.raises(ValueError):
        PeopleGrades.read([0], [0], [0], [3], grade_count=3)
