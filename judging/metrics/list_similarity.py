"""How alike two ranked lists are, whatever their documents are worth.

Ranks count as they stand: where an engine gave equal scores, its order is taken all the same. Who compares says so
beside.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import TypeVar

K = TypeVar("K", bound=Hashable)

RBO_PERSISTENCE = 0.9


@dataclass(frozen=True, slots=True)
class ListComparison:
    """How list b differs from list a: rank-biased overlap of the whole lists, the rest among the first k of each.

    `entered` are documents that only b has there, `left` those that only a has, `moved` those at another rank.
    """

    rbo: float
    jaccard: float
    entered: int
    left: int
    moved: int


def compare_lists(a: Sequence[K], b: Sequence[K], *, k: int, p: float = RBO_PERSISTENCE) -> ListComparison:
    """Compare two rankings, each with every document once. `k` is at least 1, `p` between 0 and 1, both excluded."""
    before = {document: rank for rank, document in enumerate(a, start=1)}
    shared: list[int] = []  # of documents in both lists, the depth from which on both have it
    kept = moved = 0
    for rank, document in enumerate(b, start=1):
        earlier = before.get(document)
        if earlier is None:
            continue
        shared.append(max(rank, earlier))
        if rank <= k and earlier <= k:
            kept += 1
            moved += rank != earlier
    top_a, top_b = min(len(a), k), min(len(b), k)
    either = top_a + top_b - kept
    return ListComparison(
        rbo=_extrapolated_overlap(shared, len(a), len(b), p),
        jaccard=kept / either if either else 1.0,
        entered=top_b - kept,
        left=top_a - kept,
        moved=moved,
    )


def _extrapolated_overlap(shared: Sequence[int], length_a: int, length_b: int, p: float) -> float:
    """Compute the extrapolated rank-biased overlap, 0 to 1 (Webber, Moffat and Zobel 2010, eq. 32).

    Summed up by document instead of by depth: the same sums in another order. Two empty lists are the same (1), an empty
    one and another have nothing in common (0).

    X_d, the overlap at depth d, is how many entries of `shared` are at most d; s and l are the shorter and the longer
    length. A document shared from depth m on adds p^d / d for each d from m to l.
    """
    s, l = sorted((length_a, length_b))  # noqa: E741
    if not s:
        return 0.0 if l else 1.0
    powers, by_depth = _sums(p, 1 << l.bit_length())
    overlap_s = sum(depth <= s for depth in shared)
    overlap_l = len(shared)
    seen = sum(by_depth[l] - by_depth[depth - 1] for depth in shared)
    # Beyond s, the shorter list is taken to go on agreeing as it did.
    beyond = overlap_s / s * ((powers[l] - powers[s]) - s * (by_depth[l] - by_depth[s]))
    return (1 - p) / p * (seen + beyond) + ((overlap_l - overlap_s) / l + overlap_s / s) * p**l


@lru_cache(maxsize=32)
def _sums(p: float, most: int) -> tuple[list[float], list[float]]:
    """Give the sums of p^d and of p^d / d for d from 1 to n, by n from 0."""
    powers = [p**depth for depth in range(1, most + 1)]
    by_depth = [power / depth for depth, power in enumerate(powers, start=1)]
    return list(accumulate(powers, initial=0.0)), list(accumulate(by_depth, initial=0.0))
