"""The page "Compare": evaluation runs against each other, with intervals, and the queries that differ most."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import numpy as np
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from judging.foundation.errors import Conflict, Invalid
from judging.models import EvaluationRun, RunQuery
from judging.runs.evaluation_lists import get_evaluation
from judging.runs.run_lists import comparable_runs
from judging.runs.run_summary import has_stale_metrics
from judging.statistics.paired import TIE
from judging.trust.comparisons.run_comparison import (
    RunComparison,
    RunValues,
    check_comparable,
    read_comparison,
    read_run_values,
    read_runs,
)
from judging.web.base import PageRequest, go_to, member_required, page_of, sentence, toast
from judging.web.trust.difference_words import PICTURE_WIDTH, MetricRow, metric_rows
from judging.work import workers

_ROWS = 25
_ORDERS = ("-change", "change", "-difference", "difference", "-a", "a", "-b", "b")


@dataclass(frozen=True, slots=True)
class QueryDifference:
    """A query with its values in both runs, as the run queries that hold it."""

    in_a: RunQuery
    in_b: RunQuery
    value_a: float
    value_b: float

    @property
    def change(self) -> float:
        """b - a."""
        return self.value_b - self.value_a

    @property
    def direction(self) -> str:
        """Where it went: "up", "down", or "" for a tie."""
        return "" if abs(self.change) <= TIE else "up" if self.change > 0 else "down"


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head: where a click leads, and how the column is sorted now, "" if it isn't."""

    label: str
    url: str
    direction: str


@dataclass(frozen=True, slots=True)
class PairRow:
    """Two of several runs in one metric."""

    a: EvaluationRun
    b: EvaluationRun
    metric: MetricRow
    url: str


@require_GET
@member_required
def compare_chosen(request: PageRequest, evaluation_id: UUID) -> HttpResponse:
    """Go to the comparison of the runs named by ?run=; those that were ticked in a list from the oldest on."""
    evaluation = get_evaluation(evaluation_id)
    chosen = list(dict.fromkeys(filter(None, map(_uuid, request.GET.getlist("run")))))
    if len(chosen) < 2:
        toast(request, messages.INFO, "Tick two runs or more to compare them.")
        return go_to(request, "evaluation", evaluation.pk)
    runs = read_runs(chosen)
    if "ticked" in request.GET:
        runs.sort(key=lambda run: run.created_at)
    return go_to(request, _address(runs))


@require_GET
@member_required
def compare(request: PageRequest, run_id: UUID, other_run_id: UUID) -> HttpResponse:
    """Compare two runs, or with ?with= all pairs of several. The table of queries renews itself alone."""
    run_ids = [run_id, other_run_id, *_further(request)]
    runs = read_runs(run_ids)
    try:
        if request.htmx.target == "queries":
            check_comparable(runs)
            return render(request, "judging/trust/_compare_queries.html", _queries(request, runs))
        found = read_comparison(run_ids)
    except Conflict as refused:
        context = {**_head(request, runs), "refused": sentence(refused.message)}
        return render(request, "judging/trust/compare.html", context, status=409)
    is_working = workers.has_live_worker()
    context = _head(request, found.runs) | {
        "found": found,
        # Without a worker nothing is renewed, and nothing to wait for.
        "renewing": [run for run in dict.fromkeys(found.runs) if has_stale_metrics(run)] if is_working else [],
        "picture_width": PICTURE_WIDTH,
    }
    context |= _pairs(request, found) if len(found.runs) > 2 else _two(request, found)
    return render(request, "judging/trust/compare.html", context)


def _head(request: PageRequest, runs: list[EvaluationRun]) -> dict[str, Any]:
    a, b = runs[:2]
    return {
        "a": a,
        "b": b,
        "runs": runs,
        "further": ",".join(str(run.pk) for run in runs[2:]),
        "swap_url": _address([b, a]),
        "choices": comparable_runs(a.evaluation.corpus, with_runs=runs),
    }


def _two(request: PageRequest, found: RunComparison) -> dict[str, Any]:
    metrics = found.pair.metrics
    rows = metric_rows(
        metrics,
        names=[found.runs[1].name] * len(metrics),
        has_ai_grades=found.has_ai_grades,
        people=found.people,
    )
    return {"rows": rows, **_queries(request, found.runs, found.values)}


def _pairs(request: PageRequest, found: RunComparison) -> dict[str, Any]:
    metrics = list(dict.fromkeys(each.metric for pair in found.pairs for each in pair.metrics))
    metric = request.GET.get("metric", "")
    metric = metric if metric in metrics else next(iter(metrics), "")
    of_metric = [
        (found.runs[pair.a], found.runs[pair.b], each)
        for pair in found.pairs
        for each in pair.metrics
        if each.metric == metric
    ]
    shown = metric_rows(
        [each for _, _, each in of_metric], names=[b.name for _, b, _ in of_metric], has_ai_grades=found.has_ai_grades
    )
    rows = [PairRow(a, b, row, _address([a, b])) for (a, b, _), row in zip(of_metric, shown, strict=True)]
    links = [(name, _link(request, metric=name), name == metric) for name in metrics]
    return {"pair_rows": rows, "metric": metric, "metric_links": links}


def _queries(request: PageRequest, runs: list[EvaluationRun], values: RunValues | None = None) -> dict[str, Any]:
    """Return a page of the queries of two runs, those that differ most first unless another order is wanted."""
    a, b = runs[:2]
    values = values or read_run_values([a, b])
    shared = values.shared_metrics
    metric = request.GET.get("metric", "")
    metric = metric if metric in shared else next(iter(shared), "")
    order = request.GET.get("order", "")
    order = order if order in _ORDERS else _ORDERS[0]
    context: dict[str, Any] = {"a": a, "b": b, "metric": metric}
    if not metric:
        return {**context, "query_rows": [], "page": None}
    ids, of_a, of_b = values.differences(metric)
    keys = {"change": np.abs(of_b - of_a), "difference": of_b - of_a, "a": of_a, "b": of_b}[order.lstrip("-")]
    places = np.argsort(-keys if order.startswith("-") else keys, kind="stable")
    page = page_of(request, [int(place) for place in places], size=_ROWS)
    return {
        **context,
        "page": page,
        "query_rows": _query_rows(a, b, [(int(ids[i]), float(of_a[i]), float(of_b[i])) for i in page.rows]),
        "order": order,
        "queries_metric_links": [(name, _link(request, metric=name), name == metric) for name in shared],
        "most_first_url": _link(request, order=_ORDERS[0]),
        "heads": [
            _sort_head(request, order, name, label)
            for name, label in (("a", a.name), ("b", b.name), ("difference", "Difference"))
        ],
    }


def _query_rows(a: EvaluationRun, b: EvaluationRun, rows: list[tuple[int, float, float]]) -> list[QueryDifference]:
    wanted = RunQuery.objects.filter(run__in={a.pk, b.pk}, query_id__in=[query_id for query_id, _, _ in rows])
    found = {(row.run_id, row.query_id): row for row in wanted.only("pk", "run_id", "query_id", "text", "label")}
    # A query may have gone since the values were read.
    return [
        QueryDifference(found[a.pk, query_id], found[b.pk, query_id], value_a, value_b)
        for query_id, value_a, value_b in rows
        if (a.pk, query_id) in found and (b.pk, query_id) in found
    ]


def _sort_head(request: PageRequest, order: str, name: str, label: str) -> Head:
    direction = "ascending" if order == name else "descending" if order == f"-{name}" else ""
    return Head(label, _link(request, order=name if direction == "descending" else f"-{name}"), direction)


def _link(request: PageRequest, **changes: str) -> str:
    """Return this page's address with other values; the first page of its list."""
    query = request.GET.copy()
    query.pop("page", None)
    for name, value in changes.items():
        query[name] = value
    return f"?{query.urlencode()}"


def _address(runs: list[EvaluationRun]) -> str:
    a, b, *further = runs
    path = reverse("compare", args=[a.pk, b.pk])
    return f"{path}?{urlencode({'with': ','.join(str(run.pk) for run in further)})}" if further else path


def _further(request: PageRequest) -> list[UUID]:
    given = [part.strip() for part in request.GET.get("with", "").split(",") if part.strip()]
    ids = [_uuid(part) for part in given]
    if None in ids:
        raise Invalid("That is no run: the address holds an id that can't be read")
    return [run_id for run_id in ids if run_id is not None]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
