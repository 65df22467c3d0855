"""The sidebar of an evaluation run: an AI judge is started there, followed, and cancelled."""

from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import retarget, trigger_client_event

from judging.foundation.errors import Conflict, DomainError, Invalid, NotFound
from judging.foundation.limits import MAX_BIG_INTEGER, MAX_CONCURRENCY, MAX_IDEMPOTENCY_KEY, MAX_INTEGER
from judging.judging_runs.run_reads import get_judging_run, judging_runs
from judging.judging_runs.slowness import with_slowness
from judging.judging_runs.starting import (
    JudgingOptions,
    cancel_judging_run,
    check_can_start,
    estimate_judging_run,
    start_judging_run,
)
from judging.models import ACTIVE_STATUSES, AIJudge, EvaluationRun, JudgingRun, Scope, User
from judging.records.visibility import visible_judges
from judging.runs.run_lists import get_evaluation_run
from judging.web.base import (
    PageRequest,
    errors_as_toast,
    errors_on,
    go_to,
    member_required,
    page_or_fragment,
    sentence,
    wants_fragment,
    watch_runs,
)
from judging.web.run_rows import JudgingRow, money
from judging.work.rescue import rescue_stalled

_MOST_RUNS = 20
_OF_EARLIER = (Scope.FAILED, Scope.REMAINING)


def _judge_label(judge: AIJudge) -> str:
    return f"{judge.name} ({judge.model})"


def _run_label(run: JudgingRun) -> str:
    left = run.failed_count + run.skipped_count
    trial = " (trial)" if run.trial else ""
    return f"{run.judge_version.label}{trial}, {run.created_at:%Y-%m-%d %H:%M}: {left:,} left"


def _limit(label: str, help_text: str, placeholder: str, maximum: int = MAX_INTEGER) -> forms.IntegerField:
    attrs = {"placeholder": placeholder, "inputmode": "numeric"}
    return forms.IntegerField(
        label=label,
        min_value=1,
        max_value=maximum,
        required=False,
        help_text=help_text,
        widget=forms.NumberInput(attrs=attrs),
    )


class StartForm(forms.Form):
    """What `start_judging_run` takes. The key makes a double click start one run."""

    ai_judge_id = forms.ModelChoiceField(label="AI Judge", queryset=AIJudge.objects.none(), empty_label=None)
    scope = forms.ChoiceField(label="Scope", choices=Scope.choices, initial=Scope.ALL)
    source_run_id = forms.ModelChoiceField(
        label="Earlier judging run", queryset=JudgingRun.objects.none(), required=False, empty_label="The newest one"
    )
    depth = _limit("Depth", "Of each query, only so many candidates from the top.", "all")
    query_limit = _limit("Query sample", "Only so many queries, drawn at random: to try a prompt.", "all")
    max_concurrency = _limit("Concurrency", "Calls at the same time.", "judge's own", MAX_CONCURRENCY)
    max_total_tokens = _limit("Token budget", "The run ends when it is spent.", "none", MAX_BIG_INTEGER)
    trial = forms.BooleanField(
        label="As a trial",
        required=False,
        help_text="Its grades are kept beside, to compare: no grade of record and no metric changes.",
    )
    key = forms.CharField(max_length=MAX_IDEMPOTENCY_KEY, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, user: User, run: EvaluationRun, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["ai_judge_id"].queryset = visible_judges(user).order_by("name", "pk")
        fields["ai_judge_id"].label_from_instance = _judge_label
        ended = judging_runs(run).exclude(status__in=ACTIVE_STATUSES)
        fields["source_run_id"].queryset = ended
        fields["source_run_id"].label_from_instance = _run_label
        self.has_earlier = ended.exists()
        if not self.has_earlier:
            fields["scope"].choices = [choice for choice in Scope.choices if choice[0] not in _OF_EARLIER]
            del fields["source_run_id"]
        if not self.is_bound:
            self.initial["key"] = str(uuid4())

    def options(self) -> JudgingOptions:
        values = self.cleaned_data
        source = values.get("source_run_id") if values["scope"] in _OF_EARLIER else None
        return JudgingOptions(
            scope=values["scope"],
            source_run_id=source.pk if source else None,
            depth=values["depth"],
            query_limit=values["query_limit"],
            max_concurrency=values["max_concurrency"],
            max_total_tokens=values["max_total_tokens"],
            trial=values["trial"],
        )


def sidebar(request: PageRequest, run: EvaluationRun, form: StartForm | None = None) -> dict[str, Any]:
    """Return what the sidebar shows. With ?judge=1 the form is open, filled with what the address says."""
    is_open = form is not None or "judge" in request.GET
    context: dict[str, Any] = {"run": run, **_list(run)}
    if is_open and not context["reason"]:
        form = form or StartForm(user=request.user, run=run, initial=_asked_for(request.GET))
        context |= {"form": form, "has_judges": form.fields["ai_judge_id"].queryset.exists()}  # type: ignore[attr-defined]
    return context


def _asked_for(given: QueryDict) -> dict[str, str]:
    names = ("ai_judge_id", "scope", "source_run_id", "trial", "depth")
    return {name: str(given[name]) for name in names if name in given}


def _reason(run: EvaluationRun) -> str:
    """Return why no judging run can start, "" when one can."""
    try:
        check_can_start(run)
    except Conflict as error:
        return sentence(error.message)
    return ""


@require_GET
@member_required
def judge_form(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Answer the sidebar with the form open (?judge=1) or closed."""
    run = get_evaluation_run(run_id)
    if not wants_fragment(request):
        return go_to(request, "evaluation_run", run.pk)
    return render(request, "judging/judging_runs/_start.html", sidebar(request, run))


@require_POST
@member_required
def start_judging(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Start an AI judging run. It is queued at once; the same form sent twice starts one."""
    run = get_evaluation_run(run_id)
    form = StartForm(request.POST, user=request.user, run=run)
    if form.is_valid():
        with errors_on(form):
            started = start_judging_run(
                evaluation_run=run,
                judge=form.cleaned_data["ai_judge_id"],
                actor=request.user,
                options=form.options(),
                idempotency_key=form.cleaned_data["key"],
            )
            return _started(request, run, started)
    # The old key may be why it was refused.
    data = request.POST.copy()
    data["key"] = str(uuid4())
    form.data = data
    return page_or_fragment(
        request, "judging/judging_runs/start.html", "judging/judging_runs/_start.html", sidebar(request, run, form)
    )


def _started(request: PageRequest, run: EvaluationRun, started: JudgingRun) -> HttpResponse:
    if "follow" in request.POST:
        return go_to(request, "judging_run", started.pk)
    if not wants_fragment(request):
        return go_to(request, "evaluation_run", run.pk)
    response = render(request, "judging/runs/_judging.html", {"run": run, **_list(run)})
    return watch_runs(retarget(response, "#judging"))


@require_GET
@member_required
def estimate(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Answer what the form, as it is now, would come to."""
    run = get_evaluation_run(run_id)
    form = StartForm(request.GET, user=request.user, run=run)
    context: dict[str, Any] = {}
    if form.is_valid():
        try:
            found = estimate_judging_run(
                evaluation_run=run, judge=form.cleaned_data["ai_judge_id"], options=form.options()
            )
            context = {"estimate": found, "cost": money(found.cost), "is_trial": form.cleaned_data["trial"]}
        except (Invalid, Conflict) as error:
            context = {"problem": sentence(error.message)}
    else:
        context = {"problem": "No estimate: " + " ".join(str(text) for texts in form.errors.values() for text in texts)}
    return render(request, "judging/judging_runs/_estimate.html", context)


@require_GET
@member_required
def judging_list(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Answer the judging runs of a run, polled while some are under way. `known`: those that were at the last look."""
    try:
        run = get_evaluation_run(run_id)
    except NotFound:
        return render(request, "judging/runs/_gone.html", {"part": "judging-runs"})
    context = _list(run)
    response = render(request, "judging/runs/_judging_runs.html", {"run": run, **context, "has_title": True})
    still = context["live_ids"]
    if any(known not in still for known in request.GET.get("known", "").split(",") if known):
        trigger_client_event(response, "releval:run-ended", after="settle")
    return response


@require_POST
@member_required
def cancel_judging(request: PageRequest, judging_run_id: UUID) -> HttpResponse:
    """Cancel, and answer with the renewed list; if the run has ended by then, say so."""
    judging_run = get_judging_run(judging_run_id)
    with errors_as_toast(request, DomainError, level=messages.INFO):
        cancel_judging_run(judging_run=judging_run, actor=request.user)
    if not wants_fragment(request) or request.htmx.target != "judging-runs":
        return go_to(request, "judging_run", judging_run.pk)
    run = get_evaluation_run(judging_run.evaluation_run_id)
    response = render(request, "judging/runs/_judging_runs.html", {"run": run, **_list(run), "has_title": True})
    return trigger_client_event(response, "releval:run-ended", after="settle")


def _list(run: EvaluationRun) -> dict[str, Any]:
    found = list(judging_runs(run)[: _MOST_RUNS + 1])
    rows = [JudgingRow(each) for each in found[:_MOST_RUNS]]
    active = [row for row in rows if row.run.is_active]
    live = [row.run for row in rows if not row.run.is_settled]
    rescue_stalled(live)
    with_slowness(live)
    return {
        "reason": _reason(run),
        "judging_rows": rows,
        "has_more_judging_runs": len(found) > _MOST_RUNS,
        "live_ids": [str(each.pk) for each in live],
        "active_percent": active[0].percent if active else None,
    }
