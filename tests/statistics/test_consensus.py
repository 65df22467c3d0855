"""Several judges' grades as one: the lower median, the majority, and where too few of them graded."""

from statistics import median_low

import numpy as np
import pytest

from judging.statistics.agreement.consensus import consensus_grades

NONE = -1


@pytest.mark.parametrize(
    ("grades", "median", "majority"),
    [
        ([0, 3, 1], 1, 0),
        ([0, 3], 0, 0),
        ([4, 2], 2, 2),
        ([1, 2, 3, 3], 2, 3),
        ([3, 3, 1, 1], 1, 1),
        ([0, 4, 4], 4, 4),
        ([2, NONE, 4], 2, 2),
        ([2, NONE, NONE], NONE, NONE),
        ([2, NONE], NONE, NONE),
        ([1, 3, NONE, NONE], NONE, NONE),
        ([1, 3, 3, NONE], 3, 3),
        ([NONE, NONE], NONE, NONE),
    ],
)
def test_odd_even_tied_and_missing_grades(grades: list[int], median: int, majority: int) -> None:
    column = np.array(grades)[:, None]
    assert consensus_grades(column).tolist() == [median]
    assert consensus_grades(column, method="majority").tolist() == [majority]


def test_it_is_the_lower_median_and_the_lowest_mode_of_those_that_graded() -> None:
    random = np.random.default_rng(7)
    for judges in (2, 3, 4, 5):
        given = random.integers(-1, 5, (judges, 200))
        columns = [[int(grade) for grade in column if grade != NONE] for column in given.T]
        enough = [2 * len(column) > judges for column in columns]
        medians = [median_low(c) if ok else NONE for c, ok in zip(columns, enough, strict=True)]
        modes = [
            min(set(c), key=lambda g: (-c.count(g), g)) if ok else NONE for c, ok in zip(columns, enough, strict=True)
        ]
        assert consensus_grades(given).tolist() == medians
        assert consensus_grades(given, method="majority").tolist() == modes


def test_the_order_of_the_judges_does_not_matter() -> None:
    given = np.random.default_rng(8).integers(-1, 4, (4, 100))
    turned = given[[2, 0, 3, 1]]
    assert (consensus_grades(given) == consensus_grades(turned)).all()
    assert (consensus_grades(given, method="majority") == consensus_grades(turned, method="majority")).all()


def test_nothing_to_grade_is_an_empty_consensus() -> None:
    assert consensus_grades(np.zeros((2, 0), dtype=int)).tolist() == []
    assert consensus_grades(np.zeros((2, 0), dtype=int), method="majority").tolist() == []
