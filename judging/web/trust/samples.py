"""Check samples of a run: the list, the form that starts one and says what it will take, and one sample's page."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from judging.foundation.errors import DomainError
from judging.foundation.limits import MAX_METRIC_NAME
from judging.metrics import parse_metric
from judging.models import CheckSample, EvaluationRun, EvaluationRunStatus, Goal
from judging.runs.run_lists import get_evaluation_run, listed_runs
from judging.statistics.estimates.additive import is_additive
from judging.trust.samples.acts import create_check_sample, delete_check_sample, preview_check_sample
from judging.trust.samples.handing_out import is_anything_left
from judging.trust.samples.own_work import own_counts
from judging.trust.samples.plans import is_estimated
from judging.trust.samples.states import (
    SampleState,
    check_samples,
    get_check_sample,
    metric_of,
    sample_state,
    sample_states,
)
from judging.web.base import (
    PageRequest,
    errors_on,
    go_to,
    member_required,
    page_of,
    sentence,
    signed_in,
    tell_and_go,
    wants_fragment,
)
from judging.web.trust.how_sections import BY_DOCUMENT
from judging.web.trust.pictures import GoalBar, IntervalBar, goal_bar, interval_bar

_MOST_OPEN = 20
_PEOPLE = 2
_GOALS = (
    (Goal.CERTIFY, "Certify a metric: grade until the interval is almost as narrow as if people had graded everything"),
    (Goal.PRECISION, "A metric to a precision of your choice"),
    (Goal.AGREEMENT, "How well the AI and people agree on this run"),
    (Goal.COMPARE, "Which of two runs people find better"),
)


class SampleForm(forms.Form):
    """What `create_check_sample` takes; the fields that a goal does not ask for are not sent on."""

    goal = forms.ChoiceField(
        label="What do you want to know?", choices=_GOALS, initial=Goal.CERTIFY, widget=forms.RadioSelect
    )
    metric = forms.CharField(
        label="Metric",
        required=False,
        max_length=MAX_METRIC_NAME,
        widget=forms.TextInput(attrs={"list": "sample-metrics", "autocomplete": "off", "spellcheck": "false"}),
        help_text=f"A metric with its cut-off. {BY_DOCUMENT} take the fewest grades.",
    )
    half_width = forms.FloatField(
        label="Give or take",
        required=False,
        widget=forms.NumberInput(attrs={"step": "0.01", "min": "0.01", "inputmode": "decimal"}),
        help_text="Half the width of the interval: 0.05 means 0.61 give or take 0.05.",
    )
    other_run_id = forms.ModelChoiceField(
        label="Against", queryset=EvaluationRun.objects.none(), required=False, empty_label="Choose a run"
    )

    def __init__(self, *args: Any, run: EvaluationRun, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = listed_runs().filter(
            evaluation__corpus_id=run.evaluation.corpus_id,
            scale=run.scale,
            status=EvaluationRunStatus.COMPLETED,
            is_locked=False,
        )
        fields: Any = self.fields
        fields["other_run_id"].queryset = others.exclude(pk=run.pk)
        offered = [name for name in run.metrics if is_estimated(parse_metric(name))]
        self.metrics = list(dict.fromkeys([*offered, "P@10", "SDCG@10", "NDCG@10", "MRR@10"]))
        # What the goal chosen asks for; without one, none is marked as optional.
        goal = self.data.get("goal") if self.is_bound else None
        fields["metric"].required = goal != Goal.AGREEMENT
        fields["half_width"].required = goal in (None, Goal.PRECISION)
        fields["other_run_id"].required = goal in (None, Goal.COMPARE)
        self.use_required_attribute = False
        self.initial.setdefault("metric", _first_additive(self.metrics))
        self.initial.setdefault("half_width", 0.05)

    def asked_for(self) -> dict[str, Any]:
        """Return the arguments of the goal that was chosen."""
        values = self.cleaned_data
        goal = values["goal"]
        return {
            "goal": goal,
            "metric": "" if goal == Goal.AGREEMENT else values["metric"],
            "half_width": values["half_width"] if goal in (Goal.PRECISION, Goal.AGREEMENT) else None,
            "other_run": values["other_run_id"] if goal == Goal.COMPARE else None,
        }


def _first_additive(names: Sequence[str]) -> str:
    return next((name for name in names if is_additive(parse_metric(name))), names[0])


@dataclass(frozen=True, slots=True)
class SampleRow:
    """A sample as pages show it: what it is called, how far it is, and its estimate as a picture."""

    state: SampleState
    title: str
    bar: IntervalBar
    total_bar: IntervalBar

    @property
    def sample(self) -> CheckSample:
        return self.state.sample

    @property
    def bars(self) -> list[IntervalBar]:
        return [self.bar, self.total_bar] if self.total_bar.low is not None else [self.bar]

    @property
    def wanted_count(self) -> int:
        """About how many grades it will have taken in the end, at least 1."""
        return max(self.state.graded_count + self.state.needed_count, 1)

    @property
    def goal_bar(self) -> GoalBar | None:
        width = self.state.goal_width
        return goal_bar(self.sample.goal, asdict(width) if width else None)

    @property
    def answered_count(self) -> int:
        return self.state.graded_count + self.state.ahead_count

    @property
    def graded_share(self) -> float | None:
        count = self.state.population_count
        return self.state.graded_count / count if count else None

    @property
    def is_about_queries(self) -> bool:
        return self.state.estimate.method == "regression_by_query"

    @property
    def answer(self) -> str:
        """Say which run is better where the interval that holds at all looks says so, else nothing."""
        value, width = self.state.estimate.value, self.state.anytime_half_width
        if self.sample.other_run is None or value is None or width is None or abs(value) <= width:
            return ""
        return self.sample.run.name if value > 0 else self.sample.other_run.name


def sample_title(sample: CheckSample) -> str:
    """Name a sample by what it is to find out; without the names of runs, which graders are not told."""
    if sample.goal == Goal.AGREEMENT:
        return "Agreement of the AI and people"
    if sample.goal == Goal.COMPARE:
        return f"Two runs by {sample.metric}"
    return f"{sample.metric} to ±{sample.half_width:g}" if sample.goal == Goal.PRECISION else f"Certify {sample.metric}"


def row_of(state: SampleState) -> SampleRow:
    """Make a sample's row."""
    sample, figure = state.sample, asdict(state.estimate)
    metric = metric_of(sample)
    # DCG alone has no natural end.
    most = 1.0 if metric is None or metric.family != "DCG" else max(figure["high_total"] or 1.0, 1.0)
    least = -most if sample.other_run_id is not None else 0.0
    total = {**figure, "low": figure["low_total"], "high": figure["high_total"]}
    return SampleRow(
        state,
        sample_title(sample),
        interval_bar("For these queries", figure, least=least, most=most),
        interval_bar("For queries like these", total, least=least, most=most),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def run_samples(request: PageRequest, run_id: UUID) -> HttpResponse:
    """List a run's check samples below the form that starts one, filled in as the address says."""
    run = get_evaluation_run(run_id)
    named = {name: request.GET[name] for name in SampleForm.base_fields if name in request.GET}
    form = SampleForm(request.POST or None, run=run, initial=named)
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            sample = create_check_sample(run=run, actor=request.user, **form.asked_for())
            return go_to(request, "check_sample", sample.pk)
    page = page_of(request, check_samples(run), size=10)
    rows = [row_of(state) for state in sample_states(page.rows)] if run.status == "completed" else []
    context = {"run": run, "form": form, "samples": page, "rows": rows}
    return render(request, "judging/trust/samples.html", context)


@require_GET
@member_required
def plan_sample(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Say what the sample that the form describes would take."""
    run = get_evaluation_run(run_id)
    form = SampleForm(request.GET, run=run)
    context: dict[str, Any] = {"run": run}
    if form.is_valid():
        try:
            preview = preview_check_sample(run, **form.asked_for())
        except DomainError as error:
            context["reason"] = sentence(error.message)
        else:
            metric = metric_of(preview.state.sample)
            context |= {
                "preview": preview,
                "left_count": preview.population_count - preview.answered_count,
                "seconds_of_each": preview.state.needed_seconds / _PEOPLE,
                "needs_whole_queries": metric is not None and not is_additive(metric),
                "needed_share": preview.state.needed_count / preview.population_count
                if preview.population_count
                else None,
                "is_mrr": metric is not None and metric.family == "MRR",
            }
    else:
        context["reason"] = sentence(str(next(iter(form.errors.values()))[0]))
    return render(request, "judging/trust/_sample_plan.html", context)


@require_GET
@member_required
def show_sample(request: PageRequest, sample_id: UUID) -> HttpResponse:
    """Show one sample: its estimate, and about how much more it takes."""
    sample = get_check_sample(sample_id)
    return render(request, "judging/trust/sample.html", {"run": sample.run, "row": row_of(sample_state(sample))})


@require_POST
@member_required
def delete_sample(request: PageRequest, sample_id: UUID) -> HttpResponse:
    sample = get_check_sample(sample_id)
    delete_check_sample(sample=sample, actor=request.user)
    return tell_and_go(
        request, "The check sample is deleted. The grades given for it stay.", "run_samples", sample.run_id
    )


@require_GET
@signed_in
def open_samples(request: PageRequest, run_id: UUID) -> HttpResponse:
    """List what may be graded of a run's samples, for the Evaluate page, which asks when it stands."""
    run = get_evaluation_run(run_id)
    if not wants_fragment(request):
        return go_to(request, "evaluate", run.pk)
    return _open_samples(request, check_samples(run))


@require_GET
@signed_in
def all_open_samples(request: PageRequest) -> HttpResponse:
    """List what may be graded of any run's samples, for a rater's first page."""
    if not wants_fragment(request):
        return go_to(request, "home")
    return _open_samples(request, check_samples(), with_runs=True)


def _open_samples(request: PageRequest, samples: QuerySet[CheckSample], *, with_runs: bool = False) -> HttpResponse:
    gradable = samples.filter(run__status=EvaluationRunStatus.COMPLETED, run__is_locked=False)
    states = sample_states(list(gradable[:_MOST_OPEN]))
    found = [
        state.sample
        for state in states
        if state.look is not None
        and state.status != "reached"
        and (len(state.look.to_do) or is_anything_left(state.sample, state.look, request.user))
    ]
    rows = [
        (sample, sample_title(sample), count)
        for sample, count in zip(found, own_counts(found, request.user), strict=True)
    ]
    return render(request, "judging/trust/_open_samples.html", {"rows": rows, "with_runs": with_runs})
