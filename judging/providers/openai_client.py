"""The one door to the openai package: a connection in, replies or ProviderError out.

Calls go through the package's `post` with the plain response: the typed resources walk every message and build
pydantic models, which costs CPU per call and makes of an unreadable reply a str, a bare JSONDecodeError or
`choices=None`. Reading the JSON here is faster and tells these cases apart.
"""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import httpx2

from judging.foundation.answers import Fault
from judging.providers.base import CallSettings, ChatClient, Connection, Message, ProviderError, Reply
from judging.providers.failures import CallContext, bad_reply, refusal
from judging.providers.registry import (
    DEFAULT_AZURE_API_VERSION,
    PROVIDER_TYPES,
    address,
    clean_api_key,
    endpoint,
    validate_connection,
)
from judging.providers.replies import read_reply
from judging.wire.addresses import AddressRefused, check_address
from judging.wire.connections import is_certificate_refused
from judging.wire.transport import Transport
from judging.wire.unpacking import UnusableReply

if TYPE_CHECKING:
    import openai

__all__ = ["load", "open_client"]

# The package wants a key at construction. The real one is the transport's business.
_NO_KEY = "unused"
_MAX_MODELS = 1000


def load() -> None:
    """Import the openai package, which takes a second and most commands never call. The first call does it, too."""
    import openai  # noqa: F401


def open_client(connection: Connection) -> ChatClient:
    """Open a connection to a provider. Nothing is sent yet, and nothing raised.

    What is wrong with the connection is raised by its first call, as everything about a provider is (misconfigured).
    Use and close the client inside one event loop.
    """
    return _OpenAIClient(connection)


class _OpenAIClient:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._endpoint = address(connection)
        self._api_key = clean_api_key(connection.api_key)
        spec = PROVIDER_TYPES.get(connection.type)
        self._max_tokens_parameter = spec.max_tokens_parameter if spec else "max_tokens"
        self._sdk: openai.AsyncOpenAI | None = None

    async def complete(self, messages: Sequence[Message], settings: CallSettings) -> Reply:
        body: dict[str, Any] = {"model": settings.model, "messages": messages}
        if settings.temperature is not None:
            body["temperature"] = settings.temperature
        if settings.max_output_tokens is not None:
            body[self._max_tokens_parameter] = settings.max_output_tokens
        started = time.perf_counter()
        context = CallContext(self._endpoint, settings.model, self._api_key)
        try:
            response = await self._request("/chat/completions", body, settings.timeout, context)
            return read_reply(
                _text(response),
                messages=messages,
                context=context,
                request_id=_request_id(response, context),
                latency_ms=_milliseconds_since(started),
            )
        except ProviderError as error:
            error.latency_ms = _milliseconds_since(started)
            raise

    async def list_models(self, *, timeout: float = 10.0) -> list[str] | None:
        context = CallContext(self._endpoint, api_key=self._api_key)
        try:
            response = await self._request("/models", None, timeout, context)
        except ProviderError as error:
            if error.status in (404, 405, 501):
                return None
            raise
        return _read_models(response, context)

    async def aclose(self) -> None:
        if self._sdk is not None:
            await self._sdk.close()

    async def _request(
        self, path: str, body: Mapping[str, Any] | None, timeout: float, context: CallContext
    ) -> httpx2.Response:
        import openai

        try:
            # The package's own timeout is per read: a provider that drips could hold a call for ever.
            async with asyncio.timeout(timeout):
                sdk = self._sdk or self._open()
                options: Any = {"timeout": timeout}
                if body is None:
                    return await sdk.get(path, cast_to=httpx2.Response, options=options)
                return await sdk.post(path, cast_to=httpx2.Response, body=body, options=options)
        except openai.APIStatusError as error:
            response = error.response
            raise refusal(
                response.status_code,
                response.headers,
                _text(response),
                context=context,
                request_id=_request_id(response, context),
            ) from None
        except UnusableReply as error:
            raise bad_reply(str(error), "", context=context, is_lasting=True) from None
        except AddressRefused as error:
            raise _failed(str(error), Fault.RUN, "misconfigured") from None
        except TimeoutError:
            raise _failed(f"no answer within {timeout:g} s", Fault.TRANSIENT, "timeout") from None
        except openai.APIConnectionError as error:
            is_timeout = isinstance(error, openai.APITimeoutError)
            reason = context.brief(str(error.__cause__ or error))
            if is_certificate_refused(error):
                raise _failed(
                    f"the certificate of {self._endpoint} is not trusted: {reason}", Fault.RUN, "misconfigured"
                ) from None
            raise _failed(
                f"no connection to {self._endpoint}{': ' if reason else ''}{reason}",
                Fault.TRANSIENT,
                "timeout" if is_timeout else "connection",
            ) from None
        except (openai.OpenAIError, httpx2.InvalidURL, ValueError, TypeError) as error:
            # What the package refuses before it sends anything.
            raise _failed(
                f"the provider can't be called: {context.brief(str(error))}", Fault.RUN, "misconfigured"
            ) from None

    def _open(self) -> "openai.AsyncOpenAI":
        problems = validate_connection(self._connection)
        if problems:
            raise AddressRefused(" ".join(message for messages in problems.values() for message in messages))
        base_url = endpoint(self._connection)
        check_address(base_url)
        self._sdk = _build(self._connection, base_url)
        return self._sdk


def _build(connection: Connection, base_url: str) -> "openai.AsyncOpenAI":
    import openai

    # Every value that the package would else read from the environment is given.
    key = clean_api_key(connection.api_key)
    credentials = {"Authorization": f"Bearer {key}"} if key else {}
    listing_credentials = None
    if key and connection.type == "azure_openai":
        credentials = {"api-key": key}
    if key and connection.type == "anthropic":
        # Its list of models is not part of the OpenAI-compatible endpoint.
        listing_credentials = {"x-api-key": key, "anthropic-version": "2023-06-01"}
    http_client = httpx2.AsyncClient(
        transport=Transport(base_url, credentials, listing_credentials=listing_credentials),
        follow_redirects=False,
        trust_env=False,
    )
    common: dict[str, Any] = {"http_client": http_client, "max_retries": 0}
    if connection.type == "bedrock":
        return openai.AsyncBedrockOpenAI(
            api_key=_NO_KEY, aws_region=connection.region.strip(), base_url=base_url, **common
        )
    if connection.type == "azure_openai" and not base_url.endswith("/openai/v1"):
        return openai.AsyncAzureOpenAI(
            azure_endpoint=base_url.removesuffix("/openai"),
            azure_deployment=connection.deployment.strip() or None,
            api_version=connection.api_version.strip() or DEFAULT_AZURE_API_VERSION,
            api_key=_NO_KEY,
            **common,
        )
    return openai.AsyncOpenAI(
        api_key=_NO_KEY, admin_api_key=_NO_KEY, organization="", project="", base_url=base_url, **common
    )


def _read_models(response: httpx2.Response, context: CallContext) -> list[str] | None:
    try:
        body = json.loads(_text(response))
    except (ValueError, RecursionError):
        return None
    data = body.get("data") if isinstance(body, dict) else None
    names = (item.get("id") for item in data if isinstance(item, dict)) if isinstance(data, list) else ()
    return sorted({context.short(name, 200) for name in names if isinstance(name, str) and name})[:_MAX_MODELS] or None


def _text(response: httpx2.Response) -> str:
    # JSON is UTF-8, whatever charset the header names.
    return response.content.decode("utf-8-sig", "replace")


def _request_id(response: httpx2.Response, context: CallContext) -> str:
    return context.short(response.headers.get("x-request-id"), 200)


def _milliseconds_since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)


def _failed(message: str, fault: Fault, code: str) -> ProviderError:
    return ProviderError(message, fault=fault, code=code)
