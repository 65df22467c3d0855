"""The order in which people review a check sample, such that any beginning of it is a valid sample.

Order sampling with permanent and collocated random numbers, known from official statistics (Ohlsson 1995; Ernst,
Valliant and Casady 2000). No generator, no state: the same seed, query and document give the same place for ever, so
samples of two runs overlap and a candidate that is added moves nothing but what comes after it.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from judging.statistics.tables import Flags, Floats, Integers, integers, sums_by

FLOOR = 0.1  # of a size: what hardly counts is still looked at, so that every estimate stays unbiased


def permanent_number(seed: int | str, query: str, document: str = "") -> float:
    """Give the number between 0 and 1 that a (query, document) has for ever; without a document, that of the query.

    The first 8 bytes of SHA-256 of "seed|query|document", plus one half, over 2^64. Method, "Queue".
    """
    digest = hashlib.sha256(f"{seed}|{query}|{document}".encode()).digest()
    # Exact until the division; the few numbers that would round to 1 are the greatest below it.
    return min((int.from_bytes(digest[:8], "big") + 0.5) / 2**64, 1 - 2**-53)


def permanent_numbers(seed: int | str, pairs: Iterable[tuple[str, str]]) -> Floats:
    """Give the permanent numbers of (query, document) pairs, in their order."""
    return np.array([permanent_number(seed, query, document) for query, document in pairs], dtype=np.float64)


def review_sizes(weights: ArrayLike) -> Floats:
    """Give each candidate's size for a metric or a difference: 0.1 + 0.9 |W| / mean |W|. Method, "Queue"."""
    magnitude = np.abs(np.asarray(weights, dtype=np.float64))
    mean = magnitude.mean() if magnitude.size else 0.0
    return FLOOR + (1 - FLOOR) * magnitude / mean if mean else np.ones(magnitude.shape)


def review_order(query: ArrayLike, numbers: ArrayLike, sizes: ArrayLike, query_numbers: ArrayLike) -> Integers:
    """Put candidates into the order of review: their indexes, first to last.

    `query` holds each candidate's code 0 to Q - 1, `numbers` its permanent number, `sizes` its size (> 0);
    `query_numbers`, shape (Q,), the permanent numbers of the queries. Within a query by -ln(1 - u) / size; the j-th
    of query q is due at (j + eps_q) / S_q with S_q the sum of its sizes, so the queue goes round the queries.
    Method, "Queue". Raises `ValueError` for a size that is not above 0.
    """
    code, u = integers(query), np.asarray(numbers, dtype=np.float64)
    size, eps = np.asarray(sizes, dtype=np.float64), np.asarray(query_numbers, dtype=np.float64)
    if not code.size:
        return np.zeros(0, dtype=np.int64)
    if size.min() <= 0:
        raise ValueError("sizes are above 0")
    inside = np.lexsort((-np.log1p(-u) / size, code))
    counts = np.bincount(code, minlength=len(eps))
    total = sums_by(code, size, count=len(eps))
    place = np.arange(len(code)) - np.repeat(counts.cumsum() - counts, counts)
    ordered = code[inside]
    due = np.empty(len(code))
    due[inside] = (place + eps[ordered]) / total[ordered]
    # Equal moments (only of equal numbers) fall back on the number itself.
    return np.lexsort((u, due)).astype(np.int64)


def inclusion_probabilities(sizes: ArrayLike, count: int) -> Floats:
    """Give the probability of each candidate to be among the first `count` of the queue; they sum to `count`.

    min(1, c size), with c such that the sum holds; exact, from sorted sizes. Method, "Queue". Raises `ValueError`
    unless 0 <= count <= the number of candidates.
    """
    size = np.asarray(sizes, dtype=np.float64)
    if not 0 <= count <= size.size:
        raise ValueError(f"{count} of {size.size} cannot be drawn")
    if count in (0, size.size):
        return np.full(size.size, float(count > 0))
    falling = np.sort(size)[::-1]
    rest = falling[::-1].cumsum()[::-1]  # of this size and all below
    # With the k greatest certain, the others share count - k; the first k that leaves none of them above 1.
    k = int(np.argmax((count - np.arange(count)) * falling[:count] <= rest[:count] * (1 + 1e-12)))
    return np.asarray(np.minimum(1.0, (count - k) / rest[k] * size), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Beginning:
    """The longest beginning of a queue without a gap.

    `is_sampled` by candidate: answered and in the beginning. `answered_count` is n, `ahead_count` what is graded
    beyond the first gap (it joins when the gap closes).
    """

    is_sampled: Flags
    answered_count: int
    skipped_count: int
    ahead_count: int

    @property
    def skipped_share(self) -> float:
        """Give the share of the beginning that was skipped, 0 to 1."""
        length = self.answered_count + self.skipped_count
        return self.skipped_count / length if length else 0.0


def beginning(order: ArrayLike, is_answered: ArrayLike, is_skipped: ArrayLike) -> Beginning:
    """Find the longest beginning of the queue in which every item is answered or skipped.

    `order` holds candidate indexes in queue order; the flags are by candidate, an answer beating a skip. Method,
    "Estimator": n counts the answered alone.
    """
    places = integers(order)
    answered = np.asarray(is_answered, dtype=np.bool_)
    done = (answered | np.asarray(is_skipped, dtype=np.bool_))[places]
    length = len(places) if done.all() else int(np.argmin(done))
    sampled = np.zeros(len(places), dtype=np.bool_)
    sampled[places[:length]] = answered[places[:length]]
    n = int(sampled.sum())
    return Beginning(sampled, n, length - n, int(answered.sum()) - n)
