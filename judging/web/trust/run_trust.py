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

from judging.models import CertificateStatus, EvaluationRun, Goal
from judging.runs.run_lists import get_evaluation_run
from judging.statistics.agreement.coefficients import AGREEMENT_FIGURES
from judging.trust.certificates import certificates_of
from judging.trust.reports import Report, run_report
from judging.web.base import PageRequest, member_required
from judging.web.trust.pictures import GoalBar, HeatMap, IntervalBar, goal_bar, heat_map, interval_bar


@require_GET
@member_required
def run_trust(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Show a run's figures; while those of a large run are computed, the page asks again by itself."""
    run = get_evaluation_run(run_id)
    report = run_report(run, is_waited_for=False)
    template = "judging/trust/_report.html" if request.htmx.target == "trust-report" else "judging/trust/run.html"
    context = {"run": run, "report": report, **_agreement(run, report), **_estimates(run, report)}
    return render(request, template, context)


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
            IntervalBar("The AI with all people but one", people["judge_kappa"]),
            IntervalBar("That one with the other people", people["person_kappa"], is_ceiling=True),
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
        return BiasWords(f"neither too generous nor too strict ({low:+.2f} to {high:+.2f} grades)", is_clear=False)
    least, most = sorted((abs(low), abs(high)))
    way = "generous" if value > 0 else "strict"
    return BiasWords(f"{abs(value):.2f} ({least:.2f} to {most:.2f}) grades too {way}", is_clear=True)


@dataclass(frozen=True, slots=True)
class EstimateRow:
    """A metric with what is told of it; `certificate_id` where it is certified and that is still valid."""

    name: str
    told: Mapping[str, Any]
    certificate_id: UUID | None


@dataclass(frozen=True, slots=True)
class SampleRow:
    """A check sample of the run: what it is for, its state in words and the look of that."""

    told: Mapping[str, Any]
    title: str
    state: str
    look: str

    @property
    def wanted_count(self) -> int:
        """About how many grades it will have taken in the end, at least 1."""
        return max(int(self.told["graded_count"] + self.told["needed_count"]), 1)

    @property
    def goal_bar(self) -> GoalBar | None:
        # A report that was stored before there was one has none.
        return goal_bar(self.told["goal"], self.told.get("goal_width"))

    @property
    def is_of_a_metric(self) -> bool:
        return self.told["goal"] in (Goal.CERTIFY, Goal.PRECISION)


_STATES = {
    "open": ("Open", "info"),
    "reached": ("Reached", "success"),
    "exhausted": ("All graded, goal not reached", "warning"),
    "void": ("Void: the run's candidates have changed", "danger"),
}


def _estimates(run: EvaluationRun, report: Report | None) -> dict[str, Any]:
    if report is None:
        return {}
    certificates = certificates_of(run.pk)
    valid = {each.metric: each.pk for each in reversed(certificates) if each.status == CertificateStatus.VALID}
    told = report.figures["estimates"]
    samples = [_sample_row(each) for each in report.figures["check_samples"]]
    return {
        "estimates": [EstimateRow(name, each, valid.get(name)) for name, each in told.items()],
        "samples": samples,
        "certificates": certificates,
    }


def _sample_row(told: Mapping[str, Any]) -> SampleRow:
    title = str(Goal(told["goal"]).label)
    if told["metric"]:
        title = {
            Goal.CERTIFY: f"Certify {told['metric']}",
            Goal.PRECISION: f"{told['metric']} to ±{told['half_width']}",
            Goal.COMPARE: f"Compare two runs in {told['metric']}",
        }[Goal(told["goal"])]
    return SampleRow(told, title, *_STATES[told["status"]])
