"""The queue: its order, its probabilities, and that any beginning of it is a sample."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judging.statistics.estimates.review_queue import (
    beginning,
    inclusion_probabilities,
    permanent_number,
    permanent_numbers,
    review_order,
    review_sizes,
)


def queue_of(pairs, sizes, seed="seed"):
    names = sorted({query for query, _ in pairs})
    code = np.array([names.index(query) for query, _ in pairs])
    eps = np.array([permanent_number(seed, name) for name in names])
    return review_order(code, permanent_numbers(seed, pairs), sizes, eps)


def test_a_permanent_number_is_the_same_for_ever():
    assert permanent_number(1, "q041", "94284") == permanent_number("1", "q041", "94284") == 0.0536712401812518
    numbers = permanent_numbers(7, [("q", str(n)) for n in range(4000)])
    assert 0 < numbers.min() < 0.002 < 0.998 < numbers.max() < 1
    assert abs(numbers.mean() - 0.5) < 0.02
    assert permanent_number(7, "q") == permanent_number(7, "q", "")


def test_the_queue_goes_round_the_queries():
    pairs = [(f"q{query}", f"d{document}") for query in range(12) for document in range(10)]
    order = queue_of(pairs, np.ones(120))
    for start in range(0, 120, 12):
        assert {int(index) // 10 for index in order[start : start + 12]} == set(range(12))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 8), st.integers(1, 12), st.integers(0, 99), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(query_count, per_query, seed, random):
    pairs = [(f"q{query}", f"d{document}") for query in range(query_count) for document in range(per_query)]
    sizes = np.array([1 + (int(pair[1][1:]) % 5) for pair in pairs], dtype=float)
    mixed = list(range(len(pairs)))
    random.shuffle(mixed)
    queue = [pairs[index] for index in queue_of(pairs, sizes, seed)]
    shuffled = [pairs[index] for index in mixed]
    assert [shuffled[index] for index in queue_of(shuffled, sizes[mixed], seed)] == queue


def test_candidates_that_are_added_change_no_order_among_the_others():
    pairs = [(f"q{query}", f"d{document}") for query in range(9) for document in range(10)]
    added = [(f"q{query}", f"e{document}") for query in range(3) for document in range(4)]
    before = [pairs[index] for index in queue_of(pairs, np.ones(90))]
    everything = pairs + added
    after = [everything[index] for index in queue_of(everything, np.ones(102))]
    for name in {query for query, _ in pairs}:
        assert [p for p in after if p[0] == name and p in pairs] == [p for p in before if p[0] == name]
    untouched = [pair for pair in before if pair[0] not in ("q0", "q1", "q2")]
    assert [pair for pair in after if pair[0] not in ("q0", "q1", "q2")] == untouched


def test_sizes_follow_the_weights_above_a_floor():
    assert review_sizes([1, -1, 0, 2]) == pytest.approx([1.0, 1.0, 0.1, 1.9])
    assert review_sizes([0.25, 0.25]).tolist() == [1, 1]
    assert review_sizes([0, 0]).tolist() == [1, 1]


@given(
    st.lists(st.floats(0.1, 50), min_size=1, max_size=60).flatmap(
        lambda sizes: st.tuples(st.just(sizes), st.integers(0, len(sizes)))
    )
)
def test_probabilities_are_in_proportion_up_to_one_and_sum_to_the_sample(case):
    sizes, count = case
    probabilities = inclusion_probabilities(sizes, count)
    assert probabilities.sum() == pytest.approx(count, abs=1e-9)
    assert probabilities.min() >= 0
    assert probabilities.max() <= 1
    open_ones = (probabilities > 0) & (probabilities < 1 - 1e-9)
    ratios = probabilities[open_ones] / np.array(sizes)[open_ones]
    assert ratios == pytest.approx(np.full(len(ratios), ratios[0] if len(ratios) else 0), rel=1e-9)


def test_the_queue_draws_about_as_it_claims():
    # 400 seeds: the share of seeds in which a candidate is among the first 30, against its probability, which is
    # approximate: the greatest sizes are drawn a little less often.
    pairs = [(f"q{query}", f"d{document}") for query in range(10) for document in range(10)]
    code = np.repeat(np.arange(10), 10)
    sizes = review_sizes(1 / np.log2(np.tile(np.arange(10), 10) + 2.0))
    drawn = np.zeros(100)
    for seed in range(400):
        eps = np.array([permanent_number(seed, f"q{query}") for query in range(10)])
        drawn[review_order(code, permanent_numbers(seed, pairs), sizes, eps)[:30]] += 1 / 400
    by_rank = drawn.reshape(10, 10).mean(0)
    assert by_rank == pytest.approx(inclusion_probabilities(sizes, 30).reshape(10, 10).mean(0), abs=0.08)


def test_a_beginning_ends_at_the_first_gap_and_passes_what_was_skipped():
    order = [3, 1, 0, 4, 2, 5]
    found = beginning(order, [True, False, True, True, False, True], [False, True, True, False, False, False])
    # 3 answered, 1 skipped, 0 answered, then 4 is missing; 2 (also skipped once) and 5 are ahead.
    assert found.is_sampled.tolist() == [True, False, False, True, False, False]
    assert (found.answered_count, found.skipped_count, found.ahead_count) == (2, 1, 2)
    assert found.skipped_share == 1 / 3


def test_a_whole_queue_and_an_empty_one_are_beginnings_too():
    whole = beginning([1, 0], [True, True], [False, False])
    assert (whole.answered_count, whole.ahead_count, whole.skipped_share) == (2, 0, 0)
    empty = beginning([], [], [])
    assert (empty.answered_count, empty.skipped_share) == (0, 0)


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError):
        inclusion_probabilities([1, 1], 3)
    with pytest.raises(ValueError):
        review_order([0], [0.5], [0.0], [0.5])
    assert review_order([], [], [], []).tolist() == []
