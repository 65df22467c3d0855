"""How well two sets of grades agree: a judge with people, or people with each other."""

from collections.abc import Iterable, Sequence


def quadratic_kappa(pairs: Iterable[tuple[int, int]], *, maximum: int) -> float | None:
    """Compute Cohen's kappa with quadratic weights over pairs of grades of the same candidate.

    1 is full agreement, 0 what chance alone would give, below 0 is worse than chance. Cohen 1968
    (doi.org/10.1037/h0026256): 1 - sum(w * observed) / sum(w * expected) with w = (a - b)^2 / maximum^2; the
    expectation pairs the two marginal distributions at random, so it is mean(a^2) + mean(b^2) - 2 mean(a) mean(b).

    None without pairs, or when both sides gave one and the same grade throughout, where chance explains everything.
    Raises `ValueError` for a grade outside 0 to `maximum`.
    """
    count = sum_a = sum_b = squares = squared_difference = 0
    for a, b in pairs:
        if not (0 <= a <= maximum and 0 <= b <= maximum):
            raise ValueError(f"grades ({a}, {b}) outside 0 to {maximum}")
        count += 1
        sum_a += a
        sum_b += b
        squares += a * a + b * b
        squared_difference += (a - b) ** 2
    # All in integers, both sides times count^2 (the maximum cancels out): nothing is rounded before the division.
    expected = count * squares - 2 * sum_a * sum_b
    return 1 - count * squared_difference / expected if expected else None


def exact_agreement(pairs: Iterable[tuple[int, int]]) -> float | None:
    """Give the share of pairs with twice the same grade, 0 to 1; None without pairs."""
    count = same = 0
    for a, b in pairs:
        count += 1
        same += a == b
    return same / count if count else None


def auc(scores: Sequence[float], relevant: Sequence[bool]) -> float | None:
    """Compute the area under the ROC curve: how often a relevant one scores above one that is not, ties counting half.

    By ranks, tied scores sharing their mean rank: (R - n(n + 1) / 2) / (n m), where n are relevant, m are not, and R
    is the sum of the ranks of the relevant (Mann and Whitney 1947, doi.org/10.1214/aoms/1177730491). 0.5 is chance.
    None when all or none are relevant. Raises `ValueError` when the two differ in length.
    """
    positives = 0
    doubled_rank_sum = 0  # twice, so that the mean rank of a tie stays an integer
    ordered = sorted(zip(scores, relevant, strict=True), key=lambda pair: pair[0])
    start = 0
    while start < len(ordered):
        end = start
        positives_in_tie = 0
        while end < len(ordered) and ordered[end][0] == ordered[start][0]:
            positives_in_tie += bool(ordered[end][1])
            end += 1
        doubled_rank_sum += positives_in_tie * (start + 1 + end)
        positives += positives_in_tie
        start = end
    negatives = len(ordered) - positives
    if not positives or not negatives:
        return None
    return (doubled_rank_sum - positives * (positives + 1)) / (2 * positives * negatives)
