"""The forms of the query lab: what is asked, and for each side whom and with what. Sides go by the letters of their fields."""

import json
from typing import Any
from uuid import UUID

from django import forms
from django.http import QueryDict
from django.urls import reverse

from judging.foundation.limits import (
    DEFAULT_DEPTH,
    MAX_CONTENT_TYPE,
    MAX_NAME,
    MAX_QUERY_OBJECT,
    MAX_QUERY_STRING,
    MAX_QUERY_TEXT,
    MAX_TEXT,
)
from judging.models import DEFAULT_CONTENT_TYPE, QuerySource, QueryTemplate, SearchEndpoint, SearchQuerySet
from judging.search.endpoints.trying import template_of
from judging.search.lab.asking import Side
from judging.web.judges.setting_forms import PromptField
from judging.web.search.endpoints.forms import code_input, preset_values
from judging.web.search.lab.addresses import LETTERS, SHARED
from judging.web.search.query_templates.forms import HeadersField

# What the page holds of a side besides.
_WRITTEN = ("body", "query_string", "content_type", "headers")
_FIELDS = (*SHARED, *_WRITTEN, "shown", "version", "name")
# Deeper than anybody reads beside each other.
_MAX_DEPTH = 100

SideValues = dict[str, Any]


class LabForm(forms.Form):
    """What all sides are asked."""

    query = forms.CharField(
        label="Query",
        max_length=MAX_QUERY_TEXT,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "red shoes"}),
    )
    properties = forms.CharField(
        label="Other properties",
        max_length=MAX_QUERY_OBJECT,
        required=False,
        help_text='Of a query that is an object, as JSON: {"shop": "de"}.',
        widget=code_input(2),
    )
    query_set = forms.ModelChoiceField(
        label="Query set",
        # A sample's probabilities hold for what was drawn.
        queryset=SearchQuerySet.objects.filter(archived_at=None).exclude(source=QuerySource.SAMPLE).order_by("name"),
        required=False,
        empty_label="Choose a set",
    )

    def clean_properties(self) -> dict[str, Any]:
        text = self.cleaned_data["properties"].strip()
        try:
            properties = json.loads(text or "{}")
        except (ValueError, RecursionError):
            raise forms.ValidationError("That is no JSON.") from None
        if not isinstance(properties, dict):
            raise forms.ValidationError('An object is expected, such as {"shop": "de"}.')
        if "query" in properties:
            raise forms.ValidationError("The query itself stands in its own field.")
        return properties

    def body(self) -> str | dict[str, Any]:
        """Return the query: an object when it has other properties."""
        query, properties = self.cleaned_data["query"], self.cleaned_data["properties"]
        return {"query": query, **properties} if properties else query


class SideForm(forms.Form):
    """A side: what is written in it is asked. `shown` is the template whose text that was, at `version`."""

    endpoint = forms.ModelChoiceField(
        label="Endpoint",
        queryset=SearchEndpoint.objects.filter(archived_at=None).order_by("name", "pk"),
        empty_label="Choose an endpoint",
    )
    template = forms.ModelChoiceField(
        label="Template",
        queryset=QueryTemplate.objects.filter(archived_at=None).order_by("name", "pk"),
        required=False,
        empty_label="As written here",
    )
    depth = forms.IntegerField(label="Depth", min_value=1, max_value=_MAX_DEPTH)
    body = PromptField(label="Body", max_length=MAX_TEXT, required=False, widget=code_input(6))
    query_string = forms.CharField(
        label="Query string", max_length=MAX_QUERY_STRING, required=False, widget=code_input(2)
    )
    content_type = forms.CharField(label="Content type", max_length=MAX_CONTENT_TYPE, required=False)
    headers = HeadersField(label="Headers", help_text="One per line: “Name: value”.")
    shown = forms.CharField(required=False, widget=forms.HiddenInput)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(
        label="Name of a new template",
        max_length=MAX_NAME,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, letter: str, values: SideValues, *, is_bound: bool, is_asked: bool = True) -> None:
        data = {f"{letter}-{name}": value for name, value in values.items()}
        super().__init__(data if is_bound else None, initial=values, prefix=letter)
        self.letter = letter
        self.fields["endpoint"].required = is_asked
        for name in ("endpoint", "template"):
            load = {"hx-post": reverse("query_lab"), "hx-vals": json.dumps({"act": f"load-{letter}"})}
            self.fields[name].widget.attrs.update(load)

    def clean_content_type(self) -> str:
        return self.cleaned_data["content_type"] or DEFAULT_CONTENT_TYPE

    @property
    def title(self) -> str:
        return self.letter.upper()

    @property
    def shown_template(self) -> QueryTemplate | None:
        """The template whose text is shown."""
        pk = _uuid(self["shown"].value())
        return QueryTemplate.objects.filter(pk=pk).first() if pk else None

    def written(self) -> dict[str, Any]:
        """Return the template as it is written in a valid form."""
        return {name: self.cleaned_data[name] for name in _WRITTEN}

    @property
    def template_name(self) -> str:
        """Say what a valid form asks with."""
        template, written = self.cleaned_data["template"], self.written()
        if template is None:
            return "as written"
        is_edited = any(getattr(template, name) != written[name] for name in _WRITTEN)
        return f"{template.name}, edited" if is_edited else str(template.name)

    def side(self) -> Side:
        return Side(self.cleaned_data["endpoint"], template_of(**self.written()), self.cleaned_data["depth"])


def read_sides(data: QueryDict) -> list[SideValues]:
    """Return the sides that a form or an address holds, each with the text of its template."""
    return [
        _filled({name: data.get(f"{letter}-{name}", "") for name in _FIELDS})
        for letter in LETTERS
        if any(f"{letter}-{name}" in data for name in SHARED)
    ]


def opened_sides(data: QueryDict) -> list[SideValues]:
    """Return the sides of an address, two where it names none; the first endpoint stands where it leaves one open."""
    sides = read_sides(data) or [dict.fromkeys(_FIELDS, "") for _ in range(2)]
    endpoint = SearchEndpoint.objects.filter(archived_at=None).order_by("name", "pk").first()
    default = {"endpoint": str(endpoint.pk)} if endpoint else {}
    return [side if side["endpoint"] else _filled(side | default) for side in sides]


def showing(template: QueryTemplate) -> SideValues:
    """Return the values of a side that shows a stored template."""
    texts = {name: getattr(template, name) for name in _WRITTEN}
    return {"template": str(template.pk), "shown": str(template.pk), "version": template.version, "name": "", **texts}


def _filled(values: SideValues) -> SideValues:
    """Fill in the text of a template that was chosen since, or what an engine of this type usually takes."""
    values["depth"] = values["depth"] or DEFAULT_DEPTH
    if values["template"] != values["shown"]:
        pk = _uuid(values["template"])
        template = QueryTemplate.objects.filter(pk=pk).first() if pk else None
        # "As written here" keeps what is written.
        return values | (showing(template) if template else {"template": "", "shown": "", "version": ""})
    pk = _uuid(values["endpoint"])
    if pk and not values["template"] and not any(values[name] for name in _WRITTEN):
        kind = SearchEndpoint.objects.filter(pk=pk).values_list("type", flat=True).first()
        preset = preset_values(kind) if kind else {}
        return values | {name: preset[name] for name in _WRITTEN if name in preset}
    return values


def _uuid(text: Any) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None
