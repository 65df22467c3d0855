"""How a search endpoint is set up: its authentication and its paging, checked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from judging.engines.expressions import InvalidMapping, compile_expression
from judging.foundation.limits import MAX_DEPTH, MAX_MAPPING, MAX_NAME, MAX_URL
from judging.wire.addresses import AddressRefused, check_address
from judging.wire.connections import Tls, ssl_context

MAX_SECRET = 5_000
MAX_SECRET_HEADERS = 10
DEFAULT_PAGE_SIZE = 100

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
# What the transport writes, or what would change how a message is read on the way.
_RESERVED_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect"}
    | {"accept-encoding", "proxy-authorization", "proxy-connection", "keep-alive"}
)
_PARAMETER = re.compile(r"[A-Za-z0-9_$-][A-Za-z0-9_.$\[\]-]{0,99}")

# Of each type of authentication: the fields that it needs, and those that it may have.
_AUTHENTICATION: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "none": ((), ()),
    "bearer": (("token",), ()),
    "basic": (("username", "password"), ()),
    "api_key": (("name", "value"), ("in",)),
    "headers": (("headers",), ()),
    "aws": (("access_key", "access_secret", "aws_region", "service"), ("session_token",)),
    "oauth2": (("token_url", "client_id", "client_secret"), ("scope",)),
}
# Of each type of paging: the names of parameters, and other fields.
_PAGING: Mapping[str, tuple[str, ...]] = {
    "none": ("size",),
    "offset": ("size", "offset"),
    "page": ("size", "page"),
    "cursor": ("size", "cursor"),
}


class InvalidEndpoint(ValueError):
    """A setting of an endpoint that can't be used. `field` names it; the message repeats no secret."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


@dataclass(frozen=True, slots=True)
class EndpointConfig:
    """An endpoint as it is asked: credentials decrypted, seconds per request, bytes of an unpacked answer.

    max_retries is for whoever repeats searches: nothing here does.
    """

    url: str
    method: str
    headers: dict[str, str]
    authentication: dict[str, Any] = field(repr=False)
    tls_verify: bool
    ca_certificate: str
    candidates_mapping: str
    paging: dict[str, Any]
    timeout_seconds: float
    max_retries: int
    max_response_bytes: int


@dataclass(frozen=True, slots=True)
class TemplateText:
    """A query template as it is written: Handlebars in body, query string and values of headers."""

    body: str
    query_string: str
    content_type: str
    headers: dict[str, str]


def check_url(url: str) -> None:
    """Check the address of an endpoint; a query string is fine. Raise InvalidEndpoint."""
    address, _, query_string = url.partition("?")
    try:
        check_address(address)
    except AddressRefused as error:
        raise InvalidEndpoint("url", str(error)) from None
    check_query_string(query_string)
    if len(url) > MAX_URL:
        raise InvalidEndpoint("url", f"The address is longer than {MAX_URL} characters.")


def check_query_string(text: str) -> None:
    """Check the query string of an endpoint's address, without "?". Raise InvalidEndpoint."""
    if not re.fullmatch(r"[!$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]*", text):
        raise InvalidEndpoint("url", "The address has characters that no address has: encode them with percent signs.")


def check_headers(value: Any, *, field: str = "headers") -> None:
    """Check names and values of headers. Raise InvalidEndpoint."""
    if not isinstance(value, Mapping):
        raise InvalidEndpoint(field, "Headers are an object of names and values.")
    for name, text in value.items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise InvalidEndpoint(field, "A header's name has characters that no such name has, or is too long.")
        if name.lower() in _RESERVED_HEADERS:
            raise InvalidEndpoint(field, f"The header {name} can't be set: it belongs to the connection.")
        _check_text(text, field, f"the header {name}")
        if not is_header_safe(text):
            raise InvalidEndpoint(field, f"The header {name} has characters that no header may have.")


def check_ca_certificate(value: str) -> None:
    """Check a certificate in PEM; "" is none. Raise InvalidEndpoint."""
    try:
        ssl_context(Tls(ca_certificate=value))
    except (ValueError, OSError):
        raise InvalidEndpoint("ca_certificate", "The CA certificate can't be read: it is a text in PEM.") from None


def is_header_safe(text: str) -> bool:
    """Tell whether a text can be a header's value as it is."""
    return text.isascii() and text.isprintable()


def check_authentication(value: Any) -> None:
    """Check an endpoint's authentication. Raise InvalidEndpoint."""
    field = "authentication"
    if not isinstance(value, Mapping):
        raise InvalidEndpoint(field, "Authentication is an object with a type.")
    kind = value.get("type", "none")
    if not isinstance(kind, str) or kind not in _AUTHENTICATION:
        raise InvalidEndpoint(field, f"Unknown type of authentication; there are {', '.join(_AUTHENTICATION)}.")
    needed, possible = _AUTHENTICATION[kind]
    unknown = sorted(str(name)[:50] for name in set(value) - {"type", *needed, *possible})
    if unknown:
        raise InvalidEndpoint(field, f"{kind} takes no {unknown[0]}.")
    for name in needed:
        if name not in value or value[name] in ("", None):
            raise InvalidEndpoint(field, f"{kind} needs {name}.")
    for name in (*needed, *possible):
        if name != "headers" and value.get(name) is not None:
            _check_text(value[name], field, name)
    _CHECKS.get(kind, _nothing_more)(value)


def check_paging(value: Any) -> None:
    """Check how an endpoint is paged; an empty object is `none`. Raise InvalidEndpoint."""
    field = "paging"
    if not isinstance(value, Mapping):
        raise InvalidEndpoint(field, "Paging is an object with a type.")
    kind = value.get("type", "none")
    if not isinstance(kind, str) or kind not in _PAGING:
        raise InvalidEndpoint(field, f"Unknown type of paging; there are {', '.join(_PAGING)}.")
    names = _PAGING[kind]
    known = {"type", *names, "page_size"}
    known |= {"first_page"} if kind == "page" else {"next"} if kind == "cursor" else set()
    if unknown := sorted(str(name)[:50] for name in set(value) - known):
        raise InvalidEndpoint(field, f"Paging by {kind} takes no {unknown[0]}; it has {', '.join(sorted(known))}.")
    for name in names:
        if name in value and not (isinstance(value[name], str) and _PARAMETER.fullmatch(value[name])):
            raise InvalidEndpoint(field, f"{name} is the name of a parameter, such as {name!r}.")
    _check_number(value.get("page_size", DEFAULT_PAGE_SIZE), "page_size", 1, MAX_DEPTH)
    _check_number(value.get("first_page", 1), "first_page", 0, 1)
    if kind == "cursor":
        _check_next(value.get("next"))


def _check_next(expression: Any) -> None:
    if not isinstance(expression, str) or not expression.strip() or len(expression) > MAX_MAPPING:
        raise InvalidEndpoint("paging", "Paging by cursor needs next: where in an answer the next cursor stands.")
    try:
        compile_expression(expression)
    except InvalidMapping as error:
        raise InvalidEndpoint("paging", f"next: {error}") from None


def _check_number(value: Any, name: str, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidEndpoint("paging", f"{name} is a whole number from {least} to {most:,}.")


def _check_text(value: Any, field: str, name: str) -> None:
    if not isinstance(value, str):
        raise InvalidEndpoint(field, f"{name} must be a text.")
    if len(value) > MAX_SECRET:
        raise InvalidEndpoint(field, f"{name} is longer than {MAX_SECRET:,} characters.")
    if not value.isprintable():
        raise InvalidEndpoint(field, f"{name} has characters that can't be sent, such as a line break.")


def _check_ascii(value: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if not is_header_safe(value.get(name) or ""):
            raise InvalidEndpoint("authentication", f"{name} has characters that no header may have.")


def _check_bearer(value: Mapping[str, Any]) -> None:
    _check_ascii(value, "token")


def _check_basic(value: Mapping[str, Any]) -> None:
    if ":" in value["username"]:
        raise InvalidEndpoint("authentication", "username must not hold a colon.")


def _check_api_key(value: Mapping[str, Any]) -> None:
    place = value.get("in", "header")
    if place not in ("header", "query"):
        raise InvalidEndpoint("authentication", "in is header or query.")
    if place == "header":
        check_headers({value["name"]: value["value"]}, field="authentication")
    elif len(value["name"]) > MAX_NAME:
        raise InvalidEndpoint("authentication", "name is too long.")


def _check_secret_headers(value: Mapping[str, Any]) -> None:
    headers = value["headers"]
    if not isinstance(headers, Mapping) or not 1 <= len(headers) <= MAX_SECRET_HEADERS:
        raise InvalidEndpoint("authentication", f"headers holds 1 to {MAX_SECRET_HEADERS} names with their values.")
    check_headers(headers, field="authentication")


def _check_aws(value: Mapping[str, Any]) -> None:
    if value["service"] not in ("es", "aoss"):
        raise InvalidEndpoint("authentication", "service is es (OpenSearch Service) or aoss (OpenSearch Serverless).")
    _check_ascii(value, "access_key", "access_secret", "session_token")
    if not re.fullmatch(r"[a-z0-9-]{1,50}", value["aws_region"]):
        raise InvalidEndpoint("authentication", "aws_region is written like eu-central-1.")


def _check_oauth2(value: Mapping[str, Any]) -> None:
    try:
        check_address(value["token_url"])
    except AddressRefused as error:
        raise InvalidEndpoint("authentication", f"token_url: {error}") from None


def _nothing_more(value: Mapping[str, Any]) -> None:
    pass


_CHECKS = {
    "bearer": _check_bearer,
    "basic": _check_basic,
    "api_key": _check_api_key,
    "headers": _check_secret_headers,
    "aws": _check_aws,
    "oauth2": _check_oauth2,
}
