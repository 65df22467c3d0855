"""Two versions of a judge, and the tests that independent flips would allow."""

import numpy as np
import pytest

from judging.statistics.flips import count_flips, equal_distribution, signed_change
from judging.statistics.tables import query_tables
from tests.lazily import Lazily

stats = Lazily("scipy.stats")


def flips(query_count=60, per_query=10, seed=1, up=0.1, down=0.1, by_query=0.0, grade_count=4):
    rng = np.random.default_rng(seed)
    query = np.repeat(np.arange(query_count), per_query)
    old = rng.integers(0, grade_count, len(query))
    drift = rng.normal(0, by_query, query_count)[query]
    move = (rng.random(len(query)) < np.clip(up + drift, 0, 1)).astype(int)
    move -= rng.random(len(query)) < np.clip(down - drift, 0, 1)
    return query_tables(query, old, np.clip(old + move, 0, grade_count - 1), grade_count=grade_count)


def test_changes_are_counted_by_direction():
    found = count_flips(query_tables([0, 0, 1, 1], [0, 2, 1, 3], [1, 0, 1, 2], grade_count=4))
    assert (found.compared_count, found.changed_count, found.up_count, found.down_count) == (4, 3, 1, 2)
    assert found.matrix[2, 0] == 1


def test_the_signed_change_is_new_minus_old():
    assert signed_change(query_tables([0, 0, 1, 1], [0, 2, 1, 3], [1, 3, 1, 3], grade_count=4)).mean == 0.5


def test_equal_distribution_is_hotellings_test_by_query():
    tables = flips(up=0.25)
    found = equal_distribution(tables)
    differences = (tables.sum(2) - tables.sum(1))[:, :3]
    mean, spread = differences.mean(0), np.cov(differences.T)
    t_squared = 60 * mean @ np.linalg.inv(spread) @ mean
    f = t_squared * 57 / (3 * 59)
    assert (found.t_squared, found.f) == pytest.approx((t_squared, f), rel=1e-9)
    assert found.p_value == pytest.approx(stats.f.sf(f, 3, 57), rel=1e-9)
    assert (found.k, found.query_count) == (3, 60)


def test_with_two_grades_it_is_the_t_test_of_the_change_by_query():
    tables = flips(grade_count=2, up=0.2)
    change = (tables.sum(1) - tables.sum(2))[:, 1]
    assert equal_distribution(tables).p_value == pytest.approx(stats.ttest_1samp(change, 0).pvalue, rel=1e-9)


def test_which_grade_is_left_out_and_which_are_never_used_does_not_matter():
    tables = flips(up=0.2)
    turned = tables[:, ::-1, ::-1]
    wider = np.zeros((60, 6, 6))
    wider[:, :4, :4] = tables
    expected = equal_distribution(tables).p_value
    assert equal_distribution(turned).p_value == pytest.approx(expected, rel=1e-9)
    assert equal_distribution(wider).p_value == pytest.approx(expected, rel=1e-9)
    assert equal_distribution(np.concatenate([tables, np.zeros((5, 4, 4))])).query_count == 60


def test_what_cannot_be_told_is_none():
    query = np.repeat(np.arange(20), 3)
    same = query_tables(query, np.tile([0, 1, 2], 20), np.tile([0, 1, 2], 20), grade_count=3)
    assert equal_distribution(same) is None
    assert equal_distribution(flips(4)) is None
    assert equal_distribution(np.zeros((0, 3, 3))) is None
    assert signed_change(flips(1)) is None


@pytest.mark.slow(seconds=1)
def test_flips_that_come_by_query_cry_wolf_one_time_in_twenty():
    # No change on average, and a will of its own in each query: 600 pairs of versions.
    p_values, changes = [], []
    for seed in range(600):
        tables = flips(40, 8, seed, by_query=0.15, grade_count=4)
        # Symmetric by turning every other query's flips round.
        tables[::2] = np.swapaxes(tables[::2], 1, 2)
        p_values.append(equal_distribution(tables).p_value)
        low, high = signed_change(tables).interval
        changes.append(low > 0 or high < 0)
    assert 0.025 <= np.mean(np.array(p_values) < 0.05) <= 0.085
    assert 0.025 <= np.mean(changes) <= 0.085
