"""One search asked of an engine, page by page: a whole list, or a failure that says whether to ask again."""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpcore2

from judging.engines.answers import Exchange, SearchAnswer, SearchFailed, SearchFailure
from judging.engines.configuration import EndpointConfig, InvalidEndpoint, check_headers, check_query_string
from judging.engines.curl import curl_line
from judging.engines.mapping import InvalidMapping, MappedCandidate, MappingFailed, compile_mapping
from judging.engines.paging import Pager, Position
from judging.engines.refusals import AUTHENTICATION, refused, said_in
from judging.engines.rendering import RenderedRequest, SearchTemplate, TemplateInvalid
from judging.engines.signing import AwsMissing, Signer, TokenRefused, Unsigned, decoded_headers, encoded_headers
from judging.foundation.answers import Fault
from judging.foundation.limits import LONGEST_SEARCH, MAX_EVIDENCE_BYTES, MAX_SEARCH_PAGES
from judging.wire.addresses import AddressRefused, check_address
from judging.wire.connections import Answer, Connections, Tls, UnknownHost, is_certificate_refused, said_by

__all__ = ["EngineCaller", "Exchange", "SearchAnswer", "SearchFailure", "curl_line"]

_ACCEPTED = {"Accept": "application/json", "Accept-Encoding": "identity"}


class EngineCaller:
    """Asks one endpoint. Used and closed inside one event loop; searches may run side by side."""

    def __init__(self, config: EndpointConfig) -> None:
        """Compile the mapping and prepare the credentials. Nothing is sent yet. Raise InvalidEndpoint."""
        self._config = config
        check_headers(config.headers)
        try:
            self._mapping = compile_mapping(config.candidates_mapping)
            self._signer = Signer(config.authentication)
        except InvalidMapping as error:
            raise InvalidEndpoint("candidates_mapping", str(error)) from None
        except AwsMissing as error:
            raise InvalidEndpoint("authentication", str(error)) from None
        self._pager = Pager(config.paging)
        self._address, _, self._query_string = config.url.partition("?")
        check_query_string(self._query_string)
        self._connections: Connections | None = None

    async def search(
        self,
        request: SearchTemplate | RenderedRequest,
        query_body: Any,
        depth: int,
        *,
        spend: Callable[[int], Awaitable[None]] | None = None,
    ) -> SearchAnswer | SearchFailure:
        """Ask for the first `depth` candidates of a query. Raises nothing but what `spend` raises.

        A rendered request is sent as it is for the first page. `spend` is awaited before each request, with the number
        of its page: where requests are paced, it returns when this one may start.
        """
        exchanges: list[Exchange] = []
        try:
            async with asyncio.timeout(LONGEST_SEARCH):
                return await self._all_pages(request, query_body, depth, spend, exchanges)
        except SearchFailed as error:
            return error.failure(exchanges)
        except MappingFailed as error:
            return SearchFailed(error.code, error.message).failure(exchanges)
        except TemplateInvalid as error:
            return SearchFailed("template_invalid", f"{error.place}: {error.message}").failure(exchanges)
        except TimeoutError:
            return SearchFailed("timeout", f"The search took more than {LONGEST_SEARCH} s.").failure(exchanges)

    async def aclose(self) -> None:
        await self._signer.aclose()
        if self._connections is not None:
            await self._connections.aclose()

    async def _all_pages(
        self,
        request: SearchTemplate | RenderedRequest,
        query_body: Any,
        depth: int,
        spend: Callable[[int], Awaitable[None]] | None,
        exchanges: list[Exchange],
    ) -> SearchAnswer:
        candidates: list[MappedCandidate] = []
        known: set[str] = set()
        total: int | None = None
        position: Position | None = self._pager.first(depth)
        while position is not None:
            if position.number > MAX_SEARCH_PAGES:
                raise SearchFailed("too_large", f"The list needs more than {MAX_SEARCH_PAGES} pages: make them larger.")
            rendered = self._rendered(request, query_body, position)
            if spend is not None:
                await spend(position.number)
            answer = await self._exchange(rendered, position.number, exchanges)
            page = self._mapping.read(answer, depth - len(candidates))
            for candidate in page.candidates:
                if candidate.id in known:
                    raise MappingFailed(
                        "duplicate_ids", f"The id {candidate.id[:100]!r} stands on page {position.number} once more."
                    )
                known.add(candidate.id)
            candidates += page.candidates
            total = page.total if position.is_first else total
            # Of a full page the total is not believed: some count the page, not the matches.
            if total is not None and len(candidates) >= total and len(page.candidates) < position.size:
                break
            position = self._pager.after(position, answer, count=len(page.candidates), got=len(candidates), depth=depth)
        return SearchAnswer(total, candidates, len(exchanges), exchanges)

    def _rendered(
        self, request: SearchTemplate | RenderedRequest, query_body: Any, position: Position
    ) -> RenderedRequest:
        if isinstance(request, RenderedRequest):
            return request if position.is_first else self._pager.placed(request, position, ())
        rendered = request.render(
            query_body, position.size, offset=position.offset, page=position.page, cursor=position.cursor
        )
        return self._pager.placed(rendered, position, request.variables)

    async def _exchange(self, rendered: RenderedRequest, page: int, exchanges: list[Exchange]) -> Any:
        """Send one request, keep it as evidence, and return the JSON of its answer. Raise SearchFailed."""
        sent: Unsigned | None = None
        answer: Answer | None = None
        started = 0.0
        try:
            async with asyncio.timeout(self._config.timeout_seconds):
                connections = self._open()
                sent = await self._signer.sign(self._unsigned(rendered))
                started = time.perf_counter()
                answer = await connections.send(
                    sent.method, _target(sent.url), encoded_headers(sent.headers), sent.body
                )
        except TokenRefused as error:
            failed = refused(error.status, error.headers, error.message)
            # Without a token no search can be asked.
            if failed.fault is not Fault.TRANSIENT:
                failed.fault, failed.code_of_run = Fault.RUN, AUTHENTICATION
            raise failed from None
        except TimeoutError:
            raise SearchFailed(
                "timeout", f"No answer within {self._config.timeout_seconds:g} s.", Fault.TRANSIENT
            ) from None
        except (AddressRefused, httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.ProxyError) as error:
            raise self._unanswered(error) from None
        except httpcore2.TimeoutException:
            raise SearchFailed("timeout", "No connection in time.", Fault.TRANSIENT) from None
        finally:
            if sent is not None:
                exchanges.append(self._evidence(sent, answer, page, started))
        return self._read(answer)

    def _open(self) -> Connections:
        if self._connections is None:
            check_address(self._address)
            try:
                self._connections = Connections(
                    self._address,
                    tls=Tls(self._config.tls_verify, self._config.ca_certificate),
                    max_bytes=self._config.max_response_bytes,
                )
            except (ValueError, OSError) as error:
                if isinstance(error, AddressRefused):
                    raise
                raise SearchFailed("connection", "The CA certificate can't be read.", Fault.RUN) from None
        return self._connections

    def _unsigned(self, rendered: RenderedRequest) -> Unsigned:
        query_string = "&".join(part for part in (self._query_string, rendered.query_string) if part)
        headers = dict(_ACCEPTED)
        for added in (self._config.headers, rendered.headers):
            names = {name.lower() for name in added}
            headers = {name: value for name, value in headers.items() if name.lower() not in names} | added
        return Unsigned(
            self._config.method,
            f"{self._address}?{query_string}" if query_string else self._address,
            headers,
            rendered.body.encode("utf-8"),
        )

    def _evidence(self, sent: Unsigned, answer: Answer | None, page: int, started: float) -> Exchange:
        redaction = self._signer.redaction
        content = answer.content if answer is not None else b""
        is_cut = answer is not None and answer.problem is not None and answer.problem.is_too_large
        return Exchange(
            page,
            sent.method,
            redaction.url(sent.url),
            redaction.headers(sent.headers),
            redaction.text(sent.body.decode("utf-8")),
            answer.status if answer is not None else None,
            redaction.headers(decoded_headers(answer.headers)) if answer is not None else {},
            # Before it is cut: half a secret would be left at the end.
            redaction.content(content)[:MAX_EVIDENCE_BYTES],
            is_cut or len(content) > MAX_EVIDENCE_BYTES,
            round((time.perf_counter() - started) * 1000),
            datetime.now(UTC),
        )

    def _read(self, answer: Answer) -> Any:
        if not 200 <= answer.status < 300:
            headers = decoded_headers(answer.headers)
            said = said_in(answer.content if answer.problem is None else b"", self._signer.redaction)
            if answer.status == 401 and self._signer.forget_token():
                raise SearchFailed("http_status", "The engine refuses an older token (HTTP 401).", Fault.TRANSIENT)
            raise refused(answer.status, headers, said)
        if answer.problem is not None:
            code = "too_large" if answer.problem.is_too_large else "invalid_response"
            said = str(answer.problem)
            raise SearchFailed(code, f"{said[0].upper()}{said[1:]}.")
        try:
            # JSON is UTF-8, whatever charset the header names.
            return json.loads(answer.content.decode("utf-8-sig", "replace"))
        except (ValueError, RecursionError):
            said = said_in(answer.content, self._signer.redaction)
            raise SearchFailed("invalid_response", f"The answer is no JSON{f': {said}' if said else ''}.") from None

    def _unanswered(self, error: Exception) -> SearchFailed:
        reason = self._signer.redaction.text(re.sub(r"\s+", " ", said_by(error)))[:300]
        if isinstance(error, AddressRefused):
            return SearchFailed("refused_address", str(error), Fault.RUN)
        if isinstance(error, UnknownHost):
            # A name server in trouble looks the same; whoever counts failures sees whether it lasts.
            return SearchFailed("connection", f"{reason}.", Fault.TRANSIENT, code_if_lasting="host_unknown")
        if isinstance(error, httpcore2.LocalProtocolError):
            return SearchFailed("template_invalid", f"This request can't be sent: {reason}.")
        if is_certificate_refused(error):
            return SearchFailed("connection", f"The certificate is not trusted: {reason}.", Fault.RUN)
        return SearchFailed("connection", f"No connection, or it broke: {reason}.", Fault.TRANSIENT)


def _target(url: str) -> bytes:
    parts = urlsplit(url)
    return f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}".encode("ascii")
