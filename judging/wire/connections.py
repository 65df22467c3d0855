"""HTTP to one origin that people typed in: checked addresses, no redirects, bounded answers, the proxy of the environment.

The one client under all that is asked: models and search engines.
"""

import asyncio
import ipaddress
import socket
import ssl
import time
from collections.abc import AsyncIterable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore2
import httpx2

from judging.wire.addresses import AddressRefused, check_ip, is_loopback
from judging.wire.unpacking import UnusableReply, size_words, unpacked

MAX_REPLY_BYTES = 5_000_000
MAX_CONNECT_SECONDS = 10.0
_LOOKUP_SECONDS = 2.0
_LOOKED_UP_FOR_SECONDS = 30.0
# Below the 5 s after which uvicorn and others close an idle connection, perhaps just as the next request goes out.
_KEEPALIVE_SECONDS = 4.0
_OF_THE_WIRE = frozenset({b"transfer-encoding", b"content-encoding", b"content-length"})

Headers = Sequence[tuple[bytes, bytes]]


class UnknownHost(httpcore2.ConnectError):
    """A host name that leads nowhere."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Whose certificates are trusted: those of the system, those of ca_certificate (PEM), or anyone's."""

    verify: bool = True
    ca_certificate: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer. With a `problem` its body is not usable, and `content` holds what is known of it."""

    status: int
    headers: list[tuple[bytes, bytes]]
    content: bytes
    problem: UnusableReply | None = None


class Connections:
    """Connections to the origin of base_url: each request has one of its own, which is then kept for the next.

    Used inside one event loop. As many connections as requests in flight: the caller bounds those. httpcore's own
    pool looks through all connections and requests for each request, which costs more than the rest at 256 in flight.
    """

    def __init__(self, base_url: str, *, tls: Tls = Tls(), max_bytes: int = MAX_REPLY_BYTES) -> None:
        """Take the bound of a body, packed and unpacked. Raise AddressRefused for the environment's proxy, ssl.SSLError."""
        url = httpx2.URL(base_url)
        self.netloc = url.netloc
        self._scheme, self._host, self._port = url.raw_scheme, url.raw_host, url.port
        self._max_bytes = max_bytes
        self._core_origin = httpcore2.URL(base_url).origin
        self._backend = _CheckingBackend()
        self._ssl_context = ssl_context(tls) if url.scheme == "https" else None
        self._proxy = _proxy_pool(base_url, self._ssl_context, self._backend)
        self._target = _ProxiedTarget(url.host, url.port or (443 if url.scheme == "https" else 80))
        self._idle: list[httpcore2.AsyncHTTPConnection] = []
        self._is_closed = False

    async def send(self, method: str, target: bytes, headers: Headers, content: bytes = b"") -> Answer:
        """Send a request for a path with its query string. Host, User-Agent and Content-Length are added.

        Raise AddressRefused, UnknownHost, httpcore2.TimeoutException, NetworkError, ProtocolError or ProxyError.
        """
        sent = [(b"Host", self.netloc), (b"User-Agent", b"Releval"), *headers]
        if content or method not in ("GET", "HEAD"):
            sent.append((b"Content-Length", str(len(content)).encode("ascii")))
        request = httpcore2.Request(
            method.encode("ascii"),
            httpcore2.URL(scheme=self._scheme, host=self._host, port=self._port, target=target),
            headers=sent,
            content=content,
            extensions={"timeout": {"connect": MAX_CONNECT_SECONDS}},
        )
        if self._proxy is not None:
            await self._target.check()
            return await _read(await self._proxy.handle_async_request(request), self._max_bytes)
        connection = await self._connection()
        try:
            return await _read(await connection.handle_async_request(request), self._max_bytes)
        finally:
            if connection.is_idle() and not connection.is_closed() and not self._is_closed:
                self._idle.append(connection)
            else:
                await connection.aclose()

    async def aclose(self) -> None:
        self._is_closed = True
        if self._proxy is not None:
            await self._proxy.aclose()
        while self._idle:
            await self._idle.pop().aclose()

    async def _connection(self) -> httpcore2.AsyncHTTPConnection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.has_expired():
                return connection
            await connection.aclose()
        return httpcore2.AsyncHTTPConnection(
            self._core_origin,
            ssl_context=self._ssl_context,
            keepalive_expiry=_KEEPALIVE_SECONDS,
            network_backend=self._backend,
        )


class _CheckingBackend(httpcore2.AnyIOBackend):
    """Connects only to addresses that were checked after the host name was resolved: the provider's, or a proxy's."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        addresses = await _resolve(host, port)
        for address in addresses:
            check_ip(address)
        # An address of a family that leads nowhere must not use up the time of the others.
        patience = MAX_CONNECT_SECONDS if timeout is None else timeout
        share = max(patience / len(addresses), 1.0)
        for address in addresses[:-1]:
            try:
                return await super().connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await super().connect_tcp(addresses[-1], port, patience, local_address, socket_options)


class _ProxiedTarget:
    """The host that a proxy is asked to connect to. The proxy looks its name up, so what is seen here may differ.

    A name that leads to a refused address here is refused; one that is unknown here, as behind many proxies, is not.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._good_until = 0.0
        self._lock = asyncio.Lock()

    async def check(self) -> None:
        """Raise AddressRefused. Looks up once in a while, as lookups of calls that go on all the time would cost."""
        async with self._lock:
            if time.monotonic() < self._good_until:
                return
            addresses: list[str] = []
            try:
                async with asyncio.timeout(_LOOKUP_SECONDS):
                    addresses = await _resolve(self._host, self._port)
            except (UnknownHost, TimeoutError):
                pass
            for address in addresses:
                check_ip(address)
            self._good_until = time.monotonic() + _LOOKED_UP_FOR_SECONDS


async def _resolve(host: str, port: int) -> list[str]:
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnknownHost(f"the host name {host} is not known") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def _read(response: httpcore2.Response, max_bytes: int) -> Answer:
    """Read an answer up to the bound."""
    problem: UnusableReply | None = None
    packed, is_whole = await _body_of(response, max_bytes)
    content = packed
    if not is_whole:
        problem = UnusableReply(f"the reply is larger than {size_words(max_bytes)}", is_too_large=True)
    else:
        try:
            content = unpacked(packed, _encodings(response.headers), limit=max_bytes)
        except UnusableReply as error:
            problem, content = error, b""
    # What is told here of the body on the wire holds no longer.
    headers = [(name, value) for name, value in response.headers if name.lower() not in _OF_THE_WIRE]
    return Answer(response.status, headers, content, problem)


async def _body_of(response: httpcore2.Response, max_bytes: int) -> tuple[bytes, bool]:
    """Return a body as it is on the wire, or its beginning, and whether that is all."""
    chunks: list[bytes] = []
    size = 0
    stream = response.stream
    assert isinstance(stream, AsyncIterable)
    try:
        async for chunk in stream:
            size += len(chunk)
            chunks.append(chunk)
            if size > max_bytes:
                return b"".join(chunks)[:max_bytes], False
    finally:
        await response.aclose()
    return b"".join(chunks), True


def _encodings(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    """Return how a body was encoded, in this order."""
    values = [value.decode("latin-1").lower() for name, value in headers if name.lower() == b"content-encoding"]
    names = [name.strip() for value in values for name in value.split(",")]
    return [name for name in names if name not in ("", "identity")]


@lru_cache(maxsize=32)
def ssl_context(tls: Tls) -> ssl.SSLContext:
    """Return what checks certificates. Raise ssl.SSLError for a ca_certificate that is none."""
    if not tls.verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if tls.ca_certificate:
        if not tls.ca_certificate.isascii():
            raise ssl.SSLError("a certificate in PEM is ASCII")
        return ssl.create_default_context(cadata=tls.ca_certificate)
    # Costs 20 to 50 ms, so once per process; honours SSL_CERT_FILE and SSL_CERT_DIR.
    return httpx2.create_ssl_context()


def _proxy_pool(
    base_url: str, ssl_context: ssl.SSLContext | None, backend: httpcore2.AsyncNetworkBackend
) -> httpcore2.AsyncHTTPProxy | None:
    """Return a pool behind the proxy that HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY name for an address."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if is_loopback(base_url) or proxy_bypass(f"{host}:{parts.port}" if parts.port else host):
        return None
    proxies = getproxies()
    proxy_url = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy_url:
        return None
    proxy_url = proxy_url if "://" in proxy_url else f"http://{proxy_url}"
    try:
        proxy = httpx2.Proxy(proxy_url)
    except (ValueError, httpx2.InvalidURL):
        raise AddressRefused("The proxy that the environment names has no valid address.") from None
    if proxy.url.scheme not in ("http", "https"):
        raise AddressRefused("The environment names a proxy that is neither http nor https.")
    return httpcore2.AsyncHTTPProxy(
        httpcore2.URL(str(proxy.url)),
        proxy_auth=proxy.raw_auth,
        ssl_context=ssl_context,
        max_connections=None,
        keepalive_expiry=_KEEPALIVE_SECONDS,
        network_backend=backend,
    )


def is_certificate_refused(error: BaseException | None) -> bool:
    """Tell whether an error comes of a certificate that is not trusted."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None


def said_by(error: Exception) -> str:
    """Return what an error says, or what caused it says."""
    cause = error.__cause__ or error.__context__
    return str(error) or str(cause or "") or type(error).__name__
