"""Batch executions: the list, and one batch followed while it is under way."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from judging.foundation.limits import MAX_MODEL
from judging.models import AIProvider, BatchExecution, BatchStatus, User
from judging.records.files.formats import TABLE_FORMATS, checked_format, in_chunks
from judging.responses.default_model import default_model, set_default_model
from judging.responses.executions import cancel_batch, retry_failed
from judging.responses.results.execution_export import batch_csv_lines
from judging.responses.results.execution_pages import failure_groups, item_rows
from judging.responses.results.execution_reads import batch_list, batch_summary, get_batch
from judging.web.base import (
    PageRequest,
    admin_required,
    errors_on,
    go_to,
    member_required,
    page_of,
    page_or_fragment,
    tell_and_go,
    toast,
    wants_fragment,
)
from judging.web.files import download
from judging.web.responses.endings import announce_end_here, watch_batch
from judging.web.run_rows import money
from judging.work.rescue import rescue_if_stalled


class DefaultModelForm(forms.Form):
    """The model of evaluators that name none; without a provider there is none."""

    ai_provider_id = forms.ModelChoiceField(
        label="Provider", queryset=AIProvider.objects.none(), required=False, empty_label="None"
    )
    model = forms.CharField(
        label="Model", max_length=MAX_MODEL, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        shared = AIProvider.objects.filter(shared=True).order_by("name", "pk")
        self.fields["ai_provider_id"].queryset = shared  # type: ignore[attr-defined]


@require_safe
@member_required
def batches(request: PageRequest) -> HttpResponse:
    status = request.GET.get("status", "")
    found = batch_list()
    if status in BatchStatus.values:
        found = found.filter(status=status)
    page = page_of(request, found)
    context = {
        "page": page,
        "batches": page.rows,
        "status": status,
        "statuses": BatchStatus.choices,
        **default_model_context(request.user),
    }
    return render(request, "judging/responses/list.html", context)


@require_POST
@admin_required
def change_default_model(request: PageRequest) -> HttpResponse:
    form = DefaultModelForm(request.POST)
    if form.is_valid():
        provider = form.cleaned_data["ai_provider_id"]
        with errors_on(form):
            set_default_model(
                actor=request.user,
                ai_provider_id=provider.pk if provider else None,
                model=form.cleaned_data["model"],
            )
            return tell_and_go(request, "The default model is saved.", "evaluators")
    context = {**default_model_context(request.user), "default_form": form}
    return render(request, "judging/responses/default_model.html", context, status=400)


@require_safe
@member_required
def batch(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """Show a batch. Its live part asks again each second while the batch is active, and then no more."""
    found = get_batch(batch_id)
    rescue_if_stalled(found)
    context = {**_batch_context(found), "is_fragment": wants_fragment(request)}
    if context["is_fragment"] and not found.is_active:
        # A batch that has ended is not asked about again: this is the one answer that tells it.
        announce_end_here(request, found)
    return page_or_fragment(request, "judging/responses/detail.html", "judging/responses/_live.html", context)


@require_POST
@member_required
def cancel_batch_execution(request: PageRequest, batch_id: UUID) -> HttpResponse:
    cancel_batch(actor=request.user, batch=get_batch(batch_id))
    toast(request, messages.INFO, "The batch is cancelled. What was scored stays.")
    return go_to(request, "batch", batch_id)


@require_POST
@member_required
def retry_batch(request: PageRequest, batch_id: UUID) -> HttpResponse:
    again = retry_failed(actor=request.user, batch=get_batch(batch_id))
    watch_batch(request, again)
    return tell_and_go(request, f"A new batch of {again.total_count} failed inputs is queued.", "batch", again.pk)


@require_safe
@member_required
def batch_export(request: PageRequest, batch_id: UUID) -> StreamingHttpResponse:
    found = get_batch(batch_id)
    file_format = checked_format(TABLE_FORMATS, request.GET.get("file_format", "csv"))
    return download(in_chunks(batch_csv_lines(found), file_format), f"batch-{found.pk}", "results", file_format)


def default_model_context(user: User) -> dict[str, Any]:
    """Return the default model, and for admins the form that changes it."""
    default = default_model()
    context: dict[str, Any] = {"default_model": default}
    if user.is_admin:
        initial = {"ai_provider_id": default[0].pk, "model": default[1]} if default else {}
        context["default_form"] = DefaultModelForm(initial=initial)
    return context


def _batch_context(found: BatchExecution) -> dict[str, Any]:
    evaluators = list(found.evaluators.all())
    summary = batch_summary(found)
    items = item_rows(found, evaluators)
    return {
        "batch": found,
        "done_count": found.completed_count + found.failed_count,
        "percent": int(found.progress * 100),
        "evaluators": evaluators,
        "items": items,
        "failures": [] if found.is_active else failure_groups(found, items),
        "summary": summary,
        "cost": money(summary.cost),
    }
