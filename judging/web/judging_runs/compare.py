"""Two AI judging runs, or two versions of a judge, against each other."""

from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from judging.foundation.errors import Conflict, NotFound
from judging.judging_runs.comparing import comparable_runs, usual_other
from judging.judging_runs.run_reads import get_judging_run
from judging.models import JudgingRun
from judging.records.blindness import sight_of_both
from judging.records.visibility import visible_judges
from judging.runs.run_lists import get_evaluation_run
from judging.statistics.agreement.consensus import DEFAULT_METHOD
from judging.statistics.figures import Figure
from judging.trust.comparisons.changed_rows import read_rows
from judging.trust.comparisons.judged_sides import ComparedSide, find_side
from judging.trust.comparisons.judging_run_comparison import JudgingRunComparison, changed_rows, compare_judging
from judging.trust.comparisons.run_order import order_runs, runs_to_order
from judging.trust.consensus import read_method
from judging.web.base import PageRequest, go_to, member_required, page_of, sentence, wants_fragment
from judging.web.judging_runs.labels import judging_run_label
from judging.web.judging_runs.run_order import order_tables
from judging.web.trust.pictures import heat_map

_ROWS = 25
_CHANGES = (("changed", "Changed"), ("up", "Up"), ("down", "Down"), ("all", "All"))


@dataclass(frozen=True, slots=True)
class Choice:
    """A side that can be chosen, by its name in the address."""

    name: str
    label: str


@require_safe
@member_required
def compare_judging_runs(request: PageRequest) -> HttpResponse:
    """Compare the sides that ?old= and ?new= name; what is left out is the usual one. ?run_id=: of which run."""
    given = request.GET
    run = get_evaluation_run(_uuid(given["run_id"])) if given.get("run_id") else None
    method = read_method(given.get("method", DEFAULT_METHOD))
    new = find_side(given["new"], run=run, method=method) if given.get("new") else None
    evaluation_run = new.run if new else run
    if evaluation_run is None:
        return go_to(request, "evaluations")
    choices = comparable_runs(evaluation_run)
    if new is None:
        newest = next((each for each in choices if each.evaluation_run_id == evaluation_run.pk), None)
        new = find_side(str(newest.pk)) if newest else None
    if given.get("old"):
        old: ComparedSide | None = find_side(given["old"], run=run, method=method)
    else:
        old = _usual_old_side(new, choices)
    context: dict[str, Any] = {"evaluation_run": get_evaluation_run(evaluation_run.pk), "old": old, "new": new}
    if old is None or new is None:
        return render(request, "judging/judging_runs/compare.html", context)
    if request.htmx.target == "run-order":
        order = order_runs(old, new, runs_to_order(old, new, "graded"))
        context |= {"order": order, "tables": order_tables(order) if order else []}
        return render(request, "judging/judging_runs/_run_order.html", context)
    context["choices"] = _choices(choices, old, new)
    try:
        comparison = compare_judging(old, new)
    except Conflict as error:
        context["problem"] = sentence(error.message)
        return render(request, "judging/judging_runs/compare.html", context)
    if sight_of_both(old.run, new.run, request.user).is_blind:
        context["is_blind"] = True
    else:
        context |= _rows(request, comparison)
    if wants_fragment(request) or request.htmx.target == "rows":
        return render(request, "judging/judging_runs/_compared_rows.html", context)
    context |= _figures(request, comparison)
    return render(request, "judging/judging_runs/compare.html", context)


def _usual_old_side(new: ComparedSide | None, choices: list[JudgingRun]) -> ComparedSide | None:
    if new is None or new.judging_run is None:
        return None
    other = usual_other(new.judging_run, choices)
    return find_side(str(other.pk)) if other else None


def _choices(runs: list[JudgingRun], *sides: ComparedSide) -> list[Choice]:
    known = [Choice(str(run.pk), judging_run_label(run)) for run in runs]
    names = {choice.name for choice in known}
    missing = {side.name: side for side in sides if side.name not in names}
    return [*(Choice(name, _side_label(side)) for name, side in missing.items()), *known]


def _side_label(side: ComparedSide) -> str:
    if side.judging_run:
        return judging_run_label(get_judging_run(side.judging_run.pk))
    return f"{side.label}, all of it" if side.version else side.label


def _figures(request: PageRequest, comparison: JudgingRunComparison) -> dict[str, Any]:
    old, new = comparison.old, comparison.new
    change = comparison.signed_change
    return {
        "comparison": comparison,
        "flips": comparison.flips,
        "left_out": comparison.only_old_count + comparison.only_new_count,
        "kappa": asdict(comparison.kappa),
        "change": asdict(change),
        "change_look": _direction(change),
        "distribution_p": comparison.distribution_p,
        "metrics": [(name, asdict(figure), _direction(figure)) for name, figure in comparison.metrics.items()],
        "heat_map": heat_map(comparison.matrix, new.run.scale, lambda row, column: _cell_url(request, row, column)),
        "prompts_url": _prompts_url(request, old, new),
        "order_url": f"?{_address(request)}",
    }


def _direction(figure: Figure) -> str:
    """Say whether an interval lies above or below 0: "up", "down", or "" where it holds 0 or there is none."""
    if figure.low is None or figure.high is None:
        return ""
    return "up" if figure.low > 0 else "down" if figure.high < 0 else ""


def _cell_url(request: PageRequest, row: int, column: int) -> str:
    return f"?{_address(request, **{'from': row, 'to': column})}#rows"


def _address(request: PageRequest, **more: object) -> str:
    kept = {name: request.GET[name] for name in ("old", "new", "run_id", "method") if request.GET.get(name)}
    return urlencode({**kept, **more})


def _prompts_url(request: PageRequest, old: ComparedSide, new: ComparedSide) -> str:
    """Return where two versions of one judge are told apart; "" where there is nothing to tell, or not to this user."""
    if old.version is None or new.version is None:
        return ""
    judge_id = new.version.judge_id
    if old.version.judge_id != judge_id or old.version.number == new.version.number:
        return ""
    if not visible_judges(request.user).filter(pk=judge_id).exists():
        return ""
    numbers = urlencode({"from": old.version.number, "to": new.version.number})
    return f"{reverse('ai_judge_versions', args=[judge_id])}?{numbers}"


def _rows(request: PageRequest, comparison: JudgingRunComparison) -> dict[str, Any]:
    highest = comparison.grade_count - 1
    cell = _grade(request.GET.get("from"), highest), _grade(request.GET.get("to"), highest)
    change = request.GET.get("change", "changed")
    change = change if change in dict(_CHANGES) else "changed"
    chosen = (cell[0], cell[1]) if cell[0] is not None and cell[1] is not None else None
    places: Any = changed_rows(comparison, change=change, cell=chosen)
    page = page_of(request, places, size=_ROWS)
    flips = comparison.flips
    counts = {
        "changed": flips.changed_count,
        "up": flips.up_count,
        "down": flips.down_count,
        "all": flips.compared_count,
    }
    return {
        "page": page,
        "rows": read_rows(comparison, page.rows),
        "cell": chosen,
        "cell_count": len(places),
        "change_chosen": "" if chosen else change,
        "filters": [(name, label, counts[name], f"?{_address(request, change=name)}#rows") for name, label in _CHANGES],
        "scale": comparison.new.run.scale,
    }


def _grade(text: str | None, highest: int) -> int | None:
    return (
        int(text) if text and text.isascii() and text.isdecimal() and len(text) < 4 and int(text) <= highest else None
    )


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("no such evaluation run") from None
