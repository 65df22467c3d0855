"""Coverage, simulated: how often do the intervals hold what people say, at fixed shares of grades, judge by judge?

The population is the first ten of the 92 queries of the electronics collection, where every grade of people is known.
The judges are the shipped local one and two made of people's mean with an error by query and one by pair, so that
errors cluster as real ones do. Read by the tests in a small size and by scripts/coverage_tables.py in the whole.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from judging.statistics.estimates.by_document import document_figure, estimate_by_document
from judging.statistics.estimates.review_queue import inclusion_probabilities, review_order, review_sizes
from judging.statistics.estimates.stopping import anytime_half_width
from tests.statistics.electronics import all_pairs, population_of, top_ten

JUDGES = ("local", "good", "lenient")
METRICS = ("P@10", "SDCG@10", "RBP")
SHARES = (0.1, 0.2, 0.3)


@dataclass(frozen=True)
class Cell:
    """Coverage of the two intervals and mean half-width of a judge at a share of the grades."""

    metric: str
    judge: str
    share: float
    judge_coverage: float
    total_coverage: float
    half_width: float
    width_ratio: float
    refused: int


@dataclass(frozen=True)
class NullShares:
    """How often a difference that is none was called at some look, by each kind of interval."""

    anytime_total: float
    ordinary_total: float
    anytime: float
    ordinary: float


def judge_grades(name, seed=0):
    """The judge's grades of the 920 pairs of `top_ten`."""
    top = top_ten()
    if name == "local":
        return top.ai
    query_error, pair_error, shift = {"good": (0.3, 0.55, 0.0), "lenient": (0.3, 0.6, 0.8)}[name]
    rng = np.random.default_rng(seed)
    by_query = rng.normal(0, query_error, 92)[top.query]
    noisy = top.raters.mean(1) + by_query + rng.normal(0, pair_error, 920) + shift
    return np.clip(np.floor(noisy + 0.5), 0, 3).astype(int)


def cell(metric, judge, share, repetitions, seed=20):
    """Simulate one cell: the judge interval on the 92 queries, the total one on 92 drawn from them with replacement."""
    top, n = top_ten(), round(share * 920)
    population, y = population_of(metric, top, ai=judge_grades(judge))
    sizes = review_sizes(population.weights)
    pi = inclusion_probabilities(sizes, n)
    truth = float((population.weights * y).sum())
    rng = np.random.default_rng([seed, n, JUDGES.index(judge), METRICS.index(metric)])
    rows_of = [np.flatnonzero(top.query == code) for code in range(92)]
    held, held_total, widths, ratios = [], [], [], []
    for _ in range(repetitions):
        figure, estimate = _look(population, y, sizes, pi, n, rng)
        if figure.refused_code is None:
            held.append(figure.low <= truth <= figure.high)
            widths.append(figure.half_width)
            ratios.append(estimate.width_ratio or math.inf)
        drawn = rng.integers(0, 92, 92)
        rows = np.concatenate([rows_of[code] for code in drawn])
        queries = np.repeat(np.arange(92), [len(rows_of[code]) for code in drawn])
        other = replace(population, classes=population.classes[rows], weights=population.weights[rows], queries=queries)
        figure, _ = _look(other, y[rows], sizes[rows], inclusion_probabilities(sizes[rows], n), n, rng)
        if figure.refused_code is None:
            held_total.append(figure.low_total <= truth <= figure.high_total)
    return Cell(
        metric,
        judge,
        share,
        float(np.mean(held)),
        float(np.mean(held_total)),
        float(np.mean(widths)),
        float(np.median(ratios)),
        repetitions - len(held),
    )


def _look(population, y, sizes, pi, n, rng):
    # A new seed of the corpus is a new set of permanent numbers; the generator is faster than hashing.
    order = review_order(population.queries, rng.random(len(y)), sizes, rng.random(population.query_count))
    chosen = np.zeros(len(y), dtype=bool)
    chosen[order[:n]] = True
    estimate = estimate_by_document(population, np.where(chosen, y, np.nan), chosen, pi)
    return document_figure(population, estimate), estimate


def null_comparison(repetitions, *, looks=range(75, 446, 40), seed=3):
    """Share of comparisons of two runs that people find alike which are called, looked at after every batch.

    A and B hold the ranked pool of each query in two orders that are exchanged at random query by query, so that no
    run is better. After every batch of 40, does the interval exclude what is true? For queries like these that is 0,
    for these queries the difference that people see on them. Gives the shares called at any look.
    """
    pairs = all_pairs()
    kept = np.flatnonzero(pairs.rank > 0)
    _, query = np.unique(pairs.query[kept], return_inverse=True)
    rank, ai, people = pairs.rank[kept], pairs.ai[kept], pairs.people[kept]
    discount = np.where(rank <= 10, 1 / np.log2(rank + 1.0), 0) / (1 / np.log2(np.arange(2, 12.0))).sum() / 92
    gains = (2.0**people - 1) / 7
    template, _ = population_of("SDCG@10", top_ten())
    rng = np.random.default_rng(seed)
    called = np.zeros(4)
    for _ in range(repetitions):
        # The other run is the same ranking with noise in it; which of the two is called A is a coin for each query.
        score = rank + rng.normal(0, 8, len(rank))
        order = np.lexsort((score, query))
        starts = np.searchsorted(query, np.arange(92))
        noisy = np.empty(len(rank), dtype=int)
        noisy[order] = np.arange(len(rank)) - starts[query[order]] + 1
        other = np.where(noisy <= 10, 1 / np.log2(noisy + 1.0), 0) / (1 / np.log2(np.arange(2, 12.0))).sum() / 92
        weights = (discount - other) * rng.choice([-1, 1], 92)[query]
        differing = weights != 0
        population = replace(
            template,
            weights=weights[differing],
            classes=ai[differing],
            queries=query[differing],
            value_range=(-1.0, 1.0),
        )
        sizes = review_sizes(population.weights)
        queue = review_order(population.queries, rng.random(len(sizes)), sizes, rng.random(92))
        y = gains[differing]
        truth = float((population.weights * y).sum())
        decided = np.zeros(4, dtype=bool)
        for n in looks:
            chosen = np.zeros(len(y), dtype=bool)
            chosen[queue[:n]] = True
            estimate = estimate_by_document(population, y, chosen, inclusion_probabilities(sizes, n))
            error = abs(estimate.value - truth)
            decided |= [
                abs(estimate.value) > anytime_half_width(estimate.total_variance, n),
                abs(estimate.value) > estimate.total_half_width,
                error > anytime_half_width(estimate.variance, n),
                error > estimate.half_width,
            ]
        called += decided
    return NullShares(*(float(share) for share in called / repetitions))
