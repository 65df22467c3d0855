"""A run's Trust tab: do judge and people agree, what would people say, how sure are we."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from judging.models import EvaluationRun
from judging.runs.run_lists import get_evaluation_run
from judging.statistics.agreement.coefficients import AGREEMENT_FIGURES
from judging.trust.reports import Report, run_report
from judging.web.base import PageRequest, member_required
from judging.web.trust.pictures import HeatMap, IntervalBar, heat_map, interval_bar


@require_GET
@member_required
def run_trust(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Show a run's figures; while those of a large run are computed, the page asks again by itself."""
    run = get_evaluation_run(run_id)
    report = run_report(run, is_waited_for=False)
    template = "judging/trust/_report.html" if request.htmx.target == "trust-report" else "judging/trust/run.html"
    return render(request, template, {"run": run, "report": report, **_agreement(run, report)})


def _agreement(run: EvaluationRun, report: Report | None) -> dict[str, Any]:
    if report is None:
        return {}
    agreement, people = report.figures["agreement"], report.figures["people"]
    return {
        "agreement": agreement,
        "people": people,
        "bars": _bars(agreement, people),
        "heat_map": _confusion(run, agreement["confusion"]),
        "details": [(figure.name, agreement[figure.name]) for figure in AGREEMENT_FIGURES],
        "bias_words": bias_words(agreement["bias"]),
        "has_shown": agreement["shown_count"] or agreement["unknown_count"],
    }


def _bars(agreement: Mapping[str, Any], people: Mapping[str, Any]) -> Sequence[IntervalBar]:
    """Return the judge and, where several people graded, what they reach among themselves, on one axis."""
    bars = [interval_bar("The AI with people", agreement["kappa_quadratic"])]
    if people["person_kappa"] is not None:
        bars += [
            IntervalBar("The AI in one person's place", people["judge_kappa"]),
            IntervalBar("A person with the other people", people["person_kappa"], is_ceiling=True),
        ]
    return bars


def _confusion(run: EvaluationRun, counts: Sequence[Sequence[int]]) -> HeatMap:
    grid = reverse("review_grid", args=[run.pk])

    def address(ai: int, people: int) -> str:
        return f"{grid}?{urlencode({'ai_grade': ai, 'grade': people, 'status': 'by_people'})}"

    return heat_map(counts, run.scale, address)


@dataclass(frozen=True, slots=True)
class BiasWords:
    """How far the AI is off on average, in words: "0.3 grades too generous"."""

    text: str
    is_clear: bool


def bias_words(bias: Mapping[str, Any]) -> BiasWords | None:
    """Say in words what a figure of bias says; None where it is refused."""
    value, low, high = bias["value"], bias["low"], bias["high"]
    if value is None:
        return None
    if low <= 0 <= high:
        return BiasWords("neither too generous nor too strict, as far as can be told", is_clear=False)
    return BiasWords(f"{abs(value):.2f} grades too {'generous' if value > 0 else 'strict'}", is_clear=True)
