"""The client over real HTTP: what each answer of a provider means, and that no key leaves by another way."""

import asyncio
import ipaddress
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from judging.providers.base import CallSettings, ChatClient, Connection, Fault, ProviderError, Reply
from judging.providers.failures import retry_after_of
from judging.providers.openai_client import open_client
from tests.stub.fixtures import Stub
from tests.stub.script import expected_tokens
from tests.stub.server import headers_of

KEY = "sk-secret-key-1234567890"
PROMPT = '<query>shoes</query><scale min="0" max="4"><candidates><candidate id="a"></candidate></candidates>'
MESSAGES = [{"role": "user", "content": PROMPT}]
SETTINGS = CallSettings("model-x", timeout=5)
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
    # of every failure in this file
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


# Good replies


def test_a_reply_brings_text_model_request_id_tokens_and_latency(stub: Stub, custom: Connection) -> None:
    stub.script(delay_ms=30)

    reply = call(custom)

    assert reply.text.startswith('<candidate id="a"><grade>')
    assert (reply.finish_reason, reply.model, reply.request_id) == ("stop", "model-x-2026-01-01", "req-1")
    assert (reply.input_tokens, reply.output_tokens) == (expected_tokens(PROMPT), expected_tokens(reply.text))
    assert 30 <= reply.latency_ms < 5000


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (None, (0, 0)),
        ("many", (0, 0)),
        ({"prompt_tokens": "7", "completion_tokens": None}, (0, 0)),
        ({"prompt_tokens": True, "completion_tokens": -1}, (0, 0)),
        ({"prompt_tokens": 10**30, "completion_tokens": 8}, (0, 8)),
    ],
)
def test_tokens_are_zero_where_the_provider_does_not_count_them(
    stub: Stub, custom: Connection, usage: Any, tokens: tuple[int, int]
) -> None:
    body = {"choices": [{"message": {"content": "x"}}], "usage": usage, "model": None}
    stub.script(fault="odd", custom={"odd": {"body": body}})

    reply = call(custom)

    assert (reply.input_tokens, reply.output_tokens) == tokens
    assert (reply.model, reply.finish_reason, reply.request_id) == ("", "", "")


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
    call(at(stub, type_name), CallSettings("model-x", temperature=None, max_output_tokens=50, timeout=5))

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
    call(custom, CallSettings("model-x", temperature=0.0, timeout=5))

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
    assert stub.max_in_flight == 256


def test_a_connection_that_the_provider_closed_meanwhile_is_not_used_again(stub: Stub, custom: Connection) -> None:
    async def two(client: ChatClient) -> Reply:
        await client.complete(MESSAGES, SETTINGS)
        stub.drop_connections()
        return await client.complete(MESSAGES, SETTINGS)

    assert use(custom, two).text


# Refusals


def error_body(**error: Any) -> dict[str, Any]:
    return {"error": {"message": "told so", **error}}


RUN, TRANSIENT, PROMPT_FAULT = Fault.RUN, Fault.TRANSIENT, Fault.PROMPT


@pytest.mark.parametrize(
    ("status", "body", "fault", "code"),
    [
        (400, error_body(code="content_filter"), PROMPT_FAULT, "request_rejected"),
        (400, error_body(code="context_length_exceeded", param="messages"), PROMPT_FAULT, "request_rejected"),
        (400, error_body(message="invalid role"), PROMPT_FAULT, "request_rejected"),
        (400, error_body(message="the words api key and model appear"), PROMPT_FAULT, "request_rejected"),
        (400, {"error": {"message": "max_tokens is too large: maximum context length is 4096", "param": "max_tokens"}},
         PROMPT_FAULT, "request_rejected"),
        (400, "", PROMPT_FAULT, "request_rejected"),
        (413, error_body(), PROMPT_FAULT, "request_rejected"),
        (422, {"detail": [{"loc": ["body"], "msg": "too long"}]}, PROMPT_FAULT, "request_rejected"),
        (403, error_body(metadata={"flagged_input": "..."}), PROMPT_FAULT, "request_rejected"),
        (400, error_body(code="model_not_found"), RUN, "unknown_model"),
        (400, error_body(code="invalid_value", param="model"), RUN, "unknown_model"),
        (400, error_body(code="invalid_api_key"), RUN, "authentication"),
        (400, [{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key."}}],
         RUN, "authentication"),
        (400, error_body(code="unsupported_value", param="temperature"), RUN, "misconfigured"),
        (400, error_body(code="unsupported_parameter", param="max_tokens"), RUN, "misconfigured"),
        (400, error_body(message="`temperature` is deprecated for this model."), RUN, "misconfigured"),
        (400, error_body(message="Your credit balance is too low"), RUN, "no_quota"),
        (401, error_body(), RUN, "authentication"),
        (402, error_body(), RUN, "no_quota"),
        (403, error_body(), RUN, "permission"),
        (404, error_body(), RUN, "unknown_model"),
        (404, "<html><title>Not here</title>", RUN, "unknown_model"),
        (405, "", RUN, "misconfigured"),
        (307, "", RUN, "misconfigured"),
        (429, error_body(code="insufficient_quota"), RUN, "no_quota"),
        (429, error_body(type="insufficient_quota"), RUN, "no_quota"),
        (429, error_body(), TRANSIENT, "rate_limited"),
        (429, "slow down", TRANSIENT, "rate_limited"),
        (408, "", TRANSIENT, "timeout"),
        (409, error_body(), TRANSIENT, "server_error"),
        (500, error_body(), TRANSIENT, "server_error"),
        (500, "null", TRANSIENT, "server_error"),
        (502, "<html>Bad gateway</html>", TRANSIENT, "server_error"),
        (503, {"error": "overloaded"}, TRANSIENT, "server_error"),
        (529, error_body(type="overloaded_error"), TRANSIENT, "server_error"),
    ],
    ids=str,
)  # fmt: skip
def test_a_refusal_means_what_its_status_and_code_say(
    stub: Stub, custom: Connection, status: int, body: Any, fault: Fault, code: str
) -> None:
    headers = {"x-request-id": "req-abc", "location": "https://elsewhere.example/x?secret=1"}
    stub.script(fault="odd", custom={"odd": {"status": status, "headers": headers, "body": body}})

    error = failure(custom)

    assert (error.fault, error.code, error.status) == (fault, code, status)
    assert error.request_id == "req-abc"
    assert stub.calls == 1  # never repeated here


def test_messages_tell_what_to_do(stub: Stub, custom: Connection) -> None:
    stub.script(fault="404")
    assert "'model-x'" in failure(custom).message
    assert stub.base_url in failure(custom).message
    refused = error_body(code="unsupported_value", param="temperature")
    stub.script(fault="odd", custom={"odd": {"status": 400, "body": refused}})
    assert "the model refuses `temperature`: leave the judge's temperature empty" in failure(custom).message


def test_a_wrong_key_is_an_authentication_failure_that_does_not_repeat_it(stub: Stub, custom: Connection) -> None:
    stub.script(api_key="another-key")

    error = failure(custom)

    assert (error.fault, error.code) == (Fault.RUN, "authentication")
    assert "Incorrect API key provided: [key]." in error.message
    stub.script(api_key=KEY)
    assert call(custom).text


@pytest.mark.parametrize("echo", [f"Bearer {KEY}", f"x{KEY}x", "a" * 490 + KEY, "\0".join(KEY)], ids=range(4))
@pytest.mark.parametrize("status", [400, 500, 200])
def test_a_provider_that_echoes_the_key_does_not_get_it_into_a_message(
    stub: Stub, custom: Connection, echo: str, status: int
) -> None:
    for body in (echo, error_body(message=echo)):
        stub.script(fault="odd", custom={"odd": {"status": status, "body": body}})

        error = failure(custom)

        assert KEY[:12] not in error.message + error.raw_reply
        assert len(error.message) < 700


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "300"}, 300.0),
        ({"retry-after": "9", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_passed_on(stub: Stub, custom: Connection, headers: Any, seconds: float | None) -> None:
    stub.script(fault="odd", custom={"odd": {"status": 429, "headers": headers}})

    assert failure(custom).retry_after == seconds


def test_retry_after_may_be_a_date() -> None:
    now = datetime(2026, 11, 1, 12, tzinfo=UTC)

    def seconds(moment: datetime) -> float | None:
        return retry_after_of({"retry-after": format_datetime(moment, usegmt=True)}, now=now.timestamp())

    assert seconds(now + timedelta(seconds=40)) == 40.0
    assert seconds(now - timedelta(days=1)) == 0.0


# HTTP 200 that is no answer


@pytest.mark.parametrize(
    ("body", "fault", "code"),
    [
        ("<!doctype html><p>3", Fault.TRANSIENT, "bad_reply"),
        ('{"choices": [', Fault.TRANSIENT, "bad_reply"),
        ("", Fault.TRANSIENT, "bad_reply"),
        ("[" * 100_000, Fault.TRANSIENT, "bad_reply"),
        ("3", Fault.TRANSIENT, "bad_reply"),
        ("[]", Fault.TRANSIENT, "bad_reply"),
        ({"choices": None}, Fault.TRANSIENT, "bad_reply"),
        ({"choices": []}, Fault.TRANSIENT, "bad_reply"),
        ({"choices": ["3"]}, Fault.TRANSIENT, "bad_reply"),
        ({"choices": [{"message": None}]}, Fault.TRANSIENT, "bad_reply"),
        ({"choices": [{"message": {"content": 3}}]}, Fault.TRANSIENT, "bad_reply"),
        ({"choices": [{"message": {"content": "3"}, "error": {"message": "cut"}}]}, Fault.TRANSIENT, "bad_reply"),
        (error_body(), Fault.TRANSIENT, "bad_reply"),
        ({"error": "no"}, Fault.TRANSIENT, "bad_reply"),
        (error_body(code=401), Fault.RUN, "authentication"),
        (error_body(code="invalid_api_key"), Fault.RUN, "authentication"),
        (error_body(type="permission_error"), Fault.RUN, "permission"),
        (error_body(code="insufficient_quota"), Fault.RUN, "no_quota"),
        (error_body(code="429"), Fault.TRANSIENT, "rate_limited"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_200_without_an_answer_is_a_failure(
    stub: Stub, custom: Connection, body: Any, fault: Fault, code: str
) -> None:
    stub.script(fault="odd", custom={"odd": {"body": body}})

    error = failure(custom)

    assert (error.fault, error.code) == (fault, code)
    assert bool(error.raw_reply) is bool(body)
    assert len(error.raw_reply) <= 100_000


def test_a_reply_over_the_bound_is_not_taken_in(stub: Stub, custom: Connection) -> None:
    stub.script(fault="oversized")

    error = failure(custom)

    assert (error.fault, error.code) == (Fault.TRANSIENT, "bad_reply")
    assert "5 MB" in error.message


def test_a_compressed_reply_is_not_unpacked(stub: Stub, custom: Connection) -> None:
    stub.script(fault="odd", custom={"odd": {"headers": {"content-encoding": "gzip"}, "body": "bomb"}})

    assert failure(custom).code == "bad_reply"
    assert headers_of(stub.requests[0]["head"])["accept-encoding"] == "identity"


# No answer at all


@pytest.mark.parametrize("fault", ["reset", "close", "partial"])
def test_a_broken_connection_is_worth_another_try(stub: Stub, custom: Connection, fault: str) -> None:
    stub.script(by_call={2: fault})

    async def three(client: ChatClient) -> ProviderError:
        await client.complete(MESSAGES, SETTINGS)
        with pytest.raises(ProviderError) as caught:
            await client.complete(MESSAGES, SETTINGS)
        await client.complete(MESSAGES, SETTINGS)
        return caught.value

    error = use(custom, three)

    assert (error.fault, error.code, error.status) == (Fault.TRANSIENT, "connection", None)


def test_a_call_ends_at_its_timeout(stub: Stub, custom: Connection) -> None:
    stub.script(fault="hang")

    error = failure(custom, CallSettings("model-x", timeout=0.2))

    assert (error.fault, error.code) == (Fault.TRANSIENT, "timeout")
    assert 200 <= error.latency_ms < 2000


@pytest.fixture
def dripping() -> Iterator[str]:
    """A server that sends a byte every 50 ms and never ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    is_over = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not is_over.wait(0.05):
                try:
                    connection.sendall(b" ")
                except OSError:
                    break

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    is_over.set()
    thread.join(5)
    listener.close()


def test_a_provider_that_drips_does_not_hold_a_call_beyond_its_timeout(dripping: str) -> None:
    error = failure(Connection("custom", dripping), CallSettings("model-x", timeout=0.4))

    assert error.code == "timeout"
    assert error.latency_ms < 2000


def test_nobody_listening_is_a_connection_failure_that_names_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    error = failure(Connection("custom", f"http://localhost:{port}/v1"))

    assert (error.fault, error.code) == (Fault.TRANSIENT, "connection")
    assert f"http://localhost:{port}/v1" in error.message


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def getaddrinfo(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        if not addresses:
            raise socket.gaierror(-2, "Name or service not known")
        family = {4: socket.AF_INET, 6: socket.AF_INET6}
        return [
            (family[ipaddress.ip_address(address).version], socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_an_unknown_host_is_a_connection_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    resolve_to(monkeypatch)

    error = failure(Connection("custom", "http://nowhere.example/v1"))

    assert (error.fault, error.code) == (Fault.TRANSIENT, "connection")
    assert "nowhere.example is not known" in error.message


@pytest.mark.parametrize("addresses", [("169.254.169.254",), ("127.0.0.1", "fe80::1"), ("::ffff:169.254.169.254",)])
def test_a_name_that_leads_to_a_metadata_service_is_refused_at_call_time(
    monkeypatch: pytest.MonkeyPatch, stub: Stub, addresses: tuple[str, ...]
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    resolve_to(monkeypatch, *addresses)

    error = failure(Connection("custom", stub.base_url.replace("127.0.0.1", "rebound.example"), KEY))

    assert (error.fault, error.code) == (Fault.RUN, "misconfigured")
    assert stub.calls == 0


def test_a_name_with_several_addresses_is_reached_by_the_one_that_answers(
    monkeypatch: pytest.MonkeyPatch, stub: Stub
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    resolve_to(monkeypatch, "::1", "127.0.0.1")

    assert call(Connection("custom", stub.base_url.replace("127.0.0.1", "double.example"))).text


@pytest.mark.parametrize(
    "connection",
    [
        Connection("custom", "127.0.0.1:8000/v1", KEY),
        Connection("custom", "ftp://example.com/v1", KEY),
        Connection("custom", f"http://u:{KEY}@example.com/v1", KEY),
        Connection("custom", "http://169.254.169.254/v1", KEY),
        Connection("custom", "http://127.0.0.1:1/v1", "schlüssel"),
        Connection("openai"),
        Connection("bedrock", api_key=KEY),
        Connection("azure_openai", api_key=KEY),
        Connection("local"),
        Connection("mystery", api_key=KEY),
    ],
    ids=range(10),
)
def test_a_connection_that_can_not_work_fails_the_run_at_its_first_call(connection: Connection) -> None:
    error = failure(connection, CallSettings("model-x", max_output_tokens=5, timeout=5))

    assert (error.fault, error.code) == (Fault.RUN, "misconfigured")


def test_redirects_are_not_followed(stub: Stub, custom: Connection) -> None:
    stub.script(fault=f"redirect:{stub.base_url}/chat/completions")

    assert failure(custom).code == "misconfigured"
    assert stub.calls == 1


def test_a_proxy_of_the_environment_is_used_for_other_hosts_only(monkeypatch: pytest.MonkeyPatch, stub: Stub) -> None:
    proxy = stub.base_url.removesuffix("/v1")
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, proxy)

    assert call(Connection("custom", "http://models.example:81/v1", KEY)).text

    assert stub.requests[0]["head"].startswith(b"POST http://models.example:81/v1/chat/completions HTTP/1.1\r\n")
    # the environment names a proxy for all other tests here, at a port where nobody listens


@pytest.fixture
def self_signed(tmp_path: Path) -> Iterator[str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "server.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        try:
            context.wrap_socket(connection, server_side=True)
        except OSError:
            connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"https://127.0.0.1:{listener.getsockname()[1]}/v1"
    thread.join(5)
    listener.close()


def test_a_certificate_that_nobody_vouches_for_fails_the_run(self_signed: str) -> None:
    error = failure(Connection("custom", self_signed, KEY))

    assert (error.fault, error.code) == (Fault.RUN, "misconfigured")
    assert "certificate" in error.message
