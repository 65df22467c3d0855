"""What a provider is to the rest of the house: plain values in, plain values or ProviderError out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from judging.foundation.answers import Failure, FailureCode, Fault, ServiceError

# A chat message as the openai package takes it: {"role": ..., "content": str | list of content parts}.
Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Connection:
    """Where and how to call a provider. `api_key` is a secret: repr leaves it out."""

    type: str
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    region: str = ""
    api_version: str = ""
    deployment: str = ""


@dataclass(frozen=True, slots=True)
class CallSettings:
    """The settings of one call. `timeout` in seconds; None of temperature or max_output_tokens: not sent."""

    model: str
    temperature: float | None = 0.0
    max_output_tokens: int | None = None
    timeout: float = 60.0


@dataclass(frozen=True, slots=True)
class Reply:
    """A readable answer of the model; latency in ms.

    is_usage_estimated: the provider did not count the tokens, they are estimated from characters. has_reasoning: it
    came with thoughts beside the text. raw_body: the whole answer where the text is empty.
    """

    text: str
    finish_reason: str = ""
    model: str = ""
    request_id: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    latency_ms: int = 0
    is_usage_estimated: bool = False
    has_reasoning: bool = False
    raw_body: str = ""


# What a provider may say of one prompt: codes of `ProviderError` that its rows then fail with, each a FailureCode.
PROMPT_CODES = frozenset({FailureCode.REQUEST_REJECTED.value})


class ProviderError(ServiceError):
    """A call of a provider that brought no readable answer.

    code (RUN): authentication, permission, unknown_model, no_quota, misconfigured.
    code (TRANSIENT): rate_limited, timeout, connection, server_error, bad_reply.
    code (PROMPT): one of PROMPT_CODES.
    The message is safe to show: it holds no credential and at most 500 characters of the provider's own text.
    Tokens are those that the provider counted all the same: an answer that can't be read is paid for, too.
    is_filtering: the service says that it refuses this prompt for its content.
    raw_reply holds what came back where that helps people (NULs stripped, cut at 100,000 characters).
    """

    def __init__(
        self,
        message: str,
        *,
        fault: Fault,
        code: str,
        status: int | None = None,
        retry_after: float | None = None,
        request_id: str = "",
        raw_reply: str = "",
        latency_ms: int = 0,
        input_tokens: int = 0,
        output_tokens: int = 0,
        code_if_lasting: str = "",
        is_filtering: bool = False,
    ) -> None:
        super().__init__(
            message, fault=fault, code=code, status=status, retry_after=retry_after, code_if_lasting=code_if_lasting
        )
        self.request_id, self.raw_reply, self.latency_ms = request_id, raw_reply, latency_ms
        self.input_tokens, self.output_tokens = input_tokens, output_tokens
        self.is_filtering = is_filtering

    @property
    def failure(self) -> Failure:
        """Return what the rows of a refused prompt fail with."""
        return Failure(FailureCode(self.code), self.message)


class ChatClient(Protocol):
    """An open connection to one provider, used and closed inside one event loop."""

    async def complete(self, messages: Sequence[Message], settings: CallSettings) -> Reply:
        """Call the model once (no retry). Raise ProviderError, never a vendor's exception."""
        ...

    async def list_models(self, *, timeout: float = 10.0) -> list[str] | None:
        """List the models the provider names, None where it names none. Raise ProviderError."""
        ...

    async def aclose(self) -> None: ...
