"""A run's metrics by tag: the means over the queries that have it."""

import json
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from django.db.models import TextField
from django.db.models.functions import Cast

from judging.foundation.limits import MAX_RUN_TAGS, MIN_TAG_QUERIES
from judging.models import EvaluationRun, RunQuery
from judging.statistics.tables import Floats, Integers

_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class TagMetrics:
    """What a run comes to over the queries with a tag, as it does over all: means over the scored ones, coverage pooled.

    Values are None where no query is scored, shares where nothing was returned.
    """

    tag: str
    query_count: int
    scored_query_count: int
    metric_values: dict[str, float | None]
    coverage_values: dict[str, float | None]

    @property
    def is_small(self) -> bool:
        """Whether so few queries are scored that another few could turn the values around."""
        return self.scored_query_count < MIN_TAG_QUERIES


@dataclass(frozen=True, slots=True)
class MetricsByTag:
    """The tags that most queries of a run have, of `tag_count` in all, and how many queries have none."""

    tags: list[TagMetrics]
    tag_count: int
    untagged_count: int


def metrics_by_tag(run: EvaluationRun, most: int = MAX_RUN_TAGS) -> MetricsByTag:
    """Return a run's metrics by tag, those first that most queries have, from what is stored of its queries.

    A query counts under each of its tags. Two passes over arrays, however many tags there are.
    """
    read = _read(run)
    names = sorted(read.numbers, key=lambda tag: read.numbers[tag])
    counts = np.bincount(read.tags, minlength=len(names))
    # Stable: of equally many, the one whose name comes first.
    ordered = sorted(range(len(names)), key=lambda number: (-counts[number], names[number]))[:most]
    scored = _sums(read, read.is_scored.astype(np.float64))
    values: dict[str, tuple[Floats, Floats]] = {
        name: (_sums(read, read.values[:, place]), scored) for place, name in enumerate(run.metrics)
    }
    shares = {
        name: (_sums(read, read.judged[:, place]), _sums(read, read.returned[:, place]))
        for place, name in enumerate(run.metrics)
    }
    return MetricsByTag(
        tags=[
            TagMetrics(
                tag=names[number],
                query_count=int(counts[number]),
                scored_query_count=int(scored[number]),
                metric_values={name: _share(*pair, number) for name, pair in values.items()},
                coverage_values={name: _share(*pair, number) for name, pair in shares.items()},
            )
            for number in ordered
        ],
        tag_count=len(names),
        untagged_count=read.untagged_count,
    )


@dataclass(frozen=True, eq=False)
class _Tagged:
    """A run's tagged queries by row, and an entry in `queries` and `tags` for every tag of each."""

    numbers: dict[str, int]
    queries: Integers
    tags: Integers
    is_scored: Any
    values: Floats
    judged: Floats
    returned: Floats
    untagged_count: int


def _read(run: EvaluationRun) -> _Tagged:
    numbers: dict[str, int] = {}
    queries: list[int] = []
    tags: list[int] = []
    is_scored: list[bool] = []
    values: list[list[float]] = []
    counts: list[list[list[int]]] = []
    untagged = 0
    # Parsed as text, a thousand rows at a time, as `ledger.renew_metrics` does.
    rows = (
        RunQuery.objects.filter(run=run)
        .order_by()
        .values_list(
            Cast("tags", TextField()),
            Cast("metric_values", TextField()),
            Cast("coverage_values", TextField()),
            "is_scored",
        )
        .iterator(chunk_size=_CHUNK)
    )
    while chunk := list(islice(rows, _CHUNK)):
        tagged = [row for row in chunk if row[0] != "[]"]
        untagged += len(chunk) - len(tagged)
        columns = (json.loads(f"[{','.join(row[column] for row in tagged)}]") for column in range(3))
        for own, of_query, covered, (*_, scored) in zip(*columns, tagged, strict=True):
            queries += [len(values)] * len(own)
            tags += [numbers.setdefault(tag, len(numbers)) for tag in own]
            is_scored.append(scored)
            values.append([(of_query.get(name) or 0.0) if scored else 0.0 for name in run.metrics])
            counts.append([covered.get(name) or [0, 0] for name in run.metrics])
    shape = (len(values), len(run.metrics))
    pairs = np.array(counts, dtype=np.float64).reshape(*shape, 2)
    return _Tagged(
        numbers=numbers,
        queries=np.array(queries, dtype=np.int64),
        tags=np.array(tags, dtype=np.int64),
        is_scored=np.array(is_scored, dtype=np.bool_),
        values=np.array(values, dtype=np.float64).reshape(shape),
        judged=pairs[:, :, 0],
        returned=pairs[:, :, 1],
        untagged_count=untagged,
    )


def _sums(read: _Tagged, of_query: Floats) -> Floats:
    """Sum up a number of each query by tag."""
    sums = np.bincount(read.tags, weights=of_query[read.queries], minlength=len(read.numbers))
    return np.asarray(sums, dtype=np.float64)


def _share(part: Floats, whole: Floats, number: int) -> float | None:
    return float(part[number] / whole[number]) if whole[number] else None
