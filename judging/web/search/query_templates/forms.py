"""The form of a query template. What it takes is checked again by the act."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict

from judging.models import DEFAULT_CONTENT_TYPE, QueryTemplate
from judging.search.query_templates.templates import TEMPLATE_FIELDS
from judging.web.judges.setting_forms import PromptField

_CODE = {"spellcheck": "false", "class": "code-input previewed"}


class HeadersField(forms.CharField):
    """Headers as lines "Name: value", turned into an object."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, widget=forms.Textarea(attrs={"rows": 3, **_CODE}), **options)

    def to_python(self, value: Any) -> dict[str, str]:  # type: ignore[override]
        headers: dict[str, str] = {}
        for line in (super().to_python(value) or "").splitlines():
            name, colon, text = line.partition(":")
            if not line.strip():
                continue
            if not colon or not name.strip():
                raise forms.ValidationError("Write a header as “Name: value”, one per line.")
            if name.strip() in headers:
                raise forms.ValidationError(f"The header {name.strip()} is given twice.")
            headers[name.strip()] = text.strip()
        return headers

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return "\n".join(f"{name}: {text}" for name, text in value.items())
        return value


class QueryTemplateForm(forms.ModelForm):  # type: ignore[type-arg]
    """What `save_query_template` takes."""

    body = PromptField(
        label="Body",
        required=False,
        widget=forms.Textarea(attrs={"rows": 18, **_CODE}),
        help_text="Handlebars: {{query}} is escaped for the place that it stands in, {{toJson filters}} is raw JSON.",
    )
    query_string = forms.CharField(
        label="Query string",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, **_CODE}),
        help_text="Joined with & to that of the endpoint's address; values are percent-encoded.",
    )
    headers = HeadersField(label="Headers", help_text="One per line: “Name: value”. Secrets belong to the endpoint.")
    # The version that the form shows, so that it does not overwrite somebody else's later change.
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = QueryTemplate
        fields = ["name", "description", "body", "query_string", "content_type", "headers"]
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "off", "placeholder": "Title only"}),
            "description": forms.Textarea(attrs={"rows": 2}),
            "content_type": forms.TextInput(attrs={"autocomplete": "off", "class": "previewed"}),
        }

    def __init__(self, template: QueryTemplate | None, data: QueryDict | None = None) -> None:
        shown = template or QueryTemplate(content_type=DEFAULT_CONTENT_TYPE, body='{\n  "query": "{{query}}"\n}\n')
        initial = {**shown.settings_dict(), "description": shown.description, "version": shown.version}
        super().__init__(data, initial=initial)

    def _post_clean(self) -> None:
        """Leave the model's own checks to the act."""

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name in TEMPLATE_FIELDS}
