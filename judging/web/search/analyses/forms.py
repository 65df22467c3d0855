"""The form of a new analysis. What it takes is checked again by the act."""

from typing import Any
from uuid import UUID

from django import forms

from judging.foundation.limits import (
    DEFAULT_DEPTH,
    MAX_ANALYSED_TEMPLATES,
    MAX_DEPTH,
    MAX_IDEMPOTENCY_KEY,
    MAX_NAME,
)
from judging.models import QueryTemplate, SearchEndpoint, SearchQuerySet
from judging.web.trust.deciding import new_key

_NOT_ARCHIVED = {"archived_at": None}


class _Templates(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, template: Any) -> str:
        return f"{template.name} (v{template.version})"


class AnalysisForm(forms.Form):
    """An endpoint, a query set, a baseline and the others. The key makes a double click start once."""

    name = forms.CharField(
        label="Name", max_length=MAX_NAME, widget=forms.TextInput(attrs={"placeholder": "Boosts, spring"})
    )
    endpoint = forms.ModelChoiceField(
        label="Search endpoint", queryset=SearchEndpoint.objects.none(), empty_label="Choose one"
    )
    query_set = forms.ModelChoiceField(
        label="Query set", queryset=SearchQuerySet.objects.none(), empty_label="Choose one"
    )
    baseline = forms.ModelChoiceField(
        label="Baseline",
        queryset=QueryTemplate.objects.none(),
        empty_label="Choose one",
        help_text="The template in use, for example.",
    )
    query_template_ids = _Templates(
        label="Compared with it",
        queryset=QueryTemplate.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        help_text=f"1 to {MAX_ANALYSED_TEMPLATES} templates. Each searches the whole query set once.",
    )
    depth = forms.IntegerField(
        label="Depth",
        initial=DEFAULT_DEPTH,
        min_value=1,
        max_value=MAX_DEPTH,
        help_text="How many candidates each query is asked for.",
    )
    key = forms.CharField(max_length=MAX_IDEMPOTENCY_KEY, required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"key": new_key()})
        for name, model in (
            ("endpoint", SearchEndpoint),
            ("query_set", SearchQuerySet),
            ("baseline", QueryTemplate),
            ("query_template_ids", QueryTemplate),
        ):
            offered = model._default_manager.filter(**_NOT_ARCHIVED).order_by("name", "pk")
            self.fields[name].queryset = offered  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        """Return the values as the act takes them."""
        values = self.cleaned_data
        ids: list[UUID] = [template.pk for template in values["query_template_ids"]]
        return {
            "name": values["name"],
            "endpoint_id": values["endpoint"].pk,
            "query_set_id": values["query_set"].pk,
            "baseline": values["baseline"].pk,
            "query_template_ids": ids,
            "depth": values["depth"],
            "idempotency_key": values["key"],
        }
