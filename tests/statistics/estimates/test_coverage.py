"""Coverage simulated with fixed seeds; scripts/coverage_tables.py prints the whole tables."""

import os

import numpy as np
import pytest

from tests.statistics.simulation import JUDGES, METRICS, SHARES, cell, null_comparison

REPETITIONS = int(os.environ.get("RELEVAL_COVERAGE_REPETITIONS", "100"))

pytestmark = pytest.mark.slow(seconds=4)


def test_intervals_hold_what_they_say_at_every_share_of_the_grades():
    cells = [cell(metric, judge, share, REPETITIONS) for metric in METRICS for judge in JUDGES for share in SHARES]
    coverages = [coverage for c in cells for coverage in (c.judge_coverage, c.total_coverage)]
    assert 0.92 <= np.mean(coverages) <= 0.97, cells
    assert min(coverages) >= 0.88, cells
    assert all(c.refused == 0 for c in cells)


def test_two_runs_alike_are_told_apart_in_at_most_seven_of_a_hundred_however_often_one_looks():
    shares = null_comparison(REPETITIONS)
    assert shares.anytime_total <= 0.07
    assert shares.anytime <= 0.07
    # Looking at an ordinary interval until it says something goes wrong much more often.
    assert shares.ordinary > 0.12
