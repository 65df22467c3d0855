"""How two runs differ by the tags of their queries."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from judging.models import EvaluationRun, RunQuery
from judging.statistics.figures import Figure
from judging.statistics.paired import TIE, difference_figure
from judging.trust.comparisons.queries.query_table import QueryTable

# Beside each other on one page; every further one is a further chance to be fooled.
MOST_TAGS = 20
_CHUNK = 5000


@dataclass(frozen=True, slots=True)
class TagDifference:
    """b - a over the queries with a tag, as `TableSummary` has it over all; `mean_delta` is None where none is scored."""

    tag: str
    query_count: int
    scored_count: int
    mean_delta: float | None
    interval: Figure
    wins: int
    losses: int


def differences_by_tag(a: EvaluationRun, b: EvaluationRun, table: QueryTable) -> list[TagDifference]:
    """Return the difference by tag, those first that most of the shared queries have, at most MOST_TAGS.

    A query counts under each tag that it has in either run, unless its search failed.
    """
    tagged = RunQuery.objects.filter(run__in={a.pk, b.pk}).exclude(tags=[]).order_by()
    queries: dict[str, set[int]] = defaultdict(set)
    for query_id, tags in tagged.values_list("query_id", "tags").iterator(chunk_size=_CHUNK):
        for tag in tags:
            queries[tag].add(query_id)
    if not queries:
        return []
    counted = {int(query): float(delta) for query, delta in zip(table.query_ids, table.delta, strict=True)}
    for query in table.query_ids[table.is_failed].tolist():
        del counted[query]
    shared = {tag: of_tag & counted.keys() for tag, of_tag in queries.items()}
    ordered = sorted((tag for tag in shared if shared[tag]), key=lambda tag: (-len(shared[tag]), tag))
    return [_difference(tag, [counted[query] for query in sorted(shared[tag])]) for tag in ordered[:MOST_TAGS]]


def _difference(tag: str, deltas: list[float]) -> TagDifference:
    delta = np.array(deltas)
    scored = delta[~np.isnan(delta)]
    return TagDifference(
        tag=tag,
        query_count=len(delta),
        scored_count=len(scored),
        mean_delta=float(scored.mean()) if len(scored) else None,
        interval=difference_figure(scored),
        wins=int((scored > TIE).sum()),
        losses=int((scored < -TIE).sum()),
    )
