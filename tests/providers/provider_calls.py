"""A client against the stub, one call at a time, in an environment that would have it call others."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from judging.providers.base import CallSettings, ChatClient, Connection, ProviderError, Reply
from judging.providers.openai_client import open_client
from tests.stub.fixtures import Stub

KEY = "sk-secret-key-1234567890"
PROMPT = '<query>shoes</query><scale min="0" max="4"><candidates><candidate id="a"></candidate></candidates>'
MESSAGES = [{"role": "user", "content": PROMPT}]
SETTINGS = CallSettings("model-x", timeout=60)
T = TypeVar("T")


def use(connection: Connection, act: Callable[[ChatClient], Awaitable[T]]) -> T:
    async def run() -> T:
        client = open_client(connection)
        try:
            return await act(client)
        finally:
            await client.aclose()

    return asyncio.run(run())


def call(connection: Connection, settings: CallSettings = SETTINGS) -> Reply:
    return use(connection, lambda client: client.complete(MESSAGES, settings))


def failure(connection: Connection, settings: CallSettings = SETTINGS) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        call(connection, settings)
    error = caught.value
    # holds for every failure that a test looks at
    assert KEY not in error.message + error.raw_reply + repr(error)
    assert "\0" not in error.message + error.raw_reply
    assert error.__cause__ is None
    return error


@pytest.fixture
def custom(stub: Stub) -> Connection:
    return Connection("custom", stub.base_url, KEY)


@pytest.fixture(autouse=True)
def hostile_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what the openai package and its HTTP client would take from the environment."""
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "AZURE_OPENAI_API_KEY", "AWS_BEARER_TOKEN_BEDROCK"):
        monkeypatch.setenv(name, "leaked-key")
    monkeypatch.setenv("AZURE_OPENAI_AD_TOKEN", "leaked-token")
    monkeypatch.setenv("OPENAI_ORG_ID", "leaked-org")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "leaked-project")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Leaked: leaked\nAuthorization: Bearer leaked-key")
    for name in ("OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT", "AWS_BEDROCK_BASE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/leaked")
    monkeypatch.setenv("AWS_REGION", "eu-leaked-1")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
