"""Queries of two compared runs as every interface lists them: searched, ordered, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import Q

from judging.foundation.errors import Invalid
from judging.foundation.validation import check_search
from judging.models import EvaluationRun, Query, RunQuery
from judging.statistics.paired import TIE
from judging.statistics.tables import Integers
from judging.trust.comparisons.queries.paired_lists import shared_queries
from judging.trust.comparisons.queries.query_table import Measure, QueryTable, read_query_table
from judging.trust.comparisons.queries.query_values import metric_names, stored_values
from judging.trust.comparisons.remembered import grades_of, remembered

COLUMNS = ("query", "delta", "abs_delta", "rbo", "jaccard", "value_a", "value_b")
ORDERINGS = tuple(f"{sign}{name}" for name in COLUMNS for sign in ("", "-"))
DEFAULT_ORDERING = "-abs_delta"
# A statement takes so many ids.
_CHUNK = 2000


@dataclass(frozen=True, slots=True)
class QueryRow:
    """A query of both runs. `key` names it in the corpus; values and delta are None without judgments, the bounds where
    there is no exact range; a row whose search failed in a run counts nowhere."""

    key: str
    query: Any
    text: str
    label: str
    tags: list[str]
    run_query_a: UUID
    run_query_b: UUID
    value_a: float | None
    value_b: float | None
    delta: float | None
    rbo: float
    jaccard: float
    entered: int
    left: int
    moved: int
    unjudged_a: int
    unjudged_b: int
    low: float | None
    high: float | None
    judged_only_delta: float | None
    has_ties: bool
    is_failed: bool

    @property
    def direction(self) -> str:
        """Where it went: "up", "down", or "" for a tie and for nothing known."""
        return "" if self.delta is None or abs(self.delta) <= TIE else "up" if self.delta > 0 else "down"


def query_order(a: EvaluationRun, b: EvaluationRun, table: QueryTable, *, ordering: str, search: str = "") -> Integers:
    """Return the places of a table's queries in an order; what has no value comes last either way.

    `search` keeps those with this text in query or label of either run. Raise Invalid (ordering, search).
    """
    if ordering not in ORDERINGS:
        raise Invalid("unknown ordering", errors={"ordering": [f"one of {', '.join(ORDERINGS)}"]})
    name, is_falling = ordering.removeprefix("-"), ordering.startswith("-")
    if name == "query":
        keys = text_ranks(b, table.query_ids)
    else:
        keys = {
            "delta": table.delta,
            "abs_delta": np.abs(table.delta),
            "rbo": table.lists.rbo,
            "jaccard": table.lists.jaccard,
            "value_a": table.graded.value_a,
            "value_b": table.graded.value_b,
        }[name]
    # NaN sorts last.
    order = np.argsort(-keys if is_falling else keys, kind="stable")
    return only_found(order, table.query_ids, [a, b], search)


def only_found(order: Integers, query_ids: Integers, runs: Sequence[EvaluationRun], search: str) -> Integers:
    """Keep the places of queries with this text in query or label of a run; "" keeps all. Raise Invalid (search)."""
    check_search(search)
    if not search:
        return order
    found = RunQuery.objects.filter(
        Q(text__icontains=search) | Q(label__icontains=search), run__in={run.pk for run in runs}
    ).values_list("query_id", flat=True)
    wanted = np.fromiter(found.order_by().iterator(), dtype=np.int64)
    return order[np.isin(query_ids[order], wanted)]


def text_ranks(run: EvaluationRun, query_ids: Integers) -> Any:
    """Return where each query stands in the order of a run's texts; NaN for one that it does not have."""
    rows = RunQuery.objects.filter(run=run).order_by("text", "position").values_list("query_id", flat=True)
    ordered = np.fromiter(rows.iterator(), dtype=np.int64)
    ranks = np.full(len(query_ids), np.nan)
    places = np.minimum(np.searchsorted(query_ids, ordered), max(len(query_ids) - 1, 0))
    if len(query_ids):
        kept = query_ids[places] == ordered
        ranks[places[kept]] = np.flatnonzero(kept)
    return ranks


def query_rows(a: EvaluationRun, b: EvaluationRun, table: QueryTable, places: Sequence[int]) -> list[QueryRow]:
    """Return the rows at some places of a table, in the order given, as run b has their texts."""
    found: dict[tuple[UUID, int], RunQuery] = {}
    ids = [int(table.query_ids[place]) for place in places]
    for start in range(0, len(ids), _CHUNK):
        wanted = RunQuery.objects.filter(run__in={a.pk, b.pk}, query_id__in=ids[start : start + _CHUNK])
        rows = wanted.select_related("query").only("run_id", "query__identity", "text", "label", "body", "tags")
        found |= {(row.run_id, row.query_id): row for row in rows}
    # A query may have gone since the table was read.
    return [
        _row(table, place, found[a.pk, query_id], found[b.pk, query_id])
        for place, query_id in zip(places, ids, strict=True)
        if (a.pk, query_id) in found and (b.pk, query_id) in found
    ]


def _row(table: QueryTable, place: int, in_a: RunQuery, in_b: RunQuery) -> QueryRow:
    lists, graded = table.lists, table.graded
    return QueryRow(
        key=in_b.query.identity,
        query=in_b.body,
        text=in_b.text,
        label=in_b.label or in_a.label,
        tags=in_b.tags or in_a.tags,
        run_query_a=in_a.pk,
        run_query_b=in_b.pk,
        value_a=_number(graded.value_a[place]),
        value_b=_number(graded.value_b[place]),
        delta=_number(table.delta[place]),
        rbo=float(lists.rbo[place]),
        jaccard=float(lists.jaccard[place]),
        entered=int(lists.entered[place]),
        left=int(lists.left[place]),
        moved=int(lists.moved[place]),
        unjudged_a=int(graded.unjudged_a[place]),
        unjudged_b=int(graded.unjudged_b[place]),
        low=_number(graded.low[place]),
        high=_number(graded.high[place]),
        judged_only_delta=_number(table.judged_only_delta[place]),
        has_ties=bool(lists.has_ties[place]),
        is_failed=bool(table.is_failed[place]),
    )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def page_of_order(query_ids: Integers, order: Integers, *, cursor: str = "", limit: int) -> tuple[list[int], str, str]:
    """Return the places of one page of an order, and the cursors of the next and the one before, "" at the ends.

    A cursor names the query that the page lies behind ("n") or before ("p"), so that none is lost or shown twice when
    values change meanwhile. Raise Invalid (cursor).
    """
    first = 0
    if cursor:
        number = cursor[1:]
        is_read = cursor[0] in "np" and number.isascii() and number.isdecimal() and len(number) < 19
        at = np.flatnonzero(query_ids[order] == (int(number) if is_read else 0))
        if not len(at):
            message = "this is no cursor of this list; take it from `next` or `previous`"
            raise Invalid(message, errors={"cursor": [message]})
        first = int(at[0]) + 1 if cursor[0] == "n" else max(0, int(at[0]) - limit)
        if cursor[0] == "p":
            limit = min(limit, int(at[0]))
    places = [int(place) for place in order[first : first + limit]]
    if not places:
        return [], "", ""
    following = f"n{query_ids[places[-1]]}" if first + len(places) < len(order) else ""
    return places, following, f"p{query_ids[places[0]]}" if first else ""


@dataclass(frozen=True, slots=True)
class Step:
    """Where a query stands among all that two runs share, by |delta| falling: from 1, and the keys of its neighbours."""

    number: int
    count: int
    previous_key: str
    next_key: str


def step_of(a: EvaluationRun, b: EvaluationRun, measure: Measure, query_id: int) -> Step:
    """Return where to go from a query of two runs. Reads values alone: it is asked at every step."""
    ids, order = remembered(("steps", grades_of(a), grades_of(b), measure), lambda: _step_order(a, b, measure))
    at = int(np.flatnonzero(ids[order] == query_id)[0])
    around = [int(ids[order[place]]) if 0 <= place < len(order) else 0 for place in (at - 1, at + 1)]
    keys = dict(Query.objects.filter(pk__in=around).values_list("pk", "identity"))
    return Step(at + 1, len(order), *(keys.get(each, "") for each in around))


def _step_order(a: EvaluationRun, b: EvaluationRun, measure: Measure) -> tuple[Integers, Integers]:
    names = [metric_names(run).get(measure.metric.canonical_name) for run in (a, b)]
    if None in names:
        table = read_query_table(a, b, measure)
        ids, delta = table.query_ids, table.delta
    else:
        ids = shared_queries(a, b).query_ids
        before, after = (stored_values(run, str(name), ids) for run, name in zip((a, b), names, strict=True))
        delta = after - before
    return ids, np.argsort(-np.abs(delta), kind="stable")
