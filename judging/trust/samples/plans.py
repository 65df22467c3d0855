"""What a check sample is drawn from, and in which order: by document or by whole queries, as its goal asks."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from judging.metrics import Metric, compute_query
from judging.statistics.estimates.additive import (
    gains,
    greatest_gain,
    greatest_value,
    is_additive,
    mean_gains,
    rank_weights,
)
from judging.statistics.estimates.by_document import Population
from judging.statistics.estimates.review_queue import review_order, review_sizes
from judging.statistics.estimates.settling import SETTLED_FAMILIES
from judging.statistics.tables import Flags, Floats, Integers, sums_by
from judging.trust.grades import NONE
from judging.trust.samples.items import Items


@dataclass(frozen=True, eq=False)
class Scaling:
    """How grades become relevance: the scale's maximum and the run's `relevant_from`."""

    maximum: int
    relevant_from: int


@dataclass(frozen=True, eq=False)
class DocumentPlan:
    """A sample of documents: the items with a weight, their sizes and the order of the queue (indexes of items).

    Without a metric it is about agreement: all candidates with an AI grade, of one weight.
    """

    metric: Metric | None
    scaling: Scaling
    items: Items
    population: Population
    sizes: Floats
    order: Integers


@dataclass(frozen=True, eq=False)
class QueryPlan:
    """A sample of whole queries, in the order of their permanent numbers.

    By place in that order: `lists` holds each run's items in rank order, `pools` all items in falling AI grade,
    `ai_values` the metric by the AI's grades (of two runs the difference). `order` is that of all items.
    """

    metric: Metric
    scaling: Scaling
    items: Items
    lists: list[list[list[int]]]
    pools: list[list[int]]
    ai_values: Floats
    order: Integers


Plan: TypeAlias = DocumentPlan | QueryPlan


def is_estimated(metric: Metric) -> bool:
    """Say whether check samples estimate a metric: document by document, or from whole queries."""
    return is_additive(metric) or metric.family in SETTLED_FAMILIES


def agreement_plan(items: Items, scaling: Scaling) -> DocumentPlan:
    """Plan a sample of all candidates that have an AI grade."""
    items = items.where(items.ai != NONE)
    weights = np.full(len(items), 1 / max(len(items), 1))
    return _document_plan(None, items, scaling, weights, np.ones(len(items)))


def document_plan(metric: Metric, items: Items, scaling: Scaling) -> DocumentPlan:
    """Plan a sample for an additive metric: the candidates that it looks at, of a difference those that count in it."""
    weights = metric_weights(metric, items)
    kept = weights != 0
    weights = weights[kept]
    return _document_plan(metric, items.where(kept), scaling, weights, review_sizes(weights))


def _document_plan(
    metric: Metric | None, items: Items, scaling: Scaling, weights: Floats, sizes: Floats
) -> DocumentPlan:
    order = review_order(items.queries, items.numbers, sizes, items.query_numbers)
    return DocumentPlan(metric, scaling, items, population_of(metric, items, scaling, weights), sizes, order)


def metric_weights(metric: Metric, items: Items) -> Floats:
    """Return the weight of each item in an additive metric; of two runs, first minus second."""
    weights = np.zeros(len(items))
    for sign, ranks, counted in zip((1, -1), items.ranks, items.counted, strict=False):
        returned = ranks != NONE
        weights[returned] += sign * rank_weights(metric, ranks[returned], query_count=max(int(counted.sum()), 1))
    return weights


def population_of(metric: Metric | None, items: Items, scaling: Scaling, weights: Floats) -> Population:
    """Return items as the population of an estimate, over the queries that count in any of the runs."""
    is_counted = items.counted.any(0)
    codes = is_counted.cumsum() - 1
    grade_count = scaling.maximum + 1
    high = greatest_value(metric, scale_maximum=scaling.maximum) if metric else 1.0
    return Population(
        weights=weights,
        classes=np.where(items.ai == NONE, grade_count, items.ai),
        queries=codes[items.queries],
        query_count=max(int(is_counted.sum()), 1),
        grade_count=grade_count,
        gain_range=greatest_gain(metric, scale_maximum=scaling.maximum) if metric else 1.0,
        value_range=(-high if len(items.ranks) > 1 else 0.0, high),
    )


def people_gains(metric: Metric, items: Items, scaling: Scaling) -> Floats:
    """Return the mean gain of people's blind grades by item, NaN without one."""
    return mean_gains(
        metric,
        items.graded_items,
        items.graded,
        count=len(items),
        scale_maximum=scaling.maximum,
        relevant_from=scaling.relevant_from,
    )


def ai_per_query(metric: Metric, items: Items, scaling: Scaling, population: Population) -> Floats:
    """Return an additive metric by query as the AI's grades have it; what it has not graded is not relevant."""
    known = np.maximum(items.ai, 0)
    gain = gains(metric, known, scale_maximum=scaling.maximum, relevant_from=scaling.relevant_from)
    gain = np.where(items.ai == NONE, 0.0, gain)
    count = population.query_count
    return sums_by(population.queries, population.weights * gain, count=count) * count


@dataclass(frozen=True, eq=False)
class QueryLists:
    """Whole queries in the order of their permanent numbers, whatever the metric: see `QueryPlan`."""

    items: Items
    lists: list[list[list[int]]]
    pools: list[list[int]]
    order: Integers


def query_lists(items: Items) -> QueryLists:
    """Put whole queries into the order of the queue; of two runs, the queries that count in both."""
    queries = np.flatnonzero(items.counted.all(0))
    queries = queries[np.lexsort((queries, items.query_numbers[queries]))]
    place = np.full(len(items.query_ids), NONE)
    place[queries] = np.arange(len(queries))
    is_returned = np.zeros(len(items.query_ids), dtype=np.bool_)
    is_returned[items.queries[(items.ranks != NONE).any(0)]] = True
    # Documents of queries for which the runs returned nothing can't change a value of 0.
    items = items.where((place[items.queries] != NONE) & is_returned[items.queries])
    places, count = place[items.queries], len(queries)
    lists = [_by_query(places, ranks != NONE, ranks, count) for ranks in items.ranks]
    everything = np.ones(len(items), dtype=np.bool_)
    by_number = np.argsort(np.argsort(items.numbers, kind="stable"), kind="stable")
    pools = _by_query(places, everything, -items.ai * (len(items) + 1) + by_number, count)
    return QueryLists(items, lists, pools, np.lexsort((items.numbers, places)))


def query_plan(metric: Metric, queries: QueryLists, scaling: Scaling) -> QueryPlan:
    """Plan a sample of whole queries."""
    ai = queries.items.ai
    given = {int(item): int(ai[item]) for item in np.flatnonzero(ai != NONE)}
    values = [
        query_value(metric, scaling, queries.lists, queries.pools, place, given) for place in range(len(queries.pools))
    ]
    return QueryPlan(
        metric,
        scaling,
        queries.items,
        queries.lists,
        queries.pools,
        np.array(values, dtype=np.float64),
        queries.order,
    )


def query_value(
    metric: Metric,
    scaling: Scaling,
    lists: list[list[list[int]]],
    pools: list[list[int]],
    place: int,
    grades: dict[int, int],
) -> float:
    """Return the metric of one query by some grades of items; of two runs, first minus second."""
    known = {item: grades[item] for item in pools[place] if item in grades}
    values = [
        compute_query(
            [metric], ranked[place], known, scale_maximum=scaling.maximum, relevant_from=scaling.relevant_from
        )[metric.name]
        for ranked in lists
    ]
    return values[0] - values[1] if len(values) > 1 else values[0]


def _by_query(places: Integers, kept: Flags, key: Integers, count: int) -> list[list[int]]:
    """Split some items by their query's place, each list in the order of `key`."""
    chosen = np.flatnonzero(kept)
    chosen = chosen[np.lexsort((key[chosen], places[chosen]))]
    ends = np.searchsorted(places[chosen], np.arange(1, count))
    return [part.tolist() for part in np.split(chosen, ends)] if count else []
