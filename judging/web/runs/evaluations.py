"""Evaluations: the list, one with its runs side by side, and its guidelines."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from judging.corpora.corpora import create_corpus
from judging.models import Evaluation, EvaluationRun, EvaluationRunStatus
from judging.runs.evaluation_lists import evaluations as all_evaluations
from judging.runs.evaluation_lists import get_evaluation
from judging.runs.evaluations import create_evaluation, delete_evaluation, update_evaluation
from judging.runs.run_lists import listed_runs
from judging.runs.run_summary import Comparison, compare_runs
from judging.web.base import PageRequest, errors_on, go_to, member_required, page_of, tell_and_go
from judging.web.metric_cards import MetricCard, best_coverage, cards_of, coverage_of
from judging.web.runs.forms import EvaluationChangeForm, EvaluationForm

# A table with more columns can't be read; the run's own page has them all.
_MOST_METRICS = 8
_RUNS_PER_PAGE = 30


@dataclass(frozen=True, slots=True)
class RunColumns:
    run: EvaluationRun
    coverage: float | None
    cells: list[MetricCard]


@dataclass(frozen=True, slots=True)
class MetricDifference:
    name: str
    before: float
    after: float
    before_coverage: float | None
    after_coverage: float | None

    @property
    def change(self) -> float:
        return self.after - self.before


@require_GET
@member_required
def evaluations(request: PageRequest) -> HttpResponse:
    is_archived = request.GET.get("archived") == "yes"
    page = page_of(request, all_evaluations(is_archived=is_archived))
    return render(request, "judging/runs/evaluations/list.html", {"page": page, "is_archived": is_archived})


@member_required
def evaluation_create(request: PageRequest) -> HttpResponse:
    """Make an evaluation, with a corpus of its own where none is chosen, and go on to its first run."""
    form = EvaluationForm(request.POST) if request.method == "POST" else EvaluationForm()
    if form.is_valid():
        values = form.cleaned_data
        # A corpus without the evaluation that it was made for would only puzzle.
        with errors_on(form), transaction.atomic():
            corpus = values["corpus"]
            if corpus is None and values["endpoint"] is None:
                corpus = create_corpus(
                    actor=request.user, name=values["corpus_name"] or values["name"], match_mode=values["match_mode"]
                )
            evaluation = create_evaluation(
                actor=request.user,
                corpus_id=corpus.pk if corpus else None,
                name=values["name"],
                description=values["description"],
                **form.search_values(),
            )
            return go_to(request, "evaluation" if evaluation.endpoint_id else "import_run", evaluation.pk)
    return render(request, "judging/runs/evaluations/create.html", {"form": form})


@require_GET
@member_required
def evaluation(request: PageRequest, evaluation_id: UUID) -> HttpResponse:
    found = get_evaluation(evaluation_id)
    return _evaluation_page(request, found, is_editing="edit" in request.GET)


@require_POST
@member_required
def evaluation_edit(request: PageRequest, evaluation_id: UUID) -> HttpResponse:
    found = get_evaluation(evaluation_id)
    form = EvaluationChangeForm(request.POST, evaluation=found)
    if form.is_valid():
        with errors_on(form):
            update_evaluation(
                actor=request.user,
                evaluation=found,
                name=form.cleaned_data["name"],
                description=form.cleaned_data["description"],
                **form.search_values(),
            )
            return tell_and_go(request, "Name and guidelines are saved.", "evaluation", found.pk)
    return _evaluation_page(request, get_evaluation(evaluation_id), is_editing=True, form=form)


@require_POST
@member_required
def evaluation_delete(request: PageRequest, evaluation_id: UUID) -> HttpResponse:
    found = get_evaluation(evaluation_id)
    delete_evaluation(actor=request.user, evaluation=found)
    return tell_and_go(
        request, f"{found.name} and its runs are deleted. The judgments stay with the corpus.", "evaluations"
    )


def _evaluation_page(
    request: PageRequest, evaluation: Evaluation, *, is_editing: bool = False, form: EvaluationChangeForm | None = None
) -> HttpResponse:
    is_archived = request.GET.get("archived") == "yes"
    page = page_of(request, listed_runs(evaluation, is_archived=is_archived), size=_RUNS_PER_PAGE)
    metrics = _metrics_of(page.rows)
    completed = [run for run in page.rows if run.status == EvaluationRunStatus.COMPLETED]
    context: dict[str, Any] = {
        "evaluation": evaluation,
        "page": page,
        "is_archived": is_archived,
        "metrics": metrics,
        "rows": _columns(page.rows, metrics),
        "best_coverage": best_coverage(),
        "chart": _chart(completed, metrics),
        "is_editing": is_editing,
        "form": form
        or EvaluationChangeForm(
            evaluation=evaluation, initial={"name": evaluation.name, "description": evaluation.description}
        ),
        **_comparison(request, completed),
    }
    return render(request, "judging/runs/evaluations/detail.html", context)


def _metrics_of(runs: list[EvaluationRun]) -> list[str]:
    """Return the metrics of the runs, those of the newest first."""
    return list(dict.fromkeys(name for run in runs for name in run.metrics))[:_MOST_METRICS]


def _columns(runs: list[EvaluationRun], metrics: list[str]) -> list[RunColumns]:
    highest: dict[tuple[str, str], float] = {}
    counts: dict[tuple[str, str], int] = {}
    for run in runs:
        for name in metrics:
            value = run.metric_values.get(name)
            if value is not None:
                highest[run.scale, name] = max(value, highest.get((run.scale, name), value))
                counts[run.scale, name] = counts.get((run.scale, name), 0) + 1
    return [
        RunColumns(
            run,
            coverage_of(run),
            cards_of(
                run,
                names=metrics,
                # Of a single value, none is the highest.
                highest=[
                    name
                    for name in metrics
                    if counts.get((run.scale, name), 0) > 1 and run.metric_values.get(name) == highest[run.scale, name]
                ],
            ),
        )
        for run in runs
    ]


def _chart(completed: list[EvaluationRun], metrics: list[str]) -> dict[str, Any] | None:
    """Return the trend, oldest first, None where there are not two values of anything to connect."""
    oldest_first = completed[::-1]
    series = [
        {"name": name, "values": [run.metric_values.get(name) for run in oldest_first]}
        for name in metrics
        # Unlike the others, this one is no share and would flatten them.
        if not name.upper().startswith("DCG")
    ]
    drawn = [line for line in series if sum(value is not None for value in line["values"]) > 1]
    if not drawn:
        return None
    return {"type": "line", "labels": [run.name for run in oldest_first], "series": drawn, "decimals": 4}


def _comparison(request: HttpRequest, completed: list[EvaluationRun]) -> dict[str, Any]:
    """Compare the two runs that ?before= and ?after= name, the two newest otherwise."""
    if len(completed) < 2:
        return {"comparable": []}
    by_id = {str(run.pk): run for run in completed}
    after = by_id.get(request.GET.get("after", ""), completed[0])
    before = by_id.get(request.GET.get("before", ""), completed[1] if after == completed[0] else completed[0])
    differences = []
    for name in after.metrics:
        values = before.metric_values.get(name), after.metric_values.get(name)
        if values[0] is not None and values[1] is not None:
            coverages = before.coverage_values.get(name), after.coverage_values.get(name)
            differences.append(MetricDifference(name, *values, *coverages))
    # On different scales the same number means different things.
    is_comparable = before.scale == after.scale
    by_query: Comparison | None = None
    if is_comparable and differences and before != after:
        wanted = request.GET.get("metric", "")
        names = [difference.name for difference in differences]
        by_query = compare_runs(before, after, wanted if wanted in names else names[0])
    return {
        "comparable": completed,
        "before": before,
        "after": after,
        "differences": differences if is_comparable else [],
        "has_one_scale": is_comparable,
        "by_query": by_query,
    }
