"""Endpoints as they are typed: changes applied to a row that may not be stored, and all that is checked of it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from judging.engines.configuration import (
    InvalidEndpoint,
    check_authentication,
    check_ca_certificate,
    check_headers,
    check_paging,
    check_url,
)
from judging.engines.mapping import InvalidMapping, compile_mapping
from judging.foundation.limits import MAX_AUTHENTICATION, MAX_PLAIN_HEADERS
from judging.foundation.validation import clean, raise_if_any
from judging.models import AuthenticationType, SearchEndpoint

ENDPOINT_FIELDS = (
    "corpus_id",
    "name",
    "type",
    "url",
    "method",
    "headers",
    "tls_verify",
    "ca_certificate",
    "candidates_mapping",
    "paging",
    "timeout",
    "max_retries",
    "max_concurrency",
    "requests_per_minute",
    "max_response_bytes",
)
# A name that stands for a secret in plain headers, which every member reads, is a mistake.
_SECRET_HEADERS = frozenset({"authorization", "cookie", "x-api-key", "api-key", "x-typesense-api-key"})


def apply_changes(
    endpoint: SearchEndpoint, fields: Mapping[str, Any], authentication: Mapping[str, Any] | None
) -> None:
    """Set `fields` (ENDPOINT_FIELDS) of an endpoint, and its authentication unless that is None. Nothing is saved.

    Raise Invalid: the type of a stored one stays, and credentials must be given again for another host.
    """
    unknown = fields.keys() - set(ENDPOINT_FIELDS)
    assert not unknown, unknown
    is_stored = not endpoint._state.adding
    if is_stored and fields.get("type", endpoint.type) != endpoint.type:
        raise_if_any({"type": ["The type of an endpoint can't be changed."]})
    before = origin_of(endpoint.url)
    for name, value in fields.items():
        setattr(endpoint, name, value.strip() if name in ("name", "url") else value)
    if authentication is not None:
        _set_authentication(endpoint, authentication)
    elif is_stored and endpoint.has_credentials and origin_of(endpoint.url) != before:
        # Editing must not be a way to send stored credentials to a host of one's choice.
        raise_if_any({"authentication": ["The address leads to another host now: give the authentication again."]})


def check_endpoint(endpoint: SearchEndpoint) -> None:
    """Check all fields of an endpoint but its relations. Raise Invalid."""
    problems: dict[str, list[str]] = {}
    for field, check in (
        ("url", lambda: check_url(endpoint.url)),
        ("headers", lambda: _check_plain_headers(endpoint.headers)),
        ("paging", lambda: check_paging(endpoint.paging)),
        ("ca_certificate", lambda: check_ca_certificate(endpoint.ca_certificate)),
        ("candidates_mapping", lambda: compile_mapping(endpoint.candidates_mapping)),
    ):
        try:
            check()
        except (InvalidEndpoint, InvalidMapping) as error:
            problems[field] = [str(error)]
    clean(endpoint, exclude=["encrypted_authentication", "encrypted_api_key"], errors=problems)


def origin_of(url: str) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port of an address; what is none has an origin of its own."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return url, None, None


def _set_authentication(endpoint: SearchEndpoint, authentication: Mapping[str, Any]) -> None:
    try:
        check_authentication(authentication)
        if len(str(authentication)) > MAX_AUTHENTICATION:
            raise InvalidEndpoint("authentication", f"It is longer than {MAX_AUTHENTICATION:,} characters.")
    except InvalidEndpoint as error:
        raise_if_any({"authentication": [str(error)]})
    given = {name: value for name, value in authentication.items() if value is not None}
    endpoint.set_authentication({"type": AuthenticationType.NONE, **given})


def _check_plain_headers(headers: Any) -> None:
    check_headers(headers)
    if len(headers) > MAX_PLAIN_HEADERS:
        raise InvalidEndpoint("headers", f"There may be at most {MAX_PLAIN_HEADERS} headers.")
    for name in headers:
        if name.lower() in _SECRET_HEADERS:
            raise InvalidEndpoint(
                "headers", f"{name} holds a secret, and these headers are shown: give it as authentication."
            )
