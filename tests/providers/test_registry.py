"""What each type of provider takes, and which addresses are refused."""

import pytest

from judging.models.judges import ProviderType
from judging.providers.base import Connection
from judging.providers.registry import PROVIDER_TYPES, address, validate_connection
from judging.wire.addresses import AddressRefused, check_address, check_ip, is_loopback

KEY = "sk-secret-1234"


def test_every_type_that_can_be_stored_is_registered() -> None:
    assert set(PROVIDER_TYPES) == set(ProviderType.values)


@pytest.mark.parametrize(
    "connection",
    [
        Connection("openai", api_key=KEY),
        Connection("openai", "https://eu.api.openai.com/v1", KEY),
        Connection("azure_openai", "https://name.openai.azure.com", KEY),
        Connection(
            "azure_openai", "https://name.openai.azure.com/", KEY, api_version="2024-10-21", deployment="gpt-4.1"
        ),
        Connection("bedrock", api_key=KEY, region="us-east-1"),
        Connection("anthropic", api_key=KEY),
        Connection("ollama"),
        Connection("ollama", "http://gpu-box:11434/v1"),
        Connection("custom", "http://10.0.0.7:8000/v1"),
        Connection("custom", "http://[::1]:8000/v1", KEY),
        Connection("local"),
        Connection("local", "http://127.0.0.1:8100/v1"),
    ],
    ids=lambda connection: f"{connection.type} {connection.base_url}",
)
def test_a_whole_connection_is_fine(connection: Connection) -> None:
    assert validate_connection(connection) == {}


@pytest.mark.parametrize(
    ("connection", "fields"),
    [
        (Connection("openai"), {"api_key"}),
        (Connection("openai", api_key="schlüssel"), {"api_key"}),
        (Connection("openai", api_key=KEY, region="us-east-1"), {"region"}),
        (Connection("azure_openai"), {"api_key", "base_url"}),
        (
            Connection("azure_openai", "https://a.example", KEY, api_version="new", deployment="a/b"),
            {"api_version", "deployment"},
        ),
        (Connection("bedrock", api_key=KEY), {"region"}),
        (Connection("bedrock", api_key=KEY, region="x.evil.example/"), {"region"}),
        (Connection("ollama", api_key=KEY), {"api_key"}),
        (Connection("custom"), {"base_url"}),
        (Connection("custom", "example.com/v1"), {"base_url"}),
        (Connection("custom", "https://example.com/v1/chat/completions"), {"base_url"}),
        (Connection("mystery"), {"type"}),
    ],
    ids=lambda value: value.type if isinstance(value, Connection) else None,
)
def test_what_is_missing_or_wrong_is_told_by_field(connection: Connection, fields: set[str]) -> None:
    errors = validate_connection(connection)

    assert set(errors) == fields
    assert KEY not in str(errors)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com",
        "file:///etc/passwd",
        "http://",
        "http:///v1",
        "//example.com/v1",
        "http://user@example.com/v1",
        "http://user:pass@example.com/v1",
        "http://:@example.com/v1",
        "http://example.com/v1?api_key=1",
        "http://example.com/v1?",
        "http://example.com/v1#x",
        "http://example.com:99999/v1",
        "http://example.com:0/v1",
        "http://example.com:x/v1",
        "http://exa mple.com",
        "http://example.com\\@169.254.169.254/",
        "http://example.com\n/v1",
        "http://[::1/v1",
        "http://ex%61mple.com/",
        "http://１６９.254.169.254/",
        "http://169。254。169。254/",
        "http://" + "a" * 500 + ".example",
        # the metadata services, as one may write them
        "http://169.254.169.254/v1",
        "http://169.254.169.254./v1",
        "http://169.254.170.2/v1",
        "https://169.254.0.1",
        "http://2852039166/latest",
        "http://0xa9fea9fe/",
        "http://0xA9.0xFE.0xA9.0xFE/",
        "http://0251.0376.0251.0376/",
        "http://0251.254.43518/",
        "http://169.16689662/",
        "http://[::ffff:169.254.169.254]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[::169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:a9fe:a9fe::]/",
        "http://[fe80::1]/",
        "http://[fe80::1%25eth0]/",
        "http://[febf::1]/",
        "http://[fd00:ec2::254]/",
        "http://[fd00:0ec2:0:0::254]/",
        "http://100.100.100.200/",
        "http://metadata.google.internal/",
        "http://METADATA.google.internal./",
        "http://metadata/",
    ],
)
def test_an_address_that_must_not_be_called_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        check_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "http://localhost:11434/v1",
        "http://127.0.0.1:8100/v1",
        "http://127.1/v1",
        "http://[::1]:8000/v1",
        "http://192.168.1.20/v1",
        "http://[fd12:3456::1]/v1",
        "http://my_gateway:4000/openai/v1/",
        "https://xn--mnchen-3ya.example/v1",
        "HTTPS://Example.COM/v1",
    ],
)
def test_public_private_and_loopback_addresses_are_fine(url: str) -> None:
    check_address(url)


@pytest.mark.parametrize("ip", ["169.254.169.254", "fe80::1%eth0", "::ffff:169.254.169.254", "fd00:ec2::254"])
def test_a_resolved_address_is_refused_too(ip: str) -> None:
    with pytest.raises(AddressRefused):
        check_ip(ip)


def test_loopback_is_known_by_its_spellings() -> None:
    assert all(
        is_loopback(f"http://{host}/v1")
        for host in ("localhost", "LOCALHOST:1", "a.localhost", "127.0.0.1", "127.9.9.9", "127.1", "[::1]", "0.0.0.0")
    )
    assert not any(is_loopback(f"http://{host}/v1") for host in ("localhost.example", "10.0.0.1", "[fd00::1]"))


@pytest.mark.parametrize(
    ("connection", "shown"),
    [
        (Connection("openai"), "https://api.openai.com/v1"),
        (Connection("bedrock", region="eu-west-1"), "https://bedrock-mantle.eu-west-1.api.aws/openai/v1"),
        (Connection("ollama"), "http://127.0.0.1:11434/v1"),
        (Connection("ollama", "http://gpu:11434/"), "http://gpu:11434/v1"),
        (
            Connection("custom", "https://me:sk-secret@example.com:8443/v1?key=sk-secret#sk-secret"),
            "https://example.com:8443/v1",
        ),
        (Connection("custom", "http://[::1]:80/v1"), "http://[::1]:80/v1"),
        (Connection("custom", "sk-secret"), ""),
        (Connection("custom", "http://[::1/v1"), ""),
        (Connection("local"), ""),
        (Connection("mystery"), ""),
    ],
    ids=lambda value: value.type if isinstance(value, Connection) else None,
)
def test_the_shown_address_holds_no_credential(connection: Connection, shown: str) -> None:
    assert address(connection) == shown
