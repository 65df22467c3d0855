"""The first page: evaluation runs, and the AI judging runs under way."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django_htmx.http import trigger_client_event

from judging.judging_runs.run_reads import active_judging_runs
from judging.judging_runs.slowness import with_slowness
from judging.models import EvaluationRun
from judging.records.visibility import visible_judges
from judging.runs.run_lists import listed_runs
from judging.web.base import PageRequest, page_of, signed_in
from judging.web.run_rows import JudgingRow

_MOST_UNDER_WAY = 20


@dataclass(frozen=True, slots=True)
class RunRow:
    """An evaluation run with the metric that stands for it: its first nDCG, else its first metric."""

    run: EvaluationRun
    metric: str
    value: float | None
    metric_coverage: float | None
    coverage: float | None


@require_safe
@signed_in
def home(request: PageRequest) -> HttpResponse:
    """Show the runs. The two parts renew themselves: what is under way each second, the table when one ends."""
    part = request.GET.get("part") if request.htmx else None
    if part == "under_way":
        return _renewed_under_way(request)
    if part == "runs":
        return render(request, "judging/home/_runs.html", _runs(request))
    context = {**_under_way(request), **_runs(request)}
    if not context["rows"] and context["runs"].number == 1 and not context["is_mine"] and request.user.is_member:
        context["has_judges"] = visible_judges(request.user).exists()
        return render(request, "judging/home/first_steps.html", context)
    return render(request, "judging/home/home.html", context)


def _runs(request: PageRequest) -> dict[str, Any]:
    runs, is_mine = listed_runs(), "mine" in request.GET
    page = page_of(request, runs.filter(created_by=request.user) if is_mine else runs)
    return {"runs": page, "rows": run_rows(page.rows), "is_mine": is_mine}


def run_rows(runs: Iterable[EvaluationRun]) -> list[RunRow]:
    """Return evaluation runs as a list shows them."""
    rows = []
    for run in runs:
        metric = next((name for name in run.metrics if name.upper().startswith("NDCG")), next(iter(run.metrics), ""))
        rows.append(
            RunRow(
                run=run,
                metric=metric,
                value=run.metric_values.get(metric),
                metric_coverage=run.coverage_values.get(metric),
                coverage=run.judged_count / run.candidate_count if run.candidate_count else None,
            )
        )
    return rows


def _renewed_under_way(request: PageRequest) -> HttpResponse:
    """Answer what is under way now; the table of evaluation runs hears of it when something shown has ended."""
    context = _under_way(request)
    response = render(request, "judging/home/_under_way.html", context)
    still = {str(item.run.pk) for item in context["under_way"]}
    if any(known not in still for known in request.GET.get("known", "").split(",") if known):
        trigger_client_event(response, "releval:run-ended", after="settle")
    return response


def _under_way(request: PageRequest) -> dict[str, Any]:
    if not request.user.is_member:
        return {"under_way": []}
    active, is_mine = active_judging_runs(), "mine" in request.GET
    runs = list((active.filter(created_by=request.user) if is_mine else active)[:_MOST_UNDER_WAY])
    return {
        "under_way": [JudgingRow(run) for run in with_slowness(runs)],
        "known": ",".join(str(run.pk) for run in runs),
        "is_mine": is_mine,
    }
