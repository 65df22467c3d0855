"""Each way of proving who asks, on the wire; and no secret in what is kept of it."""

import base64
import json
import shlex
from collections.abc import Callable
from typing import Any

import pytest

from judging.engines.asking import curl_line
from judging.engines.configuration import TemplateText
from judging.foundation.answers import Fault
from tests.engines.asking_calls import answer_of, config, failure_of
from tests.engines.scripted_engine import Received, ScriptedEngine, hits
from tests.stub.script import Answer

SECRET = 'ge"heim/&+u-1234'
GET = TemplateText("", "q={{query}}", "application/json", {})

WAYS: list[tuple[str, dict[str, Any], str, str]] = [
    ("bearer", {"token": SECRET}, "authorization", f"Bearer {SECRET}"),
    (
        "basic",
        {"username": "user", "password": SECRET},
        "authorization",
        f"Basic {base64.b64encode(f'user:{SECRET}'.encode()).decode()}",
    ),
    ("api_key", {"name": "X-Algolia-API-Key", "value": SECRET}, "x-algolia-api-key", SECRET),
    ("headers", {"headers": {"X-One": SECRET, "X-Two": "other-secret"}}, "x-one", SECRET),
]


@pytest.mark.parametrize(("kind", "fields", "header", "value"), WAYS, ids=[way[0] for way in WAYS])
def test_credentials_are_sent_and_blanked(
    engine: ScriptedEngine, kind: str, fields: dict[str, Any], header: str, value: str
) -> None:
    # An engine that repeats what it was given, as some do when they refuse it.
    def repeat(request: Received) -> Answer:
        sent = request.headers[header]
        return Answer(400, json.dumps({"error": f"no {sent}", "raw": sent}).encode(), (("x-echo", sent),))

    engine.acts(repeat)

    failure = failure_of(config(engine.url, authentication={"type": kind, **fields}))

    assert engine.received[0].headers[header] == value
    kept = repr(failure)
    for spelling in (SECRET, json.dumps(SECRET)[1:-1], value.removeprefix("Basic "), "other-secret"):
        assert spelling not in kept
    assert "[secret]" in failure.message


def test_a_key_in_the_query_string_is_sent_and_blanked(engine: ScriptedEngine) -> None:
    authentication = {"type": "api_key", "name": "k", "value": SECRET, "in": "query"}

    answer = answer_of(config(f"{engine.url}/s?a=1", method="GET", authentication=authentication), template=GET)

    assert engine.received[0].target == "/s?a=1&q=shoes&k=ge%22heim%2F%26%2Bu-1234"
    assert answer.exchanges[0].url == f"{engine.url}/s?a=1&q=shoes&k=[secret]"


def test_credentials_typed_among_plain_headers_are_blanked_too(engine: ScriptedEngine) -> None:
    endpoint = config(f"{engine.url}/?api_key=abc", headers={"Authorization": "Basic abc", "X-Api-Key": "abc"})

    exchange = answer_of(endpoint).exchanges[0]

    assert engine.received[0].headers["authorization"] == "Basic abc"
    assert (exchange.headers["Authorization"], exchange.headers["X-Api-Key"]) == ("[secret]", "[secret]")
    assert exchange.url.endswith("?api_key=[secret]")


def oauth(engine: ScriptedEngine) -> dict[str, Any]:
    return {
        "type": "oauth2",
        "token_url": f"{engine.url}/token",
        "client_id": "client",
        "client_secret": SECRET,
        "scope": "search read",
    }


def token_server(token: dict[str, Any]) -> Callable[[Received], Answer]:
    issued: list[Received] = []

    def plan(request: Received) -> Answer:
        if request.path == "/token":
            issued.append(request)
            return Answer(body=json.dumps({**token, "access_token": f"token-{len(issued)}"}).encode())
        return hits("a")

    return plan


@pytest.mark.parametrize(("lasts", "fetched"), [({"expires_in": 3600}, 1), ({}, 1), ({"expires_in": 1}, 3)])
def test_a_token_is_fetched_once_until_it_ends(engine: ScriptedEngine, lasts: dict[str, int], fetched: int) -> None:
    engine.acts(token_server(lasts))

    answer = answer_of(config(engine.url, authentication=oauth(engine)), times=3)

    asked = [request for request in engine.received if request.path == "/token"]
    assert len(asked) == fetched
    assert asked[0].body == b"grant_type=client_credentials&scope=search+read"
    assert base64.b64decode(asked[0].headers["authorization"].split()[1]).startswith(b"client:ge%22heim")
    assert engine.received[-1].headers["authorization"] == f"Bearer token-{fetched}"
    assert SECRET not in repr(answer)
    assert "token-" not in repr(answer.exchanges)


def test_a_token_that_is_withdrawn_early_is_fetched_anew(engine: ScriptedEngine) -> None:
    tokens = token_server({"expires_in": 3600})
    searches: list[Received] = []

    def withdraw_after_the_first(request: Received) -> Answer:
        if request.path == "/token":
            return tokens(request)
        searches.append(request)
        is_withdrawn = len(searches) > 1 and request.headers["authorization"] == "Bearer token-1"
        return Answer(401) if is_withdrawn else hits("a")

    engine.acts(withdraw_after_the_first)

    answer = answer_of(config(engine.url, authentication=oauth(engine)), times=3)

    # The second search fails for now; the third has a new token.
    assert [request.headers["authorization"][-1] for request in searches] == ["1", "1", "2"]
    assert answer.total == 1


@pytest.mark.parametrize(
    ("answer", "code", "fault"),
    [
        (Answer(400, b'{"error": "invalid_client"}'), "http_status", Fault.RUN),
        (Answer(401), "http_status", Fault.RUN),
        (Answer(503), "http_status", Fault.TRANSIENT),
        (Answer(429), "rate_limited", Fault.TRANSIENT),
        (Answer(body=b"[]"), "invalid_response", Fault.RUN),
        (Answer(body=b'{"access_token": "a\\nb"}'), "invalid_response", Fault.RUN),
    ],
)
def test_a_token_server_that_gives_none_is_told(
    engine: ScriptedEngine, answer: Answer, code: str, fault: Fault
) -> None:
    engine.answers(answer)

    failure = failure_of(config(engine.url, authentication=oauth(engine)))

    assert (failure.code, failure.fault, failure.exchanges, len(engine.received)) == (code, fault, [], 1)
    assert "token server" in failure.message


def test_a_curl_line_names_secrets_and_quotes_the_rest(engine: ScriptedEngine) -> None:
    authentication = {"type": "headers", "headers": {"X-Api-Key": SECRET, "X-Other": SECRET}}
    template = TemplateText('{"q": "{{query}}"}', "", "application/json", {"X-Empty": ""})
    endpoint = config(f"{engine.url}/a[1]/$(id)?x=1", authentication=authentication)
    query = "it's $HOME `id` \\ !\n\""
    exchange = answer_of(endpoint, template=template, query=query).exchanges[0]

    line = curl_line(exchange, tls_verify=False)

    words = shlex.split(line)
    assert words[:5] == ["curl", "--globoff", "--request", "POST", "--insecure"]
    assert words[5] == f"{engine.url}/a[1]/$(id)?x=1"
    assert 'X-Api-Key: "$X_API_KEY"' in line.replace("'", "")
    assert 'X-Other: "$X_OTHER"' in line.replace("'", "")
    assert "X-Empty;" in words
    assert json.loads(words[-1]) == {"q": query}
    assert SECRET not in line
