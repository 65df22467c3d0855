"""Forms of query sets: pasted, uploaded, sampled. What they take is checked again by the acts."""

from typing import Any

from django import forms
from django.conf import settings

from judging.foundation.limits import MAX_NAME, MAX_SAMPLE_SEED, MAX_SET_QUERIES
from judging.models import SearchQuerySet

_JSON_OR_LINES = (
    'One per line; or JSON lines, such as {"query": "red shoes", "shop": "de"}, or'
    ' {"body": "red shoes", "label": "q1", "weight": 3, "tags": ["head"]}.'
)
METHODS = (
    ("stratified", "Head, torso and tail: a third each, at random"),
    ("proportional", "As likely as they are frequent"),
    ("random", "All equally likely"),
    ("top", "The most frequent"),
)


class QuerySetForm(forms.Form):
    """What every set has."""

    name = forms.CharField(
        label="Name", max_length=MAX_NAME, widget=forms.TextInput(attrs={"placeholder": "Top queries, spring"})
    )
    description = forms.CharField(label="Description", required=False, widget=forms.Textarea(attrs={"rows": 2}))


class PasteForm(QuerySetForm):
    queries = forms.CharField(
        label="Queries",
        strip=False,
        help_text=_JSON_OR_LINES,
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "false", "class": "code-input"}),
    )


class ChangeForm(QuerySetForm):
    queries = forms.CharField(
        label="New queries",
        required=False,
        strip=False,
        help_text=f"They replace all that are there; left empty, those stay. {_JSON_OR_LINES}",
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false", "class": "code-input"}),
    )

    def __init__(self, query_set: SearchQuerySet, data: Any = None) -> None:
        super().__init__(data, initial={"name": query_set.name, "description": query_set.description})


class _FileForm(QuerySetForm):
    @property
    def max_bytes(self) -> int:
        size: int = settings.MAX_UPLOAD_BYTES
        return size


def _file(label: str, accept: str, help_text: str) -> forms.FileField:
    # An empty file is for the act to refuse, which says it as it says everything else.
    widget = forms.FileInput(attrs={"accept": accept, "class": "form-control"})
    return forms.FileField(label=label, help_text=help_text, allow_empty_file=True, widget=widget)


class UploadForm(_FileForm):
    file = _file(
        "File",
        ".txt,.jsonl,.ndjson,.json,.csv,.tsv",
        ".txt: a query per line. .jsonl: texts or objects with “query”. .csv: a column “query”, perhaps “label”,"
        " “weight”, “tags” (with | between them); other columns become properties.",
    )


class SampleForm(_FileForm):
    log = _file(
        "Query log",
        ".csv,.tsv,.jsonl,.ndjson,.json",
        "CSV or JSON lines with “query” and “count”. Without counts, each line is one search.",
    )
    method = forms.ChoiceField(label="Method", choices=METHODS, widget=forms.RadioSelect, initial="stratified")
    size = forms.IntegerField(label="Queries to take", initial=100, min_value=1, max_value=MAX_SET_QUERIES)
    seed = forms.IntegerField(
        label="Seed",
        initial=1,
        min_value=0,
        max_value=MAX_SAMPLE_SEED,
        help_text="The same log, method, size and seed give the same queries.",
    )
