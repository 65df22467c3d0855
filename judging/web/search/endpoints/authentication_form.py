"""How an endpoint is asked to prove who asks. What is typed here is never drawn again."""

from typing import Any

from django import forms

from judging.foundation.limits import MAX_API_KEY, MAX_AUTHENTICATION, MAX_PLAIN_HEADERS, MAX_URL
from judging.models import AuthenticationType, SearchEndpoint

KEEP = "keep"
_PLACES = (("header", "In a header"), ("query", "In the query string"))
_SERVICES = (("es", "OpenSearch Service (es)"), ("aoss", "OpenSearch Serverless (aoss)"))
# Never sent where no engine is asked.
SECRETS = ("token", "password", "key_value", "secret_headers", "access_secret", "session_token", "client_secret")
# Of each type, what it takes: the names of the form's fields by those of the stored authentication.
PARTS: dict[str, dict[str, str]] = {
    "none": {},
    "bearer": {"token": "token"},
    "basic": {"username": "username", "password": "password"},
    "api_key": {"name": "key_name", "value": "key_value", "in": "key_place"},
    "headers": {"headers": "secret_headers"},
    "aws": {
        "access_key": "access_key",
        "access_secret": "access_secret",
        "session_token": "session_token",
        "aws_region": "aws_region",
        "service": "aws_service",
    },
    "oauth2": {
        "token_url": "token_url",
        "client_id": "client_id",
        "client_secret": "client_secret",
        "scope": "scope",
    },
}


def _plain(label: str, placeholder: str = "", limit: int = MAX_API_KEY) -> forms.CharField:
    attributes = {"autocomplete": "off", "spellcheck": "false", "placeholder": placeholder}
    return forms.CharField(label=label, max_length=limit, required=False, widget=forms.TextInput(attrs=attributes))


def _secret(label: str) -> forms.CharField:
    attributes = {"autocomplete": "new-password", "spellcheck": "false"}
    widget = forms.PasswordInput(render_value=False, attrs=attributes)
    return forms.CharField(label=label, max_length=MAX_API_KEY, required=False, widget=widget)


class _SecretText(forms.Textarea):
    """A text of several lines that is never drawn with its value."""

    def format_value(self, value: Any) -> None:
        return None


class AuthenticationForm(forms.Form):
    authentication_type = forms.ChoiceField(label="Authentication")
    token = _secret("Token")
    username = _plain("User name")
    password = _secret("Password")
    key_name = _plain("Name", "X-API-Key")
    key_value = _secret("Key")
    key_place = forms.ChoiceField(label="Where it goes", choices=_PLACES, required=False)
    secret_headers = forms.CharField(
        label="Secret headers",
        required=False,
        max_length=MAX_AUTHENTICATION,
        help_text="One a line: Name: value. Stored encrypted, never shown.",
        widget=_SecretText(attrs={"rows": 2, "class": "code-input", "spellcheck": "false", "autocomplete": "off"}),
    )
    access_key = _plain("Access key")
    access_secret = _secret("Access secret")
    session_token = _secret("Session token")
    aws_region = _plain("Region", "eu-central-1")
    aws_service = forms.ChoiceField(label="Service", choices=_SERVICES, required=False)
    token_url = _plain("Token address", "https://…/token", MAX_URL)
    client_id = _plain("Client id")
    client_secret = _secret("Client secret")
    scope = _plain("Scope")

    def __init__(self, data: Any, *, initial: dict[str, Any], endpoint: SearchEndpoint | None) -> None:
        choices = list(AuthenticationType.choices)
        if endpoint is not None and endpoint.has_credentials:
            stored = f"Keep what is stored ({endpoint.get_authentication_type_display().lower()})"
            choices.insert(0, (KEEP, stored))
            initial = {**initial, "authentication_type": KEEP}
        super().__init__(data, initial=initial)
        self.fields["authentication_type"].choices = choices  # type: ignore[attr-defined]

    def authentication(self) -> dict[str, Any] | None:
        """Return what was typed, None for what is stored."""
        kind = self.cleaned_data["authentication_type"]
        if kind == KEEP:
            return None
        given = {name: self.cleaned_data.get(field) for name, field in PARTS[kind].items()}
        return {"type": kind, **{name: value for name, value in given.items() if value not in (None, "", {})}}

    def clean_secret_headers(self) -> dict[str, str]:
        return self.header_lines("secret_headers")

    def header_lines(self, field: str) -> dict[str, str]:
        """Read "Name: value" lines."""
        headers: dict[str, str] = {}
        lines = [line for line in self.cleaned_data[field].splitlines() if line.strip()]
        if len(lines) > MAX_PLAIN_HEADERS:
            raise forms.ValidationError(f"There may be at most {MAX_PLAIN_HEADERS} headers.")
        for number, line in enumerate(lines, start=1):
            name, colon, value = line.partition(":")
            if not colon or not name.strip():
                raise forms.ValidationError(f"Line {number} is not written as Name: value.")
            headers[name.strip()] = value.strip()
        return headers
