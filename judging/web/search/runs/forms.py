"""The form of a run that is to be executed."""

from typing import Any

from django import forms
from django.utils import timezone

from judging.foundation.limits import DEFAULT_DEPTH, MAX_CONTENT_TYPE, MAX_DEPTH, MAX_NAME, MAX_QUERY_STRING, MAX_TEXT
from judging.foundation.scales import SCALES
from judging.metrics import DEFAULT_METRICS
from judging.models import Evaluation
from judging.search.runs.making import RunOptions
from judging.web.scale_words import scale_words


class SearchForm(forms.Form):
    """A name, how deep, and what differs from the query template."""

    name = forms.CharField(label="Name", max_length=MAX_NAME)
    depth = forms.IntegerField(
        label="Depth", min_value=1, max_value=MAX_DEPTH, help_text="So many candidates are asked for, and kept."
    )
    query_limit = forms.IntegerField(
        label="Only the first queries", required=False, min_value=1, help_text="Left empty: the whole query set."
    )
    scale = forms.ChoiceField(
        label="Scale", choices=[(name, scale_words(scale)) for name, scale in SCALES.items()], initial="graded"
    )
    relevant_from = forms.IntegerField(label="Relevant from grade", min_value=1, initial=1)
    metrics = forms.CharField(label="Metrics", help_text="Names with commas between them, none cut below the depth.")
    body = forms.CharField(
        label="Body", required=False, max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 10, "class": "code"})
    )
    query_string = forms.CharField(label="Query string", required=False, max_length=MAX_QUERY_STRING)
    content_type = forms.CharField(label="Content type", max_length=MAX_CONTENT_TYPE)

    def __init__(self, data: Any, *, evaluation: Evaluation) -> None:
        template = evaluation.query_template
        assert template is not None
        self._template = template
        super().__init__(
            data,
            initial={
                "name": f"{template.name}, {timezone.localtime():%d %b %H:%M}",
                "depth": evaluation.default_depth or DEFAULT_DEPTH,
                "scale": evaluation.default_scale or "graded",
                "metrics": ", ".join(evaluation.default_metrics or DEFAULT_METRICS),
                "body": template.body,
                "query_string": template.query_string,
                "content_type": template.content_type,
            },
        )

    def clean_metrics(self) -> list[str]:
        return [name for name in (part.strip() for part in self.cleaned_data["metrics"].split(",")) if name]

    def options(self) -> RunOptions:
        values = self.cleaned_data
        # A browser sends line breaks as CR LF.
        given = {name: values[name].replace("\r\n", "\n") for name in ("body", "query_string", "content_type")}
        return RunOptions(
            scale=values["scale"],
            metrics=values["metrics"],
            relevant_from=values["relevant_from"],
            depth=values["depth"],
            query_limit=values["query_limit"],
            overrides={name: value for name, value in given.items() if value != getattr(self._template, name)},
        )
