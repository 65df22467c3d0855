"""The page "Compare": evaluation runs against each other, with intervals, and the queries that differ most."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from judging.foundation.errors import Conflict, Invalid
from judging.ledger.staleness import has_stale_metrics
from judging.models import EvaluationRun
from judging.runs.evaluation_lists import get_evaluation
from judging.runs.run_lists import comparable_runs
from judging.trust.comparisons.run_comparison import (
    RunComparison,
    check_comparable,
    comparison_of,
    read_runs,
)
from judging.web.base import PageRequest, go_to, member_required, sentence, toast
from judging.web.trust.compared_queries import link, queries_context, queries_file
from judging.web.trust.difference_words import PICTURE_WIDTH, MetricRow, metric_rows
from judging.work import workers


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
def compare(request: PageRequest, run_id: UUID, other_run_id: UUID) -> HttpResponseBase:
    """Compare two runs, or with ?with= all pairs of several. The table of queries renews itself alone."""
    run_ids = [run_id, other_run_id, *_further(request)]
    runs = read_runs(run_ids)
    try:
        if request.htmx.target == "queries":
            check_comparable(runs)
            context = _head(request, runs) | queries_context(request, runs)
            return render(request, "judging/trust/_compare_queries.html", context)
        if "file_format" in request.GET:
            check_comparable(runs)
            return queries_file(request, runs)
        found = comparison_of(runs)
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
    return {"rows": rows, **queries_context(request, found.runs)}


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
    links = [(name, link(request, metric=name), name == metric) for name in metrics]
    return {"pair_rows": rows, "metric": metric, "metric_links": links}


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
