"""How a request proves who sends it, and what of it is secret."""

import asyncio
import base64
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote_plus, urlencode, urlsplit

from judging.engines.configuration import check_authentication
from judging.engines.redaction import Redaction
from judging.wire.connections import Answer, Connections

# A token is renewed so long before it ends: it must not end on the way.
_RENEWED_BEFORE = 30.0
# Of a server that does not say how long a token is good for.
_TOKEN_LASTS = 300.0
_MAX_TOKEN_BYTES = 100_000


class AwsMissing(Exception):
    """Requests to AWS can't be signed: the extra is not installed."""


class TokenRefused(Exception):
    """The token server gave no token. `status` is its HTTP status; None: its answer could not be read."""

    def __init__(self, message: str, *, status: int | None, headers: Mapping[str, str]) -> None:
        super().__init__(message)
        self.message, self.status, self.headers = message, status, headers


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A request without credentials: its whole URL, encoded; header names as they are sent."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


class Signer:
    """Signs the requests of one endpoint. Used inside one event loop."""

    def __init__(self, authentication: Mapping[str, Any]) -> None:
        """Raise InvalidEndpoint, or AwsMissing."""
        check_authentication(authentication)
        self._authentication = dict(authentication)
        self._type = authentication.get("type", "none")
        self._aws = _aws_signer(self._authentication) if self._type == "aws" else None
        self._token = ""
        self._token_until, self._token_uses = 0.0, 0
        self._lock = asyncio.Lock()
        self._tokens: Connections | None = None
        #: What may stand in no evidence. Grows with tokens.
        self.redaction = Redaction(_secrets_of(self._type, self._authentication))

    async def sign(self, request: Unsigned) -> Unsigned:
        """Return the request with its credentials.

        Raise TokenRefused, and what Connections.send raises, when a token had to be fetched.
        """
        return self._signed(request, await self._current_token() if self._type == "oauth2" else "")

    def forget_token(self) -> bool:
        """Fetch a new token next time, as the engine refused this one; tell whether it was an old one."""
        is_old = self._token_uses > 1
        self._token_until = 0.0
        return is_old

    async def aclose(self) -> None:
        if self._tokens is not None:
            await self._tokens.aclose()

    def _signed(self, request: Unsigned, token: str) -> Unsigned:
        given = self._authentication
        if self._type == "bearer":
            return _with_headers(request, {"Authorization": f"Bearer {given['token']}"})
        if self._type == "oauth2":
            return _with_headers(request, {"Authorization": f"Bearer {token}"})
        if self._type == "basic":
            return _with_headers(request, {"Authorization": f"Basic {_basic(given['username'], given['password'])}"})
        if self._type == "headers":
            return _with_headers(request, given["headers"])
        if self._type == "api_key" and given.get("in") == "query":
            parameter = f"{quote(given['name'], safe='')}={quote(given['value'], safe='')}"
            joint = "&" if "?" in request.url else "?"
            return Unsigned(request.method, f"{request.url}{joint}{parameter}", request.headers, request.body)
        if self._type == "api_key":
            return _with_headers(request, {given["name"]: given["value"]})
        if self._aws is not None:
            request = _canonical(request)
            return _with_headers(request, self._aws(request))
        return request

    async def _current_token(self) -> str:
        async with self._lock:
            if time.monotonic() >= self._token_until:
                await self._fetch_token()
                self._token_uses = 0
            self._token_uses += 1
            return self._token

    async def _fetch_token(self) -> None:
        given = self._authentication
        form = {"grant_type": "client_credentials", **({"scope": given["scope"]} if given.get("scope") else {})}
        # RFC 6749, 2.3.1: both are form-encoded before they become user name and password.
        credentials = _basic(quote(given["client_id"], safe=""), quote(given["client_secret"], safe=""))
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": f"Basic {credentials}",
        }
        if self._tokens is None:
            self._tokens = Connections(given["token_url"], max_bytes=_MAX_TOKEN_BYTES)
        path = (urlsplit(given["token_url"]).path or "/").encode("ascii")
        answer = await self._tokens.send("POST", path, encoded_headers(headers), urlencode(form).encode("ascii"))
        token, seconds = _read_token(answer)
        self.redaction = self.redaction.with_more([token])
        self._token, self._token_until = token, time.monotonic() + seconds - _RENEWED_BEFORE


def encoded_headers(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]


def decoded_headers(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers with names in lower case; those of one name joined."""
    found: dict[str, str] = {}
    for name, value in headers:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _read_token(answer: Answer) -> tuple[str, float]:
    headers = decoded_headers(answer.headers)
    if answer.status != 200:
        # Its words may repeat what it was given.
        raise TokenRefused(
            f"The token server refuses the client (HTTP {answer.status}).", status=answer.status, headers=headers
        )
    try:
        said = json.loads(answer.content) if answer.problem is None else None
    except (ValueError, RecursionError):
        said = None
    token = said.get("access_token") if isinstance(said, dict) else None
    if not isinstance(token, str) or not token or not (token.isascii() and token.isprintable()):
        raise TokenRefused("The token server's answer holds no access_token.", status=None, headers=headers)
    lasts = said.get("expires_in") if isinstance(said, dict) else None
    try:
        seconds = float(lasts) if isinstance(lasts, (int, float, str)) else _TOKEN_LASTS
    except (ValueError, OverflowError):
        seconds = _TOKEN_LASTS
    return token, seconds if math.isfinite(seconds) else _TOKEN_LASTS


def _basic(username: str, password: str) -> str:
    return base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


def _with_headers(request: Unsigned, added: Mapping[str, str]) -> Unsigned:
    names = {name.lower() for name in added}
    kept = {name: value for name, value in request.headers.items() if name.lower() not in names}
    return Unsigned(request.method, request.url, {**kept, **added}, request.body)


def _canonical(request: Unsigned) -> Unsigned:
    """Encode the query string as AWS does before it checks a signature: everything but unreserved characters."""
    address, _, query_string = request.url.partition("?")
    if not query_string:
        return request
    pairs = [part.partition("=") for part in query_string.split("&") if part]
    encoded = "&".join(
        f"{quote(unquote_plus(name), safe='')}={quote(unquote_plus(value), safe='')}" for name, _, value in pairs
    )
    return Unsigned(request.method, f"{address}?{encoded}", request.headers, request.body)


def _secrets_of(kind: str, given: Mapping[str, Any]) -> list[str]:
    if kind == "basic":
        return [given["password"], _basic(given["username"], given["password"])]
    if kind == "headers":
        return list(given["headers"].values())
    if kind == "aws":
        return [given[name] for name in ("access_key", "access_secret", "session_token") if given.get(name)]
    if kind == "oauth2":
        return [given["client_secret"]]
    return [given[name] for name in ("token", "value") if given.get(name)]


def _aws_signer(given: Mapping[str, Any]) -> Any:
    """Return what gives the headers of a signed request."""
    try:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
    except ImportError:
        raise AwsMissing("Signing for AWS needs the extra aws (botocore).") from None
    credentials = Credentials(given["access_key"], given["access_secret"], given.get("session_token") or None)
    signer = SigV4Auth(credentials, given["service"], given["aws_region"])

    def sign(request: Unsigned) -> dict[str, str]:
        # Only these are signed: a proxy on the way may change others.
        content_type = {name: value for name, value in request.headers.items() if name.lower() == "content-type"}
        unsigned = AWSRequest(method=request.method, url=request.url, data=request.body, headers=content_type)
        # OpenSearch Serverless wants the hash as a header, too.
        unsigned.headers["X-Amz-Content-SHA256"] = signer.payload(unsigned)
        signer.add_auth(unsigned)
        return dict(unsigned.headers.items())

    return sign
