"""The settings of an evaluation run: its name, what it is measured by, how many people are to grade it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from judging.models import EvaluationRun
from judging.records.certificates import valid_certificates
from judging.runs.blindness import lift_blindness
from judging.runs.evaluation_runs import update_run
from judging.runs.run_lists import get_evaluation_run
from judging.web.base import PageRequest, errors_on, go_back, member_required, tell_and_go, toast
from judging.web.runs.forms import RunSettingsForm, initial_measures


@member_required
def run_settings(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Show and save a run's settings; a locked run has none to change."""
    run = get_evaluation_run(run_id)
    form = RunSettingsForm(request.POST) if request.method == "POST" else RunSettingsForm(initial=_initial(run))
    if form.is_valid():
        values = form.cleaned_data
        before = run.metrics, run.relevant_from
        with errors_on(form):
            changed = update_run(
                run=run,
                actor=request.user,
                name=values["name"],
                description=values["description"],
                metrics=values["all_metrics"],
                relevant_from=values["relevant_from"],
                judgments_wanted=values["judgments_wanted"],
                engine_model=values["engine_model"],
                blind=values["blind"],
            )
            has_new_metrics = (changed.metrics, changed.relevant_from) != before
            return tell_and_go(
                request,
                f"Saved.{' The metrics are computed anew.' if has_new_metrics else ''}",
                "evaluation_run",
                run.pk,
            )
    return render(
        request,
        "judging/runs/settings.html",
        {"run": run, "form": form, "certified_count": len(valid_certificates([run.pk]))},
    )


@require_POST
@member_required
def show_grades(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Lift the blindness of a run for the user, and go back to the page that was asked from."""
    run = get_evaluation_run(run_id)
    lift_blindness(run=run, actor=request.user)
    toast(
        request, messages.SUCCESS, "You see the grades of this run. Your grades on it do not count as blind any more."
    )
    return go_back(request, reverse("evaluation_run", args=[run.pk]))


def _initial(run: EvaluationRun) -> dict[str, object]:
    return {
        "name": run.name,
        "description": run.description,
        "judgments_wanted": run.judgments_wanted,
        "engine_model": run.engine_model,
        "blind": run.blind,
        **initial_measures(run),
    }
