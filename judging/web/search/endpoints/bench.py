"""The bench beside an endpoint's form: ask up to five queries, then read their answers anew as the mapping changes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict

from judging.engines.configuration import TemplateText
from judging.engines.mapping import suggest_mappings
from judging.foundation.errors import Invalid
from judging.foundation.limits import DEFAULT_DEPTH, MAX_CONTENT_TYPE, MAX_QUERY_STRING, MAX_QUERY_TEXT, MAX_TEXT
from judging.models import QueryTemplate, SearchEndpoint
from judging.search.endpoints.reading import Reading, ReadRow
from judging.search.endpoints.trying import (
    MAX_TRIED_QUERIES,
    EndpointTrial,
    read_sample,
    read_with,
    template_of,
    try_endpoint,
)
from judging.web.remedies import Remedy
from judging.web.search.endpoints.forms import code_input
from judging.web.search.remedies import search_remedy

# An answer goes to the page and comes back with each change of the mapping.
_MAX_KEPT = 300_000
_MAX_SHOWN = 60_000
_MAX_DEPTH = 100
_SHOWN_FIELDS = 6
_SHOWN_CHARACTERS = 80


class BenchForm(forms.Form):
    """What is asked. `sample` are the answers that the page holds, with `sample_query` beside each."""

    queries = forms.CharField(
        label="Queries",
        max_length=MAX_TRIED_QUERIES * MAX_QUERY_TEXT,
        help_text=f"One a line, at most {MAX_TRIED_QUERIES}.",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )
    query_template = forms.ModelChoiceField(
        label="Template",
        queryset=QueryTemplate.objects.filter(archived_at=None).order_by("name", "pk"),
        required=False,
        empty_label="As written here",
    )
    query_string = forms.CharField(
        label="Query string", max_length=MAX_QUERY_STRING, required=False, widget=code_input(2)
    )
    body = forms.CharField(label="Body", max_length=MAX_TEXT, required=False, strip=False, widget=code_input(5))
    content_type = forms.CharField(label="Content type", max_length=MAX_CONTENT_TYPE, required=False)
    depth = forms.IntegerField(label="Depth", min_value=1, max_value=_MAX_DEPTH, required=False, initial=DEFAULT_DEPTH)

    def clean_queries(self) -> list[str]:
        queries = [line.strip() for line in self.cleaned_data["queries"].splitlines() if line.strip()]
        if len(queries) > MAX_TRIED_QUERIES:
            raise forms.ValidationError(f"The bench asks at most {MAX_TRIED_QUERIES} queries at once.")
        return queries

    def template(self) -> TemplateText:
        """Return the chosen template, or the one that is written here. Raise NotFound."""
        cleaned = self.cleaned_data
        if cleaned["query_template"]:
            return template_of(template_id=cleaned["query_template"].pk)
        return template_of(
            body=cleaned["body"].replace("\r\n", "\n"),
            query_string=cleaned["query_string"],
            content_type=cleaned["content_type"],
        )


@dataclass(frozen=True, slots=True)
class BenchResult:
    """One query on the bench, as the page shows it."""

    query: str
    trial: EndpointTrial | None
    reading: Reading | None
    raw: str
    kept: str
    problem: str = ""
    remedy: Remedy | None = None

    @property
    def shown_raw(self) -> str:
        return self.raw[:_MAX_SHOWN]

    @property
    def is_cut(self) -> bool:
        return len(self.raw) > _MAX_SHOWN

    @property
    def table(self) -> list[tuple[ReadRow, list[str]]]:
        """Return the rows, each with its values of `shown_fields`."""
        names = self.shown_fields
        return (
            [(row, [_brief(row.fields.get(name)) for name in names]) for row in self.reading.rows]
            if self.reading
            else []
        )

    @property
    def shown_fields(self) -> Sequence[str]:
        """Return names of fields that the first rows have, besides id and title."""
        names: dict[str, None] = {}
        for row in self.reading.rows[:3] if self.reading else []:
            names.update(dict.fromkeys(row.fields))
        return list(names)[:_SHOWN_FIELDS]


def ask(actor: Any, endpoint: SearchEndpoint, form: BenchForm) -> list[BenchResult]:
    """Ask the endpoint all queries of a valid form. Raise what `try_endpoint` raises."""
    trials = try_endpoint(
        actor=actor,
        endpoint=endpoint,
        template=form.template(),
        queries=form.cleaned_data["queries"],
        depth=form.cleaned_data["depth"] or DEFAULT_DEPTH,
    )
    return [_result(trial) for trial in trials]


def read_again(data: QueryDict, candidates_mapping: str) -> list[BenchResult]:
    """Read the answers that the page holds with another mapping."""
    samples, queries = data.getlist("sample")[:MAX_TRIED_QUERIES], data.getlist("sample_query")
    depth = data.get("depth", "")
    limit = min(int(depth), _MAX_DEPTH) if depth.isascii() and depth.isdecimal() and len(depth) < 4 else DEFAULT_DEPTH
    results = []
    for sample, query in zip(samples, queries, strict=False):
        try:
            answer = read_sample(sample[:_MAX_KEPT])
        except Invalid:
            continue
        reading = read_with(candidates_mapping, answer, max(limit, 1))
        results.append(_read(query, None, reading, sample, sample, ""))
    return results


def proposals(results: Sequence[BenchResult]) -> list[Any]:
    """Return proposed mappings for the first answer that gives any."""
    for result in results:
        if result.kept:
            answer = result.trial.answer if result.trial else read_sample(result.kept)
            if found := suggest_mappings(answer):
                return found
    return []


def _brief(value: Any) -> str:
    if value is None:
        return "–"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"


def _result(trial: EndpointTrial) -> BenchResult:
    raw = trial.raw
    kept = raw if trial.answer is not None and len(raw) <= _MAX_KEPT and trial.reading is not None else ""
    query = trial.query if isinstance(trial.query, str) else str(trial.query)
    return _read(query, trial, trial.reading, raw, kept, trial.failure_code)


def _read(
    query: str, trial: EndpointTrial | None, reading: Reading | None, raw: str, kept: str, failure_code: str
) -> BenchResult:
    code = failure_code or (reading.failure_code if reading else "")
    message = (trial.message if trial else "") or (reading.problems[0] if reading and reading.problems else "")
    return BenchResult(query, trial, reading, raw, kept, message, search_remedy(code) if code else None)


def bench_initial(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the bench begins with, from a type's preset."""
    names = ("body", "query_string", "content_type")
    return {"depth": DEFAULT_DEPTH, **{name: values.get(name, "") for name in names}}
