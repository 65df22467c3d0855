"""The part of an evaluation's forms that says what its runs are executed with."""

from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Q

from judging.foundation.limits import DEFAULT_DEPTH, MAX_DEPTH
from judging.foundation.scales import SCALES
from judging.models import Evaluation, QueryTemplate, SearchEndpoint, SearchQuerySet

_INPUTS = ("endpoint", "query_set", "query_template")


def _choice(label: str, help_text: str = "") -> forms.ModelChoiceField:  # type: ignore[type-arg]
    return forms.ModelChoiceField(
        # Set for each form: what is archived is offered only where it is chosen already.
        queryset=SearchEndpoint.objects.none(),
        label=label,
        required=False,
        empty_label="None: runs are imported",
        help_text=help_text,
    )


class SearchInputsForm(forms.Form):
    """Endpoint, query set and template, all or none, and what a run takes that names nothing."""

    endpoint = _choice("Search endpoint", "The corpus is then the endpoint's.")
    query_set = _choice("Query set")
    query_template = _choice("Query template")
    default_depth = forms.IntegerField(
        label="Depth",
        initial=DEFAULT_DEPTH,
        min_value=1,
        max_value=MAX_DEPTH,
        required=False,
        help_text="How many candidates each query is asked for.",
    )
    default_scale = forms.ChoiceField(
        label="Scale of its runs",
        choices=[("", "Chosen with each run"), *((scale.name, scale.title) for scale in SCALES.values())],
        required=False,
    )
    default_metrics = forms.CharField(
        label="Metrics of its runs",
        required=False,
        max_length=1000,
        widget=forms.TextInput(attrs={"placeholder": "NDCG@10, P@5", "autocomplete": "off"}),
        help_text="With commas between them; empty: chosen with each run.",
    )

    def __init__(self, *args: Any, evaluation: Evaluation | None = None, **kwargs: Any) -> None:
        if evaluation is not None:
            kwargs["initial"] = {
                **{name: getattr(evaluation, f"{name}_id") for name in _INPUTS},
                "default_depth": evaluation.default_depth,
                "default_scale": evaluation.default_scale,
                "default_metrics": ", ".join(evaluation.default_metrics),
                **kwargs.get("initial", {}),
            }
        super().__init__(*args, **kwargs)
        for name, model in zip(_INPUTS, (SearchEndpoint, SearchQuerySet, QueryTemplate), strict=True):
            chosen = getattr(evaluation, f"{name}_id", None)
            offered = model._default_manager.filter(Q(archived_at=None) | Q(pk=chosen)).order_by("name", "pk")
            self.fields[name].queryset = offered  # type: ignore[attr-defined]

    @property
    def has_search_inputs(self) -> bool:
        """Tell whether the section shows open: something in it is chosen, or wrong."""
        names = (*_INPUTS, "default_depth", "default_metrics")
        return any(self[name].value() for name in _INPUTS) or any(name in self.errors for name in names)

    def search_values(self) -> dict[str, Any]:
        """Return the values as the acts take them."""
        values = self.cleaned_data
        inputs: dict[str, UUID | None] = {f"{name}_id": values[name].pk if values[name] else None for name in _INPUTS}
        return {
            "search_inputs": inputs,
            "default_depth": values["default_depth"],
            "default_scale": values["default_scale"],
            "default_metrics": [name.strip() for name in values["default_metrics"].split(",") if name.strip()],
        }
