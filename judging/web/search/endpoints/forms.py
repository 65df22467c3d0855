"""The form of an endpoint: connection, authentication, reading, paging, limits."""

from typing import Any

from django import forms

from judging.engines.presets import PRESETS
from judging.foundation.limits import (
    MAX_CERTIFICATE,
    MAX_ENDPOINT_CONCURRENCY,
    MAX_MAPPING,
    MAX_NAME,
    MAX_REQUESTS_PER_MINUTE,
    MAX_RESPONSE_BYTES,
    MAX_SEARCH_RETRIES,
    MAX_SEARCH_TIMEOUT,
    MAX_URL,
    MIN_SEARCH_TIMEOUT,
)
from judging.models import AuthenticationType, Corpus, EndpointMethod, EndpointType, SearchEndpoint
from judging.search.endpoints.drafts import ENDPOINT_FIELDS
from judging.web.search.endpoints.authentication_form import SECRETS, AuthenticationForm

_HEADER_LINES = "One a line: Name: value. Every member reads them; secrets belong under “Authentication”."
_PAGING_TYPES = (
    ("none", "One request for all"),
    ("offset", "By offset"),
    ("page", "By page number"),
    ("cursor", "By cursor"),
)
# Of each type of paging, the names of its parameters, and what they are set to unless something else is typed.
LIMITS = ("max_concurrency", "requests_per_minute", "timeout", "max_retries", "max_response_bytes")
_PARAMETERS = {"none": ("size",), "offset": ("size", "offset"), "page": ("size", "page"), "cursor": ("size", "cursor")}


# To the page itself, without what is secret.
_POSTS = {"hx-post": "", "hx-params": f"not {','.join(SECRETS)}"}


def code_input(rows: int, **attributes: str) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "class": "code-input", "spellcheck": "false", **attributes})


def _text(label: str, limit: int, help_text: str = "", *, required: bool = False) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(label=label, max_length=limit, required=required, help_text=help_text, widget=widget)


def _number(label: str, least: int, most: int, help_text: str = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=least, max_value=most, required=False, help_text=help_text)


class EndpointForm(AuthenticationForm):
    """Fields are those of the act, but for paging and headers, which are typed in parts."""

    type = forms.ChoiceField(
        label="Type",
        choices=EndpointType.choices,
        initial=EndpointType.API,
        widget=forms.Select(
            attrs={**_POSTS, "hx-vals": '{"act": "preset"}', "hx-target": "#endpoint-form", "hx-swap": "outerHTML"}
        ),
    )
    name = _text("Name", MAX_NAME, required=True)
    corpus_id = forms.ModelChoiceField(
        label="Corpus",
        queryset=Corpus.objects.order_by("name", "pk"),
        empty_label="A new corpus",
        help_text="The documents that it finds, and their judgments, belong to it.",
    )
    url = _text("Address", MAX_URL, required=True)
    method = forms.ChoiceField(label="Method", choices=EndpointMethod.choices)
    headers = forms.CharField(label="Headers", required=False, help_text=_HEADER_LINES, widget=code_input(2))
    tls_verify = forms.BooleanField(label="Verify the certificate (TLS)", required=False, initial=True)
    ca_certificate = forms.CharField(
        label="CA certificate",
        max_length=MAX_CERTIFICATE,
        required=False,
        help_text="In PEM form, where the engine's certificate is signed by a CA of your own.",
        widget=code_input(3, placeholder="-----BEGIN CERTIFICATE-----"),
    )
    candidates_mapping = forms.CharField(
        label="Candidates mapping",
        max_length=MAX_MAPPING,
        strip=False,
        widget=code_input(
            7,
            **_POSTS,
            **{
                "hx-vals": '{"act": "read"}',
                "hx-target": "#bench-results",
                "hx-trigger": "input changed delay:400ms",
                "hx-sync": "this:replace",
            },
        ),
    )
    paging_type = forms.ChoiceField(label="Pages", choices=_PAGING_TYPES)
    paging_size = _text("Parameter of the page's size", 100)
    paging_offset = _text("Parameter of the offset", 100)
    paging_page = _text("Parameter of the page's number", 100)
    paging_cursor = _text("Parameter of the cursor", 100)
    paging_next = _text("Where the next cursor stands", MAX_MAPPING, "JMESPath, such as meta.next")
    paging_first_page = _number("Number of the first page", 0, 1)
    paging_page_size = _number("Most documents a page", 1, 1_000)
    timeout = _number("Timeout (s)", MIN_SEARCH_TIMEOUT, MAX_SEARCH_TIMEOUT)
    max_retries = _number("Retries", 0, MAX_SEARCH_RETRIES)
    max_concurrency = _number("Requests at once", 1, MAX_ENDPOINT_CONCURRENCY)
    requests_per_minute = _number("Requests a minute", 1, MAX_REQUESTS_PER_MINUTE, "Empty: no limit.")
    max_response_bytes = _number("Largest answer (bytes)", 1_000, MAX_RESPONSE_BYTES)

    def __init__(self, data: Any = None, *, endpoint: SearchEndpoint | None = None, is_draft: bool = False) -> None:
        """Draw or read the form; `is_draft`: only to be asked, for which it needs no name."""
        super().__init__(data, initial=_initial(endpoint), endpoint=endpoint)
        self.endpoint = endpoint
        if endpoint is not None:
            del self.fields["type"]
        # A new one may bring a corpus of its own, called like it.
        self.fields["corpus_id"].required = endpoint is not None
        self.fields["name"].required = not is_draft
        kind = self.type_name
        self.fields["url"].widget.attrs["placeholder"] = PRESETS[kind].url_hint

    @property
    def type_name(self) -> str:
        """Return the type that is stored or chosen."""
        if self.endpoint is not None:
            return self.endpoint.type
        # Not of the bound field, which would remember it.
        chosen = (self.data if self.is_bound else self.initial).get("type")
        return chosen if chosen in EndpointType.values else EndpointType.API.value

    @property
    def has_tls_errors(self) -> bool:
        return self.is_bound and any(name in self.errors for name in ("headers", "ca_certificate"))

    @property
    def has_limit_errors(self) -> bool:
        return self.is_bound and any(name in self.errors for name in LIMITS)

    def clean_corpus_id(self) -> Any:
        corpus = self.cleaned_data["corpus_id"]
        return corpus.pk if corpus else None

    def clean_headers(self) -> dict[str, str]:
        return self.header_lines("headers")

    def values(self) -> dict[str, Any]:
        """Return the arguments `fields` and `authentication` of the acts."""
        cleaned = self.cleaned_data
        fields = {name: cleaned[name] for name in ENDPOINT_FIELDS if name in self.fields and name in cleaned}
        fields["paging"] = self._paging()
        blank = SearchEndpoint()
        for name in ("timeout", "max_retries", "max_concurrency", "max_response_bytes"):
            if fields[name] is None:
                fields[name] = getattr(blank, name)
        fields["ca_certificate"] = cleaned["ca_certificate"].replace("\r\n", "\n").strip()
        fields["candidates_mapping"] = cleaned["candidates_mapping"].replace("\r\n", "\n")
        return {"fields": fields, "authentication": self.authentication()}

    def _paging(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        kind = cleaned.get("paging_type") or "none"
        names = [*_PARAMETERS[kind], "page_size"]
        names += {"page": ["first_page"], "cursor": ["next"]}.get(kind, [])
        given = {name: cleaned.get(f"paging_{name}") for name in names}
        return {"type": kind, **{name: value for name, value in given.items() if value not in (None, "")}}


def preset_values(kind: str) -> dict[str, Any]:
    """Return what the fields of the form are for a new endpoint of a type."""
    preset = PRESETS[kind]
    return {
        "method": preset.method,
        "candidates_mapping": preset.candidates_mapping,
        **_paging_values(preset.paging),
        "body": preset.body,
        "query_string": preset.query_string,
        "content_type": preset.content_type,
    }


def _paging_values(paging: Any) -> dict[str, Any]:
    named = ("size", "offset", "page", "cursor", "next", "first_page", "page_size")
    return {"paging_type": paging.get("type", "none"), **{f"paging_{name}": paging.get(name, "") for name in named}}


def _initial(endpoint: SearchEndpoint | None) -> dict[str, Any]:
    stored = endpoint or SearchEndpoint(type=EndpointType.API)
    values = {name: getattr(stored, name) for name in ENDPOINT_FIELDS}
    values["headers"] = "\n".join(f"{name}: {value}" for name, value in stored.headers.items())
    if endpoint is None:
        values["corpus_id"] = Corpus.objects.order_by("-created_at", "pk").values_list("pk", flat=True).first()
        return {**values, **preset_values(EndpointType.API), "authentication_type": AuthenticationType.NONE}
    return {**values, **_paging_values(stored.paging)}
