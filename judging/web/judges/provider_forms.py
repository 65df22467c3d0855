"""The form of an AI provider. A key goes in and never comes out."""

from typing import Any

from django import forms

from judging.foundation.limits import (
    MAX_API_VERSION,
    MAX_DEPLOYMENT,
    MAX_MODEL,
    MAX_NAME,
    MAX_PROVIDER_CONCURRENCY,
    MAX_REGION,
    MAX_REQUESTS_PER_MINUTE,
    MAX_URL,
)
from judging.models import AIProvider, User
from judging.providers.registry import DEFAULT_AZURE_API_VERSION, FIELDS, PROVIDER_TYPES

_NAMES = {name: provider_type.title for name, provider_type in PROVIDER_TYPES.items()}


def _text(label: str, limit: int, placeholder: str = "", help_text: str = "") -> forms.CharField:
    attrs = {"autocomplete": "off", "spellcheck": "false", "placeholder": placeholder}
    return forms.CharField(
        label=label, max_length=limit, required=False, help_text=help_text, widget=forms.TextInput(attrs=attrs)
    )


def _limit(label: str, at_most: int) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        min_value=1,
        max_value=at_most,
        required=False,
        help_text="Over all runs, batches and hosts. Empty: no limit.",
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "placeholder": "no limit"}),
    )


class ProviderForm(forms.Form):
    """What `save_provider` takes. All fields are there whatever the type; those it does not take are dropped.

    The page shows the fields of the chosen type by CSS alone, so it needs no script.
    """

    type = forms.ChoiceField(label="Type", choices=list(_NAMES.items()), initial="openai", widget=forms.RadioSelect)
    name = forms.CharField(
        label="Name",
        max_length=MAX_NAME,
        required=False,
        help_text="Left empty, it is called like its type.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    base_url = _text("Address", MAX_URL, "https://…/v1")
    region = _text("Region", MAX_REGION, "us-east-1")
    api_version = _text("API version", MAX_API_VERSION, DEFAULT_AZURE_API_VERSION)
    deployment = _text("Deployment", MAX_DEPLOYMENT, help_text="Only where it is not called like the model.")
    api_key = forms.CharField(
        label="API key",
        required=False,
        # Never drawn with its value: a page must not hold a key, not even one that was refused.
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password", "spellcheck": "false"}),
    )
    remove_key = forms.BooleanField(label="Remove the stored key", required=False)
    max_concurrency = _limit("Calls at once", MAX_PROVIDER_CONCURRENCY)
    requests_per_minute = _limit("Calls per minute", MAX_REQUESTS_PER_MINUTE)
    shared = forms.BooleanField(
        label="Share with the team", required=False, help_text="Else only you and admins see and use it."
    )

    def __init__(self, user: User, *args: Any, provider: AIProvider | None = None, **kwargs: Any) -> None:
        if provider is not None:
            kwargs.setdefault("initial", {name: getattr(provider, name) for name in _STORED})
        else:
            kwargs.setdefault("initial", {"shared": user.is_admin})
        super().__init__(*args, **kwargs)
        self.provider = provider
        if not user.is_admin:
            del self.fields["shared"]
        if provider is None:
            del self.fields["remove_key"]
        else:
            # The type stays: so do the fields it has.
            del self.fields["type"]
            self.fields["name"].required = True
            self.fields["name"].help_text = ""
            accepted = PROVIDER_TYPES[provider.type].accepted
            for name in FIELDS:
                if name not in accepted:
                    del self.fields[name]
                elif name != "api_key":
                    self.fields[name].required = name in PROVIDER_TYPES[provider.type].needed
            if "api_key" not in accepted or not provider.has_api_key:
                del self.fields["remove_key"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.provider is None and "type" in cleaned:
            accepted = PROVIDER_TYPES[cleaned["type"]].accepted
            for name in FIELDS:
                # Typed for another type, then hidden.
                if name not in accepted:
                    cleaned[name] = ""
            cleaned["name"] = cleaned.get("name") or _NAMES[cleaned["type"]]
        return cleaned

    def values(self) -> dict[str, Any]:
        """Return the arguments `fields` and `api_key` of `save_provider`."""
        fields = {name: self.cleaned_data[name] for name in self.fields if name not in ("api_key", "remove_key")}
        typed = self.cleaned_data.get("api_key", "")
        if self.provider is None:
            return {"fields": fields, "api_key": typed}
        return {"fields": fields, "api_key": typed or ("" if self.cleaned_data.get("remove_key") else None)}


_STORED = (
    "name",
    "base_url",
    "region",
    "api_version",
    "deployment",
    "max_concurrency",
    "requests_per_minute",
    "shared",
)


class ProviderTestForm(forms.Form):
    model = forms.CharField(
        label="Model",
        max_length=MAX_MODEL,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "list": "known-models"}),
    )
