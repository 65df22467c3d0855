"""The drift watch, simulated: a golden set of 40 queries with five pairs each."""

import numpy as np
import pytest

from judging.statistics.drift import DriftCheck, check_drift, drift_baseline

QUERY = np.repeat(np.arange(40), 5)


def judge(rng, truth, noise=0.05, shift=0.0):
    """Grades with flips of one up or down, and a share of `shift` raised."""
    flips = (rng.random(200) < noise) * rng.choice([-1, 1], 200)
    return np.clip(truth + flips + (rng.random(200) < shift), 0, 9)


def watched(seed, shift, checks):
    rng = np.random.default_rng(seed)
    truth = rng.integers(1, 9, 200)
    baseline = drift_baseline([judge(rng, truth) for _ in range(4)], QUERY)
    found: list[DriftCheck] = []
    for _ in range(checks):
        found.append(check_drift(baseline, judge(rng, truth, shift=shift), found[-1] if found else None))
    return found


def test_a_shift_of_five_hundredths_is_flagged_within_three_checks_and_nothing_else_often():
    shifted = [any(check.state != "quiet" for check in watched(seed, 0.05, 3)) for seed in range(100)]
    assert np.mean(shifted) > 0.5  # the median delay is two to three checks
    assert (
        np.median(
            [
                next((i for i, c in enumerate(watched(seed, 0.05, 20), 1) if c.state != "quiet"), 99)
                for seed in range(60)
            ]
        )
        <= 3
    )
    alarms = [check.state == "alarm" for seed in range(20) for check in watched(seed, 0.0, 25)]
    assert np.mean(alarms) < 0.02


def test_a_shift_of_a_tenth_is_an_alarm_at_once():
    assert np.mean([watched(seed, 0.12, 1)[0].state == "alarm" for seed in range(40)]) > 0.5


def test_a_deterministic_judge_alarms_at_its_first_flip():
    grades = np.random.default_rng(1).integers(0, 4, 200)
    baseline = drift_baseline([grades] * 4, QUERY)
    assert baseline.sigma == 0
    quiet = check_drift(baseline, grades)
    assert (quiet.state, quiet.z, quiet.shift, quiet.flip_count) == ("quiet", None, 0, 0)
    # Up and down at once: the mean does not move, the judge has.
    flipped = grades.copy()
    flipped[np.flatnonzero(grades < 3)[0]] += 1
    flipped[np.flatnonzero(grades > 0)[-1]] -= 1
    found = check_drift(baseline, flipped)
    assert (found.state, found.flip_count, found.shift) == ("alarm", 2, 0)


def test_sigma_is_that_of_a_check_against_the_mean_of_the_first():
    rng = np.random.default_rng(5)
    truth = rng.integers(1, 9, 200)
    sigmas = [drift_baseline([judge(rng, truth) for _ in range(4)], QUERY).sigma for _ in range(200)]
    # A flip of one with probability 0.05: a mean over 200 pairs, and a mean of four of those beside it.
    assert np.mean(np.square(sigmas)) == pytest.approx(0.05 / 200 * (1 + 1 / 4), rel=0.05)


def test_sums_go_on_from_check_to_check():
    rng = np.random.default_rng(2)
    truth = rng.integers(1, 9, 200)
    baseline = drift_baseline([judge(rng, truth) for _ in range(4)], QUERY)
    first = check_drift(baseline, truth)
    second = check_drift(baseline, truth, first)
    assert second.cusum_up == pytest.approx(max(0, first.cusum_up + second.z - 0.5))
    assert second.cusum_down == pytest.approx(max(0, first.cusum_down - second.z - 0.5))


def test_what_is_no_golden_set_is_refused():
    with pytest.raises(ValueError):
        drift_baseline([[1, 2]], [0, 1])
    with pytest.raises(ValueError):
        drift_baseline([[1, 2], [1, 2]], [0, 0])
    with pytest.raises(ValueError):
        check_drift(drift_baseline([[1, 2], [1, 2]], [0, 1]), [1])
