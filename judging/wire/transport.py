"""The wire under the openai package: one origin, no redirects, no surprises from the environment, bounded replies.

The package builds a request; what leaves is decided here. Of the headers that it (and variables such as
OPENAI_CUSTOM_HEADERS or OPENAI_ORG_ID) would send, none is taken over, and the credential is added here and nowhere
else: no key can reach another host, and the package never holds one.
"""

import asyncio
import ipaddress
import socket
import ssl
import time
from collections.abc import AsyncIterable, Iterable, Mapping
from functools import lru_cache
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore2
import httpx2

from judging.wire.addresses import AddressRefused, check_ip, is_loopback
from judging.wire.unpacking import UnusableReply, unpacked

MAX_REPLY_BYTES = 5_000_000
MAX_CONNECT_SECONDS = 10.0
_LOOKUP_SECONDS = 2.0
_LOOKED_UP_FOR_SECONDS = 30.0
# Below the 5 s after which uvicorn and others close an idle connection, perhaps just as the next request goes out.
_KEEPALIVE_SECONDS = 4.0
_OF_THE_WIRE = frozenset({b"transfer-encoding", b"content-encoding", b"content-length"})


class Transport(httpx2.AsyncBaseTransport):
    """Carries requests to the origin of base_url, each on a connection of its own that is then kept for the next.

    Used inside one event loop. As many connections as requests in flight: the caller bounds those. httpcore's own
    pool looks through all connections and requests for each request, which costs more than the rest at 256 in flight.
    """

    def __init__(
        self, base_url: str, credentials: Mapping[str, str], *, listing_credentials: Mapping[str, str] | None = None
    ) -> None:
        """Take the headers that carry the key: for calls, and for GET where that wants others."""
        url = httpx2.URL(base_url)
        self._origin = (url.scheme, url.host, url.port)
        self._core_origin = httpcore2.URL(base_url).origin
        common = [
            (b"Host", url.netloc),
            (b"Accept", b"application/json"),
            # Gateways that compress all the same are understood.
            (b"Accept-Encoding", b"identity"),
            (b"User-Agent", b"Releval"),
        ]
        self._headers = [*common, (b"Content-Type", b"application/json"), *_encoded(credentials)]
        self._listing_headers = [
            *common,
            *_encoded(credentials if listing_credentials is None else listing_credentials),
        ]
        self._backend = _CheckingBackend()
        self._ssl_context = _ssl_context() if url.scheme == "https" else None
        self._proxy = _proxy_pool(base_url, self._ssl_context, self._backend)
        self._target = _ProxiedTarget(url.host, url.port or (443 if url.scheme == "https" else 80))
        self._idle: list[httpcore2.AsyncHTTPConnection] = []
        self._is_closed = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        if (url.scheme, url.host, url.port) != self._origin:
            raise httpx2.UnsupportedProtocol("the request leads to another host than the provider's", request=request)
        content = request.content
        headers = self._listing_headers
        if request.method != "GET":
            headers = [*self._headers, (b"Content-Length", str(len(content)).encode("ascii"))]
        core_request = httpcore2.Request(
            request.method.encode("ascii"),
            httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=headers,
            content=content,
            extensions={"timeout": {"connect": MAX_CONNECT_SECONDS}},
        )
        try:
            if self._proxy is not None:
                await self._target.check()
                return await _read(await self._proxy.handle_async_request(core_request))
            return await self._send(core_request)
        except httpcore2.TimeoutException as error:
            raise httpx2.ConnectTimeout(_text(error), request=request) from error
        except httpcore2.ConnectError as error:
            raise httpx2.ConnectError(_text(error), request=request) from error
        except httpcore2.ProtocolError as error:
            raise httpx2.RemoteProtocolError(_text(error), request=request) from error
        except (httpcore2.NetworkError, httpcore2.ProxyError) as error:
            raise httpx2.NetworkError(_text(error), request=request) from error

    async def aclose(self) -> None:
        self._is_closed = True
        if self._proxy is not None:
            await self._proxy.aclose()
        while self._idle:
            await self._idle.pop().aclose()

    async def _send(self, request: httpcore2.Request) -> httpx2.Response:
        connection = await self._connection()
        try:
            return await _read(await connection.handle_async_request(request))
        finally:
            if connection.is_idle() and not connection.is_closed() and not self._is_closed:
                self._idle.append(connection)
            else:
                await connection.aclose()

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
            except (httpcore2.ConnectError, TimeoutError):
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
        raise httpcore2.ConnectError(f"the host name {host} is not known") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]


async def _read(response: httpcore2.Response) -> httpx2.Response:
    """Read a reply, up to the bound. Any other status than success counts whatever becomes of the body. Raise UnusableReply."""
    content = b""
    try:
        content = unpacked(await _body_of(response), _encodings(response.headers), limit=MAX_REPLY_BYTES)
    except UnusableReply:
        if 200 <= response.status < 300:
            raise
    # What is told here of the body on the wire holds no longer.
    headers = [(name, value) for name, value in response.headers if name.lower() not in _OF_THE_WIRE]
    return httpx2.Response(response.status, headers=headers, content=content)


async def _body_of(response: httpcore2.Response) -> bytes:
    chunks: list[bytes] = []
    size = 0
    stream = response.stream
    assert isinstance(stream, AsyncIterable)
    try:
        async for chunk in stream:
            size += len(chunk)
            if size > MAX_REPLY_BYTES:
                raise UnusableReply("the provider's reply is larger than 5 MB")
            chunks.append(chunk)
    finally:
        await response.aclose()
    return b"".join(chunks)


def _encodings(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    """Return how a body was encoded, in this order."""
    values = [value.decode("latin-1").lower() for name, value in headers if name.lower() == b"content-encoding"]
    names = [name.strip() for value in values for name in value.split(",")]
    return [name for name in names if name not in ("", "identity")]


@lru_cache(maxsize=1)
def _ssl_context() -> ssl.SSLContext:
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


def _text(error: Exception) -> str:
    cause = error.__cause__ or error.__context__
    return str(error) or str(cause or "") or type(error).__name__
