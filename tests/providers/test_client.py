"""The client over real HTTP: good replies, and what each type of provider is sent."""

import asyncio
from typing import Any

import pytest

from judging.providers.base import CallSettings, ChatClient, Connection, ProviderError, Reply
from tests.providers.provider_calls import KEY, MESSAGES, PROMPT, SETTINGS, call, custom, hostile_environment, use
from tests.stub.fixtures import Stub
from tests.stub.script import expected_tokens
from tests.stub.server import headers_of

__all__ = ["custom", "hostile_environment"]  # fixtures


# Good replies


def test_a_reply_brings_text_model_request_id_tokens_and_latency(stub: Stub, custom: Connection) -> None:
    stub.script(delay_ms=30)

    reply = call(custom)

    assert reply.text.startswith('<candidate id="a"><grade>')
    assert (reply.finish_reason, reply.model, reply.request_id) == ("stop", "model-x-2026-01-01", "req-1")
    assert (reply.input_tokens, reply.output_tokens) == (expected_tokens(PROMPT), expected_tokens(reply.text))
    assert 30 <= reply.latency_ms < 30_000


@pytest.mark.parametrize(
    ("message", "text", "finish_reason"),
    [
        ({"content": None}, "", "stop"),
        ({}, "", "stop"),
        ({"content": "", "refusal": "I can't."}, "", "content_filter"),
        ({"content": None, "refusal": "I can't."}, "", "content_filter"),
        ({"content": "fine", "refusal": None}, "fine", "stop"),
        ({"content": [{"type": "thinking", "thinking": []}, {"type": "text", "text": "ab"}]}, "ab", "stop"),
        ({"content": "a\0b \ud800"}, "ab \ufffd", "stop"),
        ({"content": f"your key is {KEY}"}, "your key is [key]", "stop"),
    ],
)
def test_a_reply_without_plain_text_is_still_a_reply(
    stub: Stub, custom: Connection, message: Any, text: str, finish_reason: str
) -> None:
    body = {"choices": [{"message": message, "finish_reason": "stop"}]}
    stub.script(fault="odd", custom={"odd": {"body": body}})

    reply = call(custom)

    assert (reply.text, reply.finish_reason) == (text, finish_reason)


def test_a_reply_of_a_megabyte_is_read(stub: Stub, custom: Connection) -> None:
    stub.script(fault="huge")

    assert len(call(custom).text) > 1_000_000


# What is sent


CONNECTIONS = {
    "openai": Connection("openai", api_key=KEY),
    "azure_openai": Connection("azure_openai", api_key=KEY),
    "bedrock": Connection("bedrock", api_key=KEY, region="us-east-1"),
    "anthropic": Connection("anthropic", api_key=KEY),
    "ollama": Connection("ollama"),
    "custom": Connection("custom", api_key=KEY),
    "local": Connection("local"),
}


def at(stub: Stub, type_name: str) -> Connection:
    template = CONNECTIONS[type_name]
    base_url = stub.base_url.removesuffix("/v1") if type_name in ("azure_openai", "ollama") else stub.base_url
    return Connection(template.type, base_url, template.api_key, template.region)


@pytest.mark.parametrize("type_name", CONNECTIONS)
def test_each_type_sends_its_own_key_and_nothing_from_the_environment(stub: Stub, type_name: str) -> None:
    call(at(stub, type_name), CallSettings("model-x", temperature=None, max_output_tokens=50, timeout=60))

    sent = stub.requests[0]
    headers = headers_of(sent["head"])
    assert b"leaked" not in sent["head"]
    if type_name in ("ollama", "local"):
        assert not {"authorization", "api-key"} & headers.keys()
    elif type_name == "azure_openai":
        assert headers["api-key"] == KEY
        assert sent["path"] == "/openai/deployments/model-x/chat/completions"
        assert b"api-version=2024-10-21" in sent["head"]
    else:
        assert headers["authorization"] == f"Bearer {KEY}"
    limit = "max_completion_tokens" if type_name in ("openai", "azure_openai") else "max_tokens"
    assert sent["body"] == {"model": "model-x", "messages": MESSAGES, limit: 50}


def test_temperature_is_sent_when_there_is_one(stub: Stub, custom: Connection) -> None:
    call(custom, CallSettings("model-x", temperature=0.0, timeout=60))

    assert stub.requests[0]["body"] == {"model": "model-x", "messages": MESSAGES, "temperature": 0.0}


def test_an_azure_deployment_goes_into_the_path_and_the_newer_address_needs_none(stub: Stub) -> None:
    root = stub.base_url.removesuffix("/v1")

    call(Connection("azure_openai", root, KEY, api_version="2025-01-01-preview", deployment="mine"))
    call(Connection("azure_openai", f"{root}/openai/v1/", KEY))

    assert [request["path"] for request in stub.requests] == [
        "/openai/deployments/mine/chat/completions",
        "/openai/v1/chat/completions",
    ]


@pytest.mark.parametrize("type_name", CONNECTIONS)
def test_models_are_listed_by_name(stub: Stub, type_name: str) -> None:
    assert use(at(stub, type_name), lambda client: client.list_models()) == ["stub-large", "stub-model"]


def test_listing_models_tells_a_wrong_key_from_a_provider_that_names_none(stub: Stub, custom: Connection) -> None:
    stub.script(models=[])
    assert use(custom, lambda client: client.list_models()) is None
    stub.script(api_key="another")

    with pytest.raises(ProviderError) as caught:
        use(custom, lambda client: client.list_models())

    assert caught.value.code == "authentication"
    assert KEY not in caught.value.message


@pytest.mark.seldom
def test_256_calls_are_in_flight_at_once_and_connections_are_used_again(stub: Stub, custom: Connection) -> None:
    stub.script(delay_ms=500)

    async def many(client: ChatClient) -> list[Reply]:
        return [
            reply
            for _ in range(2)
            for reply in await asyncio.gather(*(client.complete(MESSAGES, SETTINGS) for _ in range(256)))
        ]

    replies = use(custom, many)

    assert len(replies) == 512
    assert stub.max_in_flight == stub.accepted_connections == 256


def test_a_connection_that_the_provider_closed_meanwhile_is_not_used_again(stub: Stub, custom: Connection) -> None:
    async def two(client: ChatClient) -> Reply:
        await client.complete(MESSAGES, SETTINGS)
        stub.drop_connections()
        return await client.complete(MESSAGES, SETTINGS)

    assert use(custom, two).text
