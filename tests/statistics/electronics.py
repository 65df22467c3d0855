"""The electronics collection as arrays: people's grades, the local judge's, and the ranking of the judged pool.

`judged_pool.csv` holds what takes a minute to compute: the local judge's grade of each pair, and for the 92 queries with
ten judged documents or more, the rank of each by BM25 over all fields.
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from judging.metrics import compute_query, parse_metric
from judging.statistics.estimates.additive import gains, greatest_value, rank_weights
from judging.statistics.estimates.by_document import Population
from judging.statistics.estimates.review_queue import permanent_number, permanent_numbers, review_order, review_sizes
from judging.statistics.tables import mean_grade
from tests.metrics.metrics_data import people_grades

GRADES = 4
SCALE = {"scale_maximum": 3, "relevant_from": 2}


@dataclass(frozen=True)
class Pairs:
    """One entry per (query, document): labels, query codes, people's grades (pairs, 3) and their mean, AI, rank or 0."""

    labels: list[tuple[str, str]]
    query: np.ndarray
    raters: np.ndarray
    people: np.ndarray
    ai: np.ndarray
    rank: np.ndarray

    def where(self, kept):
        labels = [label for label, keep in zip(self.labels, kept, strict=True) if keep]
        _, query = np.unique(self.query[kept], return_inverse=True)
        return Pairs(labels, query, self.raters[kept], self.people[kept], self.ai[kept], self.rank[kept])


@cache
def all_pairs():
    with Path(__file__).with_name("judged_pool.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    labels = [(row["query_id"], row["doc_id"]) for row in rows]
    raters = np.array([[people_grades()[label][f"rater-{n}"] for n in (1, 2, 3)] for label in labels])
    _, query = np.unique([label[0] for label in labels], return_inverse=True)
    return Pairs(
        labels=labels,
        query=query,
        raters=raters,
        people=mean_grade(raters.sum(1), np.full(len(rows), 3)),
        ai=np.array([int(row["ai_grade"]) for row in rows]),
        rank=np.array([int(row["rank"] or 0) for row in rows]),
    )


@cache
def top_ten():
    """The first ten of each of the 92 queries, in rank order within a query: 920 pairs."""
    pairs = all_pairs()
    kept = (pairs.rank >= 1) & (pairs.rank <= 10)
    order = np.lexsort((pairs.rank, pairs.query))
    order = order[kept[order]]
    labels = [pairs.labels[index] for index in order]
    _, query = np.unique(pairs.query[order], return_inverse=True)
    return Pairs(labels, query, pairs.raters[order], pairs.people[order], pairs.ai[order], pairs.rank[order])


def population_of(metric_name, pairs, *, ai=None, query_count=None):
    """The population and people's gains of an additive metric over pairs that have a rank."""
    metric = parse_metric(metric_name)
    count = query_count or int(pairs.query.max()) + 1
    weights = rank_weights(metric, pairs.rank, query_count=count)
    high = greatest_value(metric, scale_maximum=3)
    gain_range = 7.0 if metric.family == "DCG" else 1.0
    classes = pairs.ai if ai is None else ai
    population = Population(weights, classes, pairs.query, count, GRADES, gain_range, (0.0, high))
    return population, gains(metric, pairs.people, **SCALE)


def order_of(pairs, weights, seed, *, numbers=None):
    """The queue over pairs for a metric's weights, and the sizes."""
    sizes = review_sizes(weights)
    u = permanent_numbers(seed, pairs.labels)
    names = sorted({label[0] for label in pairs.labels})
    eps = np.array([permanent_number(seed, name) for name in names])
    return review_order(pairs.query, u, sizes, eps), sizes


def per_query_values(metric_name, grades):
    """A metric of each of the 92 queries over the ranked pool, from one grade per pair of `all_pairs`."""
    pairs, metric = all_pairs(), parse_metric(metric_name)
    values, names = [], []
    for code in np.unique(pairs.query[pairs.rank > 0]):
        rows = np.flatnonzero(pairs.query == code)
        rows = rows[np.argsort(pairs.rank[rows])]
        given = {int(row): int(grades[row]) for row in rows}
        values.append(compute_query([metric], list(given), given, **SCALE)[metric.name])
        names.append(pairs.labels[rows[0]][0])
    return np.array(values), names
