"""Settings of an endpoint are checked before anything is sent with them."""

from typing import Any

import pytest

from judging.engines.configuration import (
    InvalidEndpoint,
    check_authentication,
    check_ca_certificate,
    check_headers,
    check_paging,
    check_url,
)
from judging.engines.presets import PRESETS
from judging.models import EndpointType

AWS = {
    "type": "aws",
    "access_key": "AKIA",
    "access_secret": "geheim/+=",
    "aws_region": "eu-central-1",
    "service": "es",
}
OAUTH = {"type": "oauth2", "token_url": "https://id.example.com/token", "client_id": "a", "client_secret": "geheim"}


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"type": "none"},
        {"type": "bearer", "token": "t"},
        {"type": "basic", "username": "u", "password": "p:ü"},
        {"type": "api_key", "name": "X-Key", "value": "v"},
        {"type": "api_key", "name": "key", "value": "ü&", "in": "query"},
        {"type": "headers", "headers": {"X-A": "1", "X-B": "2"}},
        AWS,
        {**AWS, "session_token": "s", "service": "aoss"},
        {**OAUTH, "scope": "read"},
    ],
)
def test_each_authentication_is_taken(value: Any) -> None:
    check_authentication(value)


@pytest.mark.parametrize(
    "value",
    [
        None,
        {"type": "digest"},
        {"type": ["bearer"]},
        {"type": "none", "token": "geheim"},
        {"type": "bearer"},
        {"type": "bearer", "token": ""},
        {"type": "bearer", "token": 5},
        {"type": "bearer", "token": "geheim\r\nX: 1"},
        {"type": "bearer", "token": "geheim\u0142"},
        {"type": "bearer", "token": "g" * 5_001},
        {"type": "basic", "username": "u:v", "password": "geheim"},
        {"type": "api_key", "name": "X Key", "value": "geheim"},
        {"type": "api_key", "name": "Host", "value": "geheim"},
        {"type": "api_key", "name": "k", "value": "geheim", "in": "body"},
        {"type": "headers", "headers": {}},
        {"type": "headers", "headers": {f"X-{n}": "geheim" for n in range(11)}},
        {"type": "headers", "headers": ["geheim"]},
        {**AWS, "service": "s3"},
        {**AWS, "aws_region": "geheim/x"},
        {**OAUTH, "token_url": "http://169.254.169.254/geheim"},
        {**OAUTH, "token_url": "https://user:geheim@id.example.com/"},
    ],
)
def test_an_unusable_authentication_is_refused_without_its_secret(value: Any) -> None:
    with pytest.raises(InvalidEndpoint) as caught:
        check_authentication(value)

    assert caught.value.field == "authentication"
    assert "geheim" not in caught.value.message


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"type": "scroll"},
        {"type": "offset", "page": "p"},
        {"type": "offset", "offset": "a b"},
        {"type": "offset", "page_size": 0},
        {"type": "offset", "page_size": 1_001},
        {"type": "offset", "page_size": True},
        {"type": "page", "first_page": 2},
        {"type": "cursor", "cursor": "c"},
        {"type": "cursor", "cursor": "c", "next": "next["},
    ],
)
def test_an_unusable_paging_is_refused(value: Any) -> None:
    with pytest.raises(InvalidEndpoint) as caught:
        check_paging(value)

    assert caught.value.field == "paging"


def test_the_paging_of_every_preset_is_taken() -> None:
    for preset in PRESETS.values():
        check_paging(preset.paging)
    check_paging({})
    check_paging({"type": "cursor", "cursor": "search_after", "next": "hits.hits[-1].sort", "page_size": 50})


def test_an_address_may_have_a_query_string_but_no_metadata_host() -> None:
    check_url("http://127.0.0.1:9200/a,b/_search?routing=x&y=%20")

    for url in ("http://169.254.169.254/", "ftp://a", "http://u:p@a/", "http://a/?x=ü", "http://a/?x#y", "http://a/ b"):
        with pytest.raises(InvalidEndpoint):
            check_url(url)


@pytest.mark.parametrize("headers", [{"A": 5}, {"A": "ü"}, {"A": "a\nb"}, {"": "a"}, {"Content-Length": "5"}, []])
def test_headers_that_can_not_be_sent_are_refused(headers: Any) -> None:
    with pytest.raises(InvalidEndpoint):
        check_headers(headers)


def test_a_certificate_that_can_not_be_read_is_refused() -> None:
    check_ca_certificate("")

    for value in ("nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "\u00fc"):
        with pytest.raises(InvalidEndpoint) as caught:
            check_ca_certificate(value)
        assert caught.value.field == "ca_certificate"


def test_every_type_of_endpoint_has_a_preset() -> None:
    assert set(PRESETS) == set(EndpointType.values)
