"""Samples of queries from a log: which are taken, and how likely each of them was to be.

An inclusion probability is what an estimate over the log divides by (Horvitz and Thompson 1952).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

SampleMethod = Literal["top", "random", "proportional", "stratified"]
METHODS: tuple[SampleMethod, ...] = get_args(SampleMethod)
STRATA = ("head", "torso", "tail")


@dataclass(frozen=True, slots=True)
class Stratum:
    """A part of the log: its queries, how many of them were taken, its share of the traffic."""

    name: str
    query_count: int
    sampled_count: int
    traffic_share: float

    @property
    def inclusion_probability(self) -> float:
        return self.sampled_count / self.query_count if self.query_count else 0.0


@dataclass(frozen=True, slots=True)
class QuerySample:
    """What was taken: places in the log by falling count, and of each its inclusion probability and stratum ("").

    `traffic_share` is the share of all searches that the sampled queries stand for themselves.
    """

    places: list[int]
    probabilities: list[float]
    traffic_share: float
    stratum_names: list[str]
    strata: list[Stratum] = field(default_factory=list)


def sample_queries(counts: Sequence[float], *, method: SampleMethod, size: int, seed: int) -> QuerySample:
    """Take `size` of the queries with these positive `counts`, all where there are no more.

    top: the most frequent. random: each is as likely as any other. proportional: as likely as it is frequent, without
    replacement (systematic sampling of a shuffled list, Madow 1949; what would be certain is taken first). stratified:
    a third each, at random, of head, torso and tail, which carry a third of the traffic each; what a stratum can't
    give, the others do.
    """
    weights = np.asarray(counts, dtype=float)
    size = min(size, len(weights))
    # By falling count; equal ones in the order given, which is what makes a seed tell the same again.
    order = np.argsort(-weights, kind="stable")
    falling = weights[order]
    generator = np.random.default_rng(seed)
    strata: list[Stratum] = []
    probabilities = np.zeros(len(weights))
    if method == "top":
        chosen = np.arange(size)
        probabilities[chosen] = 1.0
    elif method == "random":
        chosen = generator.choice(len(weights), size=size, replace=False)
        probabilities[:] = size / len(weights) if len(weights) else 0.0
    elif method == "proportional":
        probabilities = inclusion_probabilities(falling, size)
        chosen = _systematic(probabilities, size, generator)
    else:
        chosen, probabilities, strata = _stratified(falling, size, generator)
    chosen = np.sort(chosen)
    names = _stratum_names(strata, len(weights))
    return QuerySample(
        places=[int(place) for place in order[chosen]],
        probabilities=[float(value) for value in probabilities[chosen]],
        traffic_share=float(falling[chosen].sum() / falling.sum()) if size else 0.0,
        stratum_names=[names[place] for place in chosen],
        strata=strata,
    )


def inclusion_probabilities(weights: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return min(1, size x weight / sum), what is certain taken out until nothing is above 1. `weights` fall."""
    certain = 0
    left = np.cumsum(weights[::-1])[::-1]
    while certain < size and (size - certain) * weights[certain] >= left[certain]:
        certain += 1
    probabilities = np.ones(len(weights))
    if certain < len(weights):
        probabilities[certain:] = (size - certain) * weights[certain:] / left[certain]
    return probabilities


def _systematic(probabilities: NDArray[np.float64], size: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Take one at every whole step along the probabilities of a shuffled list, from a random start."""
    shuffled = generator.permutation(len(probabilities))
    ends = np.cumsum(probabilities[shuffled])
    if len(ends):
        # Rounding must not cost the last one.
        ends *= size / ends[-1]
    steps = np.arange(size) + generator.random()
    return shuffled[np.minimum(np.searchsorted(ends, steps, side="right"), len(shuffled) - 1)]


def _stratified(
    falling: NDArray[np.float64], size: int, generator: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64], list[Stratum]]:
    total = falling.sum()
    # A query belongs where the middle of its own traffic falls, so that one alone can be a whole head.
    middles = (np.cumsum(falling) - falling / 2) / total
    first, second = (int(np.searchsorted(middles, bound)) for bound in (1 / 3, 2 / 3))
    bounds = [(0, first), (first, second), (second, len(falling))]
    wanted = _shares(size, [end - start for start, end in bounds])
    chosen, strata = [], []
    probabilities = np.zeros(len(falling))
    for name, (start, end), count in zip(STRATA, bounds, wanted, strict=True):
        chosen.append(start + generator.choice(end - start, size=count, replace=False))
        stratum = Stratum(name, end - start, count, float(falling[start:end].sum() / total))
        probabilities[start:end] = stratum.inclusion_probability
        strata.append(stratum)
    return np.concatenate(chosen).astype(np.int64), probabilities, strata


def _shares(size: int, available: Sequence[int]) -> list[int]:
    """Split `size` evenly over what is available, the first parts taking what is left over."""
    shares = [0] * len(available)
    while (left := size - sum(shares)) > 0:
        open_parts = [part for part, count in enumerate(available) if shares[part] < count]
        each, extra = divmod(left, len(open_parts))
        for turn, part in enumerate(open_parts):
            shares[part] = min(available[part], shares[part] + each + (turn < extra))
    return shares


def _stratum_names(strata: Sequence[Stratum], count: int) -> list[str]:
    if not strata:
        return [""] * count
    return [stratum.name for stratum in strata for _ in range(stratum.query_count)]
