"""Evaluators and response judges: list, make, change, delete, and try on one input."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from judging.foundation.errors import NotFound
from judging.foundation.text import name_of_copy
from judging.models import Evaluator, ResponseJudge
from judging.responses.evaluators import delete_evaluator, save_evaluator
from judging.responses.executions import create_batch
from judging.responses.immediate import execute_now
from judging.responses.judge_reads import evaluator_names, get_evaluator
from judging.responses.judge_reads import evaluators as team_evaluators
from judging.responses.judge_reads import response_judges as team_judges
from judging.responses.plans import BatchPlan, plan_evaluators, plan_judge
from judging.responses.response_judges import current_references, delete_response_judge, save_response_judge
from judging.responses.results.execution_pages import ItemRow, item_rows
from judging.responses.results.execution_reads import get_batch
from judging.web.base import PageRequest, errors_on, member_required, page_of, page_or_fragment, tell_and_go
from judging.web.responses.executions import default_model_context
from judging.web.responses.forms import VARIABLES, EvaluatorForm, ResponseJudgeForm, TryForm

_EVALUATOR = "judging/responses/evaluator.html"
_JUDGE = "judging/responses/response_judge.html"


@require_safe
@member_required
def evaluators(request: PageRequest) -> HttpResponse:
    page = page_of(request, team_evaluators().select_related("ai_provider").order_by("preset", "name", "pk"))
    context = {"page": page, **default_model_context(request.user)}
    return render(request, "judging/responses/evaluators.html", context)


@member_required
def evaluator_create(request: PageRequest) -> HttpResponse:
    return _evaluator_page(request, None)


@member_required
def evaluator(request: PageRequest, evaluator_id: UUID) -> HttpResponse:
    return _evaluator_page(request, get_evaluator(evaluator_id))


def _evaluator_page(request: PageRequest, found: Evaluator | None) -> HttpResponse:
    form = EvaluatorForm(request.POST if request.method == "POST" else None, evaluator=found)
    if form.is_valid():
        with errors_on(form):
            saved = save_evaluator(actor=request.user, fields=form.values(), evaluator=found)
            return tell_and_go(request, f"{saved.name} is saved, at version {saved.version}.", "evaluator", saved.pk)
    return render(request, _EVALUATOR, _evaluator_context(request, found, form), status=400 if form.is_bound else 200)


@require_POST
@member_required
def duplicate_evaluator(request: PageRequest, evaluator_id: UUID) -> HttpResponse:
    """Make a copy of an evaluator, such as a preset, that the team can change."""
    found = get_evaluator(evaluator_id)
    fields = {**found.settings_dict(), "name": name_of_copy(found.name)}
    copy = save_evaluator(actor=request.user, fields=fields)
    return tell_and_go(request, f"{copy.name} is made.", "evaluator", copy.pk)


@require_POST
@member_required
def delete_evaluator_page(request: PageRequest, evaluator_id: UUID) -> HttpResponse:
    found = get_evaluator(evaluator_id)
    delete_evaluator(actor=request.user, evaluator=found)
    return tell_and_go(request, f"{found.name} is deleted. What it scored stays.", "evaluators")


@require_POST
@member_required
def evaluator_test(request: PageRequest, evaluator_id: UUID) -> HttpResponse:
    found = get_evaluator(evaluator_id)
    tried = _tried(request, lambda: plan_evaluators(evaluator_ids=[found.pk]))
    context = _evaluator_context(request, found, EvaluatorForm(evaluator=found)) | tried
    return page_or_fragment(request, _EVALUATOR, "judging/responses/_try.html", context)


@require_safe
@member_required
def response_judges(request: PageRequest) -> HttpResponse:
    page = page_of(request, team_judges().order_by("preset", "name", "pk"))
    names = evaluator_names(page.rows)
    context = {"page": page, "rows": [(judge, names[judge.pk]) for judge in page.rows]}
    return render(request, "judging/responses/response_judges.html", context)


@member_required
def response_judge_create(request: PageRequest) -> HttpResponse:
    return _judge_page(request, None)


@member_required
def response_judge(request: PageRequest, judge_id: UUID) -> HttpResponse:
    return _judge_page(request, _get_response_judge(judge_id))


def _judge_page(request: PageRequest, found: ResponseJudge | None) -> HttpResponse:
    form = _judge_form(request, found)
    if form.is_valid():
        with errors_on(form):
            saved = save_response_judge(
                actor=request.user, fields=form.values(), references=form.references(), judge=found
            )
            return tell_and_go(
                request, f"{saved.name} is saved, at version {saved.version}.", "response_judge", saved.pk
            )
    return render(request, _JUDGE, _judge_context(request, found, form), status=400 if form.is_bound else 200)


@require_POST
@member_required
def delete_response_judge_page(request: PageRequest, judge_id: UUID) -> HttpResponse:
    found = _get_response_judge(judge_id)
    delete_response_judge(actor=request.user, judge=found)
    return tell_and_go(request, f"{found.name} is deleted. Its batches stay.", "response_judges")


@require_POST
@member_required
def response_judge_test(request: PageRequest, judge_id: UUID) -> HttpResponse:
    found = _get_response_judge(judge_id)
    tried = _tried(request, lambda: plan_judge(actor=request.user, judge_id=found.pk))
    form = ResponseJudgeForm(judge=found, references=current_references(found))
    context = _judge_context(request, found, form) | tried
    return page_or_fragment(request, _JUDGE, "judging/responses/_try.html", context)


def _tried(request: PageRequest, plan: Callable[[], BatchPlan]) -> dict[str, Any]:
    """Execute one input now, as the API's execute does: it leaves an execution log and no batch in the list."""
    form = TryForm(request.POST)
    tried: dict[str, Any] = {"try_form": form}
    if form.is_valid():
        with errors_on(form):
            done = execute_now(
                lambda: create_batch(actor=request.user, plan=plan(), inputs=[form.batch_input()], is_immediate=True)
            )
            done = get_batch(done.pk)
            row: ItemRow = item_rows(done, list(done.evaluators.all()))[0]
            tried |= {"tried": row, "tried_batch": done}
    return tried


def _judge_form(request: PageRequest, found: ResponseJudge | None) -> ResponseJudgeForm:
    data = request.POST if request.method == "POST" else None
    return ResponseJudgeForm(data, judge=found, references=current_references(found) if found else None)


def _evaluator_context(request: PageRequest, found: Evaluator | None, form: EvaluatorForm) -> dict[str, Any]:
    return {
        "thing": found,
        "form": form,
        "variables": VARIABLES,
        "try_form": TryForm(),
        "test_route": "test_evaluator",
        **default_model_context(request.user),
    }


def _judge_context(request: PageRequest, found: ResponseJudge | None, form: ResponseJudgeForm) -> dict[str, Any]:
    return {"thing": found, "form": form, "try_form": TryForm(), "test_route": "test_response_judge"}


def _get_response_judge(judge_id: UUID) -> ResponseJudge:
    judge = team_judges().filter(pk=judge_id).first()
    if judge is None:
        raise NotFound("no such judge")
    return judge
