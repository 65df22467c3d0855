"""The wire under the openai package: nothing but what is decided here leaves.

The package builds a request. Of the headers that it (and variables such as OPENAI_CUSTOM_HEADERS or OPENAI_ORG_ID)
would send, none is taken over, and the credential is added here and nowhere else: no key can reach another host, and
the package never holds one.
"""

from collections.abc import Mapping

import httpcore2
import httpx2

from judging.wire.connections import Connections, said_by


class Transport(httpx2.AsyncBaseTransport):
    """Carries requests to the origin of base_url. Used inside one event loop."""

    def __init__(
        self, base_url: str, credentials: Mapping[str, str], *, listing_credentials: Mapping[str, str] | None = None
    ) -> None:
        """Take the headers that carry the key: for calls, and for GET where that wants others."""
        url = httpx2.URL(base_url)
        self._origin = (url.scheme, url.host, url.port)
        # Gateways that compress all the same are understood.
        common = [(b"Accept", b"application/json"), (b"Accept-Encoding", b"identity")]
        self._headers = [*common, (b"Content-Type", b"application/json"), *_encoded(credentials)]
        self._listing_headers = [
            *common,
            *_encoded(credentials if listing_credentials is None else listing_credentials),
        ]
        self._connections = Connections(base_url)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        if (url.scheme, url.host, url.port) != self._origin:
            raise httpx2.UnsupportedProtocol("the request leads to another host than the provider's", request=request)
        is_get = request.method == "GET"
        try:
            answer = await self._connections.send(
                request.method,
                url.raw_path,
                self._listing_headers if is_get else self._headers,
                b"" if is_get else request.content,
            )
        except httpcore2.TimeoutException as error:
            raise httpx2.ConnectTimeout(said_by(error), request=request) from error
        except httpcore2.ConnectError as error:
            raise httpx2.ConnectError(said_by(error), request=request) from error
        except httpcore2.ProtocolError as error:
            raise httpx2.RemoteProtocolError(said_by(error), request=request) from error
        except (httpcore2.NetworkError, httpcore2.ProxyError) as error:
            raise httpx2.NetworkError(said_by(error), request=request) from error
        # Any other status than success counts whatever becomes of the body.
        if answer.problem is not None and 200 <= answer.status < 300:
            raise answer.problem
        content = answer.content if answer.problem is None else b""
        return httpx2.Response(answer.status, headers=answer.headers, content=content)

    async def aclose(self) -> None:
        await self._connections.aclose()


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]
