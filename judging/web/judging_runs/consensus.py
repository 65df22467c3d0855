"""Several judges of a run as one: how their consensus agrees with people, beside each of them and each pair."""

from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from judging.foundation.errors import DomainError
from judging.foundation.limits import MAX_CONSENSUS_JUDGES
from judging.judging_runs.comparing import comparable_runs
from judging.models import EvaluationRun
from judging.runs.run_lists import get_evaluation_run
from judging.statistics.agreement.consensus import DEFAULT_METHOD, ConsensusMethod
from judging.trust.agreement import ConsensusJudges, compare_sides
from judging.trust.consensus import consensus_name, read_method, side_name
from judging.trust.grades import check_completed, read_run_grades
from judging.web.base import PageRequest, member_required, sentence
from judging.web.judging_runs.labels import judging_run_label
from judging.web.trust.pictures import interval_bar

_METHODS: tuple[tuple[ConsensusMethod, str, str], ...] = (
    ("median", "Median", "the grade in the middle, of an even number of grades the lower one"),
    ("majority", "Majority", "the most frequent grade, of several as frequent the lowest"),
)


@dataclass(frozen=True, slots=True)
class JudgeChoice:
    """A judge that may be ticked, by its name as a side."""

    name: str
    label: str
    is_chosen: bool


@require_safe
@member_required
def run_consensus(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Show the consensus of the judges that ?judge= names, two or more; what can't be one is said above the form."""
    run = get_evaluation_run(run_id)
    check_completed(run)
    method = read_method(request.GET.get("method", DEFAULT_METHOD))
    chosen = list(dict.fromkeys(request.GET.getlist("judge")))
    labels = _labels(run)
    context: dict[str, Any] = {
        "run": run,
        "choices": [JudgeChoice(name, label, name in chosen) for name, label in labels.items()],
        "method": method,
        "methods": _METHODS,
        "most": MAX_CONSENSUS_JUDGES,
    }
    if chosen:
        try:
            context |= _figures(run, chosen, method, labels)
        except DomainError as error:
            context["problem"] = sentence(error.message)
    return render(request, "judging/judging_runs/consensus.html", context)


def _labels(run: EvaluationRun) -> dict[str, str]:
    """Name what can be chosen: the judge versions that graded the run, and judging runs, those of other runs last."""
    runs = comparable_runs(run)
    versions = {each.judge_version for each in runs if each.evaluation_run_id == run.pk}
    ordered = sorted(versions, key=lambda version: (version.label, str(version.pk)))
    return {side_name(version): version.label for version in ordered} | {
        side_name(each): judging_run_label(each) for each in runs
    }


def _figures(run: EvaluationRun, chosen: list[str], method: ConsensusMethod, labels: dict[str, str]) -> dict[str, Any]:
    name = consensus_name(chosen)
    found = compare_sides(run, read_run_grades(run), a=name, b="people", method=method)
    judges: ConsensusJudges = found.consensus["a"]
    kappa = asdict(found.figures["kappa_quadratic"])
    bars = [interval_bar(labels.get(side.name, side.label), asdict(each)) for side, each in judges.judges]
    return {
        "kappa": kappa,
        "bars": [*bars, interval_bar(f"Their {method}", kappa)],
        "pairs": [
            (labels.get(first.name, first.label), labels.get(second.name, second.label), asdict(each))
            for first, second, each in judges.pairwise
        ],
        "comparisons": [
            (labels.get(side.name, side.label), _comparison_url(run, side.name, name, method))
            for side, _ in judges.judges
        ],
    }


def _comparison_url(run: EvaluationRun, old: str, new: str, method: ConsensusMethod) -> str:
    given = {"old": old, "new": new, "method": method, "run_id": run.pk}
    return f"{reverse('compare_judging_runs')}?{urlencode(given)}"
