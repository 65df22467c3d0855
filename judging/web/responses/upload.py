"""A batch of an uploaded file: the act that POST /v1 does, with errors by line."""

from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.http import HttpResponse
from django.shortcuts import render

from judging.foundation.limits import MAX_IDEMPOTENCY_KEY, MAX_INPUTS, MAX_TEXT
from judging.models import User
from judging.records.visibility import visible_judges
from judging.responses.input_files import create_batch_from_file
from judging.responses.judge_reads import response_judges
from judging.web.base import PageRequest, errors_on, member_required, tell_and_go
from judging.web.responses.endings import watch_batch

_MOST_JUDGES = 500


class UploadForm(forms.Form):
    """What `create_batch_from_file` takes. The key makes a double click create one batch."""

    judge_id = forms.ChoiceField(label="Judge")
    file = forms.FileField(
        label="Inputs",
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".jsonl,.ndjson,.json,.csv,.tsv", "class": "form-control"}),
        help_text=f"JSON lines or CSV, 1 to {MAX_INPUTS} inputs: request, response, and where the judge needs them "
        "contexts, expected_output, system_prompt, turns. In CSV, lists are JSON.",
    )
    tags = forms.CharField(
        label="Tags",
        required=False,
        max_length=MAX_TEXT,
        help_text="With commas between them.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    key = forms.CharField(max_length=MAX_IDEMPOTENCY_KEY, required=False, widget=forms.HiddenInput)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["judge_id"]
        assert isinstance(field, forms.ChoiceField)
        ours = response_judges().order_by("name", "pk").values_list("pk", "name")[:_MOST_JUDGES]
        relevance = visible_judges(user).order_by("name", "pk").values_list("pk", "name")[:_MOST_JUDGES]
        groups = (("Response judges", ours), ("AI judges, with a score of grade / 4", relevance))
        field.choices = [(label, [(str(pk), name) for pk, name in found]) for label, found in groups if found]
        if not self.is_bound:
            self.initial["key"] = str(uuid4())


@member_required
def batch_upload(request: PageRequest) -> HttpResponse:
    """Create a batch of a file."""
    if request.method != "POST":
        form = UploadForm(request.user, initial={"judge_id": request.GET.get("judge_id", "")})
        return render(request, "judging/responses/upload.html", {"form": form})
    form = UploadForm(request.user, request.POST, request.FILES)
    if form.is_valid():
        given = form.cleaned_data
        with errors_on(form):
            batch = create_batch_from_file(
                actor=request.user,
                judge_id=UUID(given["judge_id"]),
                file=given["file"],
                name=given["file"].name,
                tags=[tag for tag in given["tags"].split(",") if tag.strip()],
                idempotency_key=given["key"],
            )
            watch_batch(request, batch)
            return tell_and_go(request, f"A batch of {batch.total_count} inputs is queued.", "batch", batch.pk)
    return render(request, "judging/responses/upload.html", {"form": form}, status=400)
