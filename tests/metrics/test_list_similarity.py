"""Ranked lists against each other, beside the paper's formula written out depth by depth."""

import random
from collections.abc import Sequence

import pytest

from judging.metrics.list_similarity import compare_lists


def overlap_of(a: Sequence[str], b: Sequence[str], p: float = 0.9) -> float:
    return compare_lists(a, b, k=1, p=p).rbo


def by_the_paper(a: list[str], b: list[str], p: float) -> float:
    """Write eq. 32 of Webber, Moffat and Zobel 2010 as it stands there."""
    short, long = sorted((a, b), key=len)
    s, length = len(short), len(long)

    def overlap(depth: int) -> int:
        return len(set(short[:depth]) & set(long[:depth]))

    first = sum(overlap(d) / d * p**d for d in range(1, length + 1))
    second = sum(overlap(s) * (d - s) / (s * d) * p**d for d in range(s + 1, length + 1))
    tail = (overlap(length) - overlap(s)) / length + overlap(s) / s
    return (1 - p) / p * (first + second) + tail * p**length


@pytest.mark.parametrize("p", [0.5, 0.9, 0.98])
def test_overlap_equals_the_paper_s_formula_for_lists_of_any_length(p: float) -> None:
    draw = random.Random(7)
    documents = [f"d{number}" for number in range(60)]
    for _ in range(300):
        a, b = (draw.sample(documents, draw.randint(1, 40)) for _ in range(2))
        assert overlap_of(a, b, p) == pytest.approx(by_the_paper(a, b, p), abs=1e-9)


def test_overlap_does_not_depend_on_which_list_comes_first() -> None:
    assert overlap_of("abcdef", "cbxa") == pytest.approx(overlap_of("cbxa", "abcdef"), abs=1e-12)


def test_the_same_list_overlaps_wholly_and_another_one_not_at_all() -> None:
    assert overlap_of("abcde", "abcde") == pytest.approx(1, abs=1e-12)
    assert overlap_of("abc", "xyz") == 0


def test_two_empty_lists_are_the_same_and_one_has_nothing_in_common() -> None:
    both, one = compare_lists("", "", k=10), compare_lists("", "abc", k=10)
    assert (both.rbo, both.jaccard) == (1, 1)
    assert (one.rbo, one.jaccard, one.entered, one.left) == (0, 0, 3, 0)


def test_documents_are_counted_among_the_first_k_only() -> None:
    found = compare_lists("abcdef", "bafxc", k=3)
    # a and b changed places, c fell out of the first three, f came in.
    assert (found.entered, found.left, found.moved) == (1, 1, 2)
    assert found.jaccard == 2 / 4
