"""Runs of one query set against a baseline, query by query: how alike their lists are. No judgment counts here."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import numpy as np

from judging.foundation.errors import Invalid
from judging.metrics.list_similarity import RBO_PERSISTENCE
from judging.models import EvaluationRun, EvaluationRunStatus, RunQuery
from judging.statistics.tables import Flags, Floats, Integers
from judging.trust.comparisons.queries.list_figures import DEFAULT_K, ListFigures, check_list_measure, list_figures
from judging.trust.comparisons.queries.paired_lists import RankedLists, read_lists, shared_queries
from judging.trust.comparisons.queries.query_rows import only_found, text_ranks
from judging.trust.comparisons.queries.searches import failed_queries, search_depth
from judging.trust.comparisons.remembered import lists_of, remembered

LIST_COLUMNS = ("query", "rbo", "jaccard")
LIST_ORDERINGS = tuple(f"{sign}{name}" for name in LIST_COLUMNS for sign in ("", "-"))
# What changes most comes first.
DEFAULT_LIST_ORDERING = "rbo"
_UNDER_WAY = (EvaluationRunStatus.PENDING, EvaluationRunStatus.QUEUED, EvaluationRunStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class SideSummary:
    """A run against the baseline over the queries that both answered; means are None without any.

    `failed_count` queries have no answer in one of the two and count nowhere. Of the others, `empty_count` brought
    nothing in this run, and `identical_count` the same first k in the same order.
    """

    query_count: int
    failed_count: int
    empty_count: int
    identical_count: int
    mean_rbo: float | None
    mean_jaccard: float | None
    entered: int
    left: int
    moved: int


@dataclass(frozen=True, eq=False)
class Side:
    """A run against the baseline by query; `is_answered` in both."""

    run: EvaluationRun
    figures: ListFigures
    is_failed: Flags
    is_answered: Flags

    @property
    def summary(self) -> SideSummary:
        """Sum up the queries that both answered."""
        of, counted = self.figures, self.is_answered
        count = int(counted.sum())
        return SideSummary(
            query_count=count,
            failed_count=len(counted) - count,
            empty_count=int((of.length_b[counted] == 0).sum()),
            identical_count=int(((of.entered + of.left + of.moved)[counted] == 0).sum()),
            mean_rbo=float(of.rbo[counted].mean()) if count else None,
            mean_jaccard=float(of.jaccard[counted].mean()) if count else None,
            entered=int(of.entered[counted].sum()),
            left=int(of.left[counted].sum()),
            moved=int(of.moved[counted].sum()),
        )


@dataclass(frozen=True, eq=False)
class BaselineTable:
    """An entry per query of the baseline, in the order of the corpus's ids.

    `sides` are those of the other runs that have ended, by id; none as long as the baseline has not.
    """

    baseline: EvaluationRun
    k: int
    p: float
    query_ids: Integers
    is_failed: Flags
    sides: dict[UUID, Side]


@dataclass(frozen=True, slots=True)
class Cell:
    """A query in a run, against the baseline; without figures when either has no answer. `returned`: None without."""

    run: EvaluationRun
    run_query_id: UUID | None
    returned: int | None
    rbo: float | None = None
    jaccard: float | None = None
    entered: int | None = None
    left: int | None = None
    moved: int | None = None

    @property
    def is_identical(self) -> bool:
        """Tell whether the first k are the same in the same order."""
        return (self.entered, self.left, self.moved) == (0, 0, 0)


@dataclass(frozen=True, slots=True)
class BaselineRow:
    """A query of the baseline, and a cell for each side. `key` names it in the corpus."""

    key: str
    query: Any
    text: str
    label: str
    baseline: Cell
    cells: list[Cell]


def read_baseline_table(
    baseline: EvaluationRun, others: Sequence[EvaluationRun], *, k: int | None = None, p: float = RBO_PERSISTENCE
) -> BaselineTable:
    """Compare each of the others with a baseline; all were made from one query set.

    `k` is 10 unless given, or the depth where that is less. What was read before is taken again while no run has
    changed. Raise Invalid: k and p out of their bounds, depth_too_small.
    """
    check_list_measure(k, p)
    depth = search_depth(baseline)
    if depth is not None and k is not None and k > depth:
        message = f"The lists were searched {depth} deep."
        raise Invalid(message, errors={"k": [message]}, code="depth_too_small")
    k = k or min(DEFAULT_K, depth or DEFAULT_K)
    if baseline.status in _UNDER_WAY:
        nothing = np.array([], dtype=np.int64)
        return BaselineTable(baseline, k, p, nothing, nothing > 0, {})
    query_ids = shared_queries(baseline, baseline).query_ids
    failed = np.isin(query_ids, failed_queries(baseline))

    @cache
    def lists_of_baseline() -> RankedLists:
        return read_lists(baseline, query_ids)

    def side(run: EvaluationRun) -> Side:
        figures = remembered(
            ("lists against a baseline", lists_of(baseline), lists_of(run), k, p),
            lambda: list_figures(lists_of_baseline(), read_lists(run, query_ids), k=k, p=p),
        )
        # A query that the set lost before this run pinned it has no answer here either.
        asked = np.isin(query_ids, shared_queries(run, run).query_ids)
        failed_here = ~asked | np.isin(query_ids, failed_queries(run))
        return Side(run, figures, failed_here, ~(failed | failed_here))

    sides = {run.pk: side(run) for run in others if run.status not in _UNDER_WAY}
    return BaselineTable(baseline, k, p, query_ids, failed, sides)


def baseline_order(table: BaselineTable, *, ordering: str, search: str = "") -> Integers:
    """Return the places of a table's queries in an order, by the mean over its sides; without figures they come last.

    `search` keeps those with this text in query or label. Raise Invalid (ordering, search).
    """
    if ordering not in LIST_ORDERINGS:
        raise Invalid("unknown ordering", errors={"ordering": [f"one of {', '.join(LIST_ORDERINGS)}"]})
    name, is_falling = ordering.removeprefix("-"), ordering.startswith("-")
    keys = text_ranks(table.baseline, table.query_ids) if name == "query" else _means(table, name)
    order = np.argsort(-keys if is_falling else keys, kind="stable")
    return only_found(order, table.query_ids, [table.baseline], search)


def _means(table: BaselineTable, name: str) -> Floats:
    counts = np.zeros(len(table.query_ids))
    sums = np.zeros(len(table.query_ids))
    for side in table.sides.values():
        counts += side.is_answered
        sums += np.where(side.is_answered, getattr(side.figures, name), 0.0)
    return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan))


def baseline_rows(table: BaselineTable, places: Sequence[int]) -> list[BaselineRow]:
    """Return the rows at some places of a table, in the order given. One statement whatever their number."""
    ids = [int(table.query_ids[place]) for place in places]
    wanted = RunQuery.objects.filter(run__in=[table.baseline.pk, *table.sides], query_id__in=ids)
    found = {(row.run_id, row.query_id): row for row in wanted.select_related("query")}
    rows = []
    for place, query_id in zip(places, ids, strict=True):
        own = found.get((table.baseline.pk, query_id))
        if own is None:
            continue  # gone since the table was read
        cells = [_cell(side, place, found.get((pk, query_id))) for pk, side in table.sides.items()]
        returned = None if table.is_failed[place] else own.candidate_count
        at_baseline = Cell(table.baseline, own.pk, returned)
        rows.append(BaselineRow(own.query.identity, own.body, own.text, own.label, at_baseline, cells))
    return rows


def _cell(side: Side, place: int, of_run: RunQuery | None) -> Cell:
    of, key = side.figures, of_run.pk if of_run else None
    returned = None if side.is_failed[place] else int(of.length_b[place])
    if not side.is_answered[place]:
        return Cell(side.run, key, returned)
    return Cell(
        run=side.run,
        run_query_id=key,
        returned=returned,
        rbo=float(of.rbo[place]),
        jaccard=float(of.jaccard[place]),
        entered=int(of.entered[place]),
        left=int(of.left[place]),
        moved=int(of.moved[place]),
    )
