"""The button "Judge the n documents that decide it"."""

from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from judging.foundation.errors import Invalid
from judging.foundation.limits import MAX_IDEMPOTENCY_KEY
from judging.judging_runs.deciding import DecidingOptions, start_deciding_runs
from judging.metrics.names import MAX_CUTOFF
from judging.models import AIJudge, User
from judging.records.visibility import visible_judges
from judging.trust.comparisons.run_comparison import check_comparable, read_runs
from judging.web.base import PageRequest, go_to, member_required, toast


class DecidingForm(forms.Form):
    """Which judge, and how deep. The key makes a double click start once."""

    ai_judge_id = forms.ModelChoiceField(label="AI judge", queryset=AIJudge.objects.none(), empty_label=None)
    k = forms.IntegerField(min_value=1, max_value=MAX_CUTOFF)
    key = forms.CharField(max_length=MAX_IDEMPOTENCY_KEY - 10, required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["ai_judge_id"].queryset = visible_judges(user)  # type: ignore[attr-defined]


def new_key() -> str:
    """Return a key for a form that is about to be shown."""
    return str(uuid4())


@require_POST
@member_required
def judge_deciding(request: PageRequest, run_id: UUID, other_run_id: UUID) -> HttpResponse:
    """Start a judge over what is unjudged among the first of either run's lists."""
    a, b = read_runs([run_id, other_run_id])
    check_comparable([a, b])
    form = DecidingForm(request.POST, user=request.user)
    if not form.is_valid():
        raise Invalid("choose an AI judge that exists")
    values = form.cleaned_data
    started = start_deciding_runs(
        a=a,
        b=b,
        judge=values["ai_judge_id"],
        actor=request.user,
        options=DecidingOptions(values["k"]),
        idempotency_key=values["key"],
    )
    count = sum(run.total_count for run in started)
    text = f"{count:,} {'document is' if count == 1 else 'documents are'} being judged."
    toast(request, messages.SUCCESS, text, url=reverse("judging_run", args=[started[0].pk]), link="Follow it")
    return go_to(request, "compare", a.pk, b.pk)
