"""No door leads to a cloud machine's credentials: not by any spelling, redirect or host name."""

import ipaddress
import json
import socket
from typing import Any

import pytest
from django.test import Client

from judging.judges.providers import save_provider, try_provider
from judging.models import AIProvider, Role, User
from judging.wire.addresses import AddressRefused, check_ip
from tests.factories import make_user
from tests.security.installation import browser_of
from tests.stub.fixtures import Stub

REFUSED = [
    "http://169.254.169.254/v1",
    "http://169.254.169.254:80/v1",
    "HTTP://169.254.169.254./v1",
    "http://2852039166/v1",
    "http://0xa9fea9fe/v1",
    "http://0251.0376.0251.0376/v1",
    "http://169.254.43518/v1",
    "http://[::ffff:169.254.169.254]/v1",
    "http://[::ffff:a9fe:a9fe]/v1",
    "http://[::ffff:0:a9fe:a9fe]/v1",
    "http://[64:ff9b::169.254.169.254]/v1",
    "http://[64:ff9b:1::a9fe:a9fe]/v1",
    "http://[2002:a9fe:a9fe::1]/v1",
    "http://[fe80::1]/v1",
    "http://[fd00:ec2::254]/v1",
    "http://100.100.100.200/v1",
    "http://168.63.129.16/v1",
    "http://192.0.0.192/v1",
    "http://metadata.google.internal/v1",
    "http://Metadata.Google.Internal./v1",
    "http://１６９.254.169.254/v1",
    "http://169。254。169。254/v1",
    "http://user:pass@example.com/v1",
    "http://example.com@169.254.169.254/v1",
    "http://example.com\\@169.254.169.254/v1",
    "http://example.com#@169.254.169.254/v1",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_",
    "ftp://example.com/",
    "//169.254.169.254/v1",
    "javascript:alert(1)",
    "http://169.254.169.254\t/v1",
    " http://169.254.169.254/v1 ",
]


@pytest.fixture
def browser(member: User) -> Client:
    return browser_of(member)


def test_no_spelling_gets_through_api_or_form_when_making_or_changing(browser: Client, member: User) -> None:
    stored = save_provider(
        actor=member, fields={"type": "custom", "name": "mine", "base_url": "http://127.0.0.1:9/v1"}, api_key="sk-12345"
    )
    for url in REFUSED:
        body = {"type": "custom", "name": "x", "base_url": url, "api_key": "sk-12345"}
        made = browser.post("/api/v1/ai-providers", body, content_type="application/json")
        assert made.status_code == 400, url
        assert "base_url" in made.json()["errors"], url
        for method in ("PUT", "PATCH"):
            path = f"/api/v1/ai-providers/{stored.pk}"
            changed = browser.generic(method, path, json.dumps(body), content_type="application/json")
            assert changed.status_code == 400, (method, url)
        assert browser.post("/ai-providers/new", body).status_code != 302, url
        assert browser.post(f"/ai-providers/{stored.pk}", body).status_code != 302, url
    assert list(AIProvider.objects.values_list("base_url", flat=True)) == ["http://127.0.0.1:9/v1"]


@pytest.mark.parametrize("kind", ["openai", "azure_openai", "anthropic", "ollama", "local"])
def test_no_type_of_provider_takes_one(browser: Client, kind: str) -> None:
    body = {"type": kind, "name": "x", "base_url": "http://169.254.169.254/v1"}
    if kind not in ("ollama", "local"):
        body["api_key"] = "sk-12345"
    response = browser.post("/api/v1/ai-providers", body, content_type="application/json")
    assert response.status_code == 400
    assert "base_url" in response.json()["errors"]


@pytest.mark.parametrize("region", ["us-east-1.evil.example/", "x@169.254.169.254/", "..", "a b", "eu#"])
def test_a_region_is_no_way_to_another_host(browser: Client, region: str) -> None:
    body = {"type": "bedrock", "name": "x", "region": region, "api_key": "sk-12345"}
    assert browser.post("/api/v1/ai-providers", body, content_type="application/json").status_code == 400


def provider_at(url: str) -> AIProvider:
    admin = make_user(Role.ADMIN)
    return save_provider(actor=admin, fields={"type": "custom", "name": "p", "base_url": url}, api_key="sk-12345")


@pytest.mark.django_db
def test_a_redirect_is_not_followed(stub: Stub) -> None:
    provider = provider_at(stub.base_url)
    for target in ("http://169.254.169.254/latest", f"{stub.base_url}/elsewhere", "/elsewhere"):
        stub.reset()
        stub.script(fault=f"redirect:{target}")
        tested = try_provider(provider=provider, model="m")
        assert not tested.ok
        assert all(call["path"] != "/elsewhere" for call in stub.requests)
        assert len([call for call in stub.requests if "chat" in call["path"]]) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "addresses", [["169.254.169.254"], ["127.0.0.1", "169.254.169.254"], ["fd00:ec2::254"], ["::ffff:100.100.100.200"]]
)
def test_a_host_name_that_leads_there_is_refused_when_it_is_called(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    """It may lead elsewhere when it is saved (DNS rebinding): what counts is the address that is connected to."""
    monkeypatch.setenv("NO_PROXY", "*")
    provider = provider_at("http://innocent.example/v1")

    def getaddrinfo(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        families = {4: socket.AF_INET, 6: socket.AF_INET6}
        return [
            (families[ipaddress.ip_address(address).version], socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]

    def connect(*args: Any) -> None:
        raise AssertionError("it was connected to")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", connect)
    tested = try_provider(provider=provider, model="m")
    assert not tested.ok
    assert "metadata" in tested.message


@pytest.mark.parametrize(
    "ip", ["2001:0:a9fe:a9fe::1", "64:ff9b:1::a9fe:a9fe", "2002:6464:64c8::", "::ffff:0:6464:64c8"]
)
def test_addresses_that_carry_another_one_are_seen_through(ip: str) -> None:
    with pytest.raises(AddressRefused):
        check_ip(ip)
