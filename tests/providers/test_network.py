"""Calls that get no answer, and addresses that are never called."""

import asyncio
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from judging.foundation.answers import Fault
from judging.providers.base import CallSettings, ChatClient, Connection, ProviderError
from tests.providers.provider_calls import KEY, MESSAGES, SETTINGS, call, custom, failure, hostile_environment, use
from tests.stub.fixtures import Stub

__all__ = ["custom", "hostile_environment"]  # fixtures


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
    assert 200 <= error.latency_ms < 30_000


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
    thread.join(60)
    listener.close()


def test_a_provider_that_drips_does_not_hold_a_call_beyond_its_timeout(dripping: str) -> None:
    error = failure(Connection("custom", dripping), CallSettings("model-x", timeout=0.4))

    assert error.code == "timeout"
    assert error.latency_ms < 30_000


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
    error = failure(connection, CallSettings("model-x", max_output_tokens=5, timeout=60))

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
def proxy(monkeypatch: pytest.MonkeyPatch, stub: Stub) -> Stub:
    """The stub as the environment's proxy: it answers whatever host it is asked for."""
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, stub.base_url.removesuffix("/v1"))
    return stub


@pytest.mark.parametrize("addresses", [("169.254.169.254",), ("192.0.2.1", "fd00:ec2::254"), ("::ffff:0:a9fe:a9fe",)])
def test_a_proxy_is_not_asked_for_a_name_that_leads_to_a_metadata_service(
    monkeypatch: pytest.MonkeyPatch, proxy: Stub, addresses: tuple[str, ...]
) -> None:
    resolve_to(monkeypatch, *addresses)

    error = failure(Connection("custom", "http://rebound.example:81/v1", KEY))

    assert (error.fault, error.code) == (Fault.RUN, "misconfigured")
    assert proxy.calls == 0


def test_a_name_that_only_the_proxy_knows_is_called_through_it(monkeypatch: pytest.MonkeyPatch, proxy: Stub) -> None:
    resolve_to(monkeypatch)

    assert call(Connection("custom", "http://models.example:81/v1", KEY)).text
    assert proxy.calls == 1


def test_calls_through_a_proxy_look_the_host_up_once_in_a_while(monkeypatch: pytest.MonkeyPatch, proxy: Stub) -> None:
    lookups: list[str] = []

    def getaddrinfo(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        lookups.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    async def several(client: ChatClient) -> None:
        await asyncio.gather(*(client.complete(MESSAGES, SETTINGS) for _ in range(20)))

    use(Connection("custom", "http://models.example:81/v1", KEY), several)

    assert lookups == ["models.example"]
    assert proxy.calls == 20


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
    thread.join(60)
    listener.close()


def test_a_certificate_that_nobody_vouches_for_fails_the_run(self_signed: str) -> None:
    error = failure(Connection("custom", self_signed, KEY))

    assert (error.fault, error.code) == (Fault.RUN, "misconfigured")
    assert "certificate" in error.message
