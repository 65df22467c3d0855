"""Every way in which a search fails, told apart; and what is kept of each request."""

import gzip
import json
import socket
import zlib
from typing import Any

import pytest

from judging.engines.configuration import InvalidEndpoint, TemplateText
from judging.foundation.answers import Fault
from judging.foundation.limits import MAX_EVIDENCE_BYTES
from tests.engines.asking_calls import answer_of, config, failure_of
from tests.engines.scripted_engine import ScriptedEngine, hits
from tests.stub.script import Answer

BOMB = zlib.compress(b"\0" * 6_000_000, 9)


def test_a_list_comes_with_its_total_and_its_evidence(engine: ScriptedEngine) -> None:
    engine.answers(hits("b", "a", total=7))

    answer = answer_of(config(f"{engine.url}/search?market=de", headers={"X-Team": "shop"}))

    assert (answer.total, [one.id for one in answer.candidates], answer.page_count) == (7, ["b", "a"], 1)
    assert engine.received[0].json == {"q": "shoes", "n": 20}
    assert engine.received[0].target == "/search?market=de"
    exchange = answer.exchanges[0]
    assert (exchange.page, exchange.method, exchange.status, exchange.is_truncated) == (1, "POST", 200, False)
    assert (exchange.url, exchange.headers["X-Team"]) == (f"{engine.url}/search?market=de", "shop")
    assert json.loads(exchange.body) == {"q": "shoes", "n": 20}
    assert json.loads(exchange.response_body)["total"] == 7
    assert exchange.response_headers["content-type"] == "application/json"
    assert exchange.received_at.tzinfo is not None


def test_an_empty_list_is_an_answer(engine: ScriptedEngine) -> None:
    answer = answer_of(config(engine.url))

    assert (answer.total, answer.candidates) == (0, [])


@pytest.mark.parametrize(
    ("answer", "code", "fault", "said"),
    [
        (Answer(special="reset"), "connection", Fault.TRANSIENT, "connection"),
        (Answer(special="close"), "connection", Fault.TRANSIENT, "connection"),
        (Answer(body=b'{"results": []}' * 9, special="partial"), "connection", Fault.TRANSIENT, "connection"),
        (Answer(special="hang"), "timeout", Fault.TRANSIENT, "0.3 s"),
        (Answer(429), "rate_limited", Fault.TRANSIENT, "429"),
        (Answer(502), "http_status", Fault.TRANSIENT, "502"),
        (Answer(503), "http_status", Fault.TRANSIENT, "503"),
        (Answer(504), "http_status", Fault.TRANSIENT, "504"),
        (Answer(401), "http_status", Fault.RUN, "refuses the credentials"),
        (Answer(403), "http_status", Fault.RUN, "refuses the credentials"),
        (Answer(404, b'{"error": {"reason": "no such index [x]"}}'), "http_status", Fault.PROMPT, "no such index"),
        (Answer(400, b'{"error": {"msg": "undefined field f", "code": 400}}'), "http_status", Fault.PROMPT, "field f"),
        (Answer(500, b"<html><title>Oops</title>"), "http_status", Fault.PROMPT, "titled 'Oops'"),
        (
            Answer(307, headers=(("location", "https://elsewhere.example/x?key=geheim"),)),
            "http_status",
            Fault.PROMPT,
            "elsewhere.example (HTTP 307)",
        ),
        (Answer(body=b"<html><title>Log in</title>"), "invalid_response", Fault.PROMPT, "titled 'Log in'"),
        (Answer(body=b'{"results": ['), "invalid_response", Fault.PROMPT, "no JSON"),
        (Answer(body=b"[" * 100_000), "invalid_response", Fault.PROMPT, "no JSON"),
        (Answer(body=b""), "invalid_response", Fault.PROMPT, "no JSON"),
        (Answer(body=b"x", headers=(("content-encoding", "gzip"),)), "invalid_response", Fault.PROMPT, "unpacked"),
        (Answer(body=b"x", headers=(("content-encoding", "br"),)), "invalid_response", Fault.PROMPT, "'br'"),
        (Answer(body=b'{"hits": []}'), "mapping_failed", Fault.PROMPT, "leads nowhere"),
        (hits("a", "b", "a"), "duplicate_ids", Fault.PROMPT, "ranks 1 and 3"),
        (
            Answer(body=BOMB, headers=(("content-encoding", "deflate"),)),
            "too_large",
            Fault.PROMPT,
            "1 MB when unpacked",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_failure_has_its_code(engine: ScriptedEngine, answer: Answer, code: str, fault: Fault, said: str) -> None:
    engine.answers(answer)

    failure = failure_of(config(engine.url, timeout_seconds=0.3 if answer.special == "hang" else 5.0))

    assert (failure.code, failure.fault) == (code, fault)
    assert said in failure.message
    assert "geheim" not in failure.message
    assert len(failure.exchanges) == 1
    assert failure.exchanges[0].status == (None if answer.special else answer.status)


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [(429, (), None), (429, (("retry-after", "7"),), 7.0), (503, (("retry-after", "0.5"),), 0.5)],
)
def test_how_long_to_wait_is_told(
    engine: ScriptedEngine, status: int, headers: tuple[tuple[str, str], ...], seconds: float | None
) -> None:
    engine.answers(Answer(status, headers=headers))

    assert failure_of(config(engine.url)).retry_after == seconds


def test_an_answer_over_the_bound_is_cut_and_kept(engine: ScriptedEngine) -> None:
    engine.answers(Answer(body=b"7" * 50_000_000))

    failure = failure_of(config(engine.url, max_response_bytes=3_000_000))

    assert (failure.code, failure.message) == ("too_large", "The reply is larger than 3 MB.")
    assert failure.exchanges[0].response_body == b"7" * MAX_EVIDENCE_BYTES
    assert failure.exchanges[0].is_truncated


def test_a_large_answer_is_read_whole_and_kept_in_part(engine: ScriptedEngine) -> None:
    engine.answers(hits("a", padding="x" * 2_000_000))

    answer = answer_of(config(engine.url, max_response_bytes=5_000_000))

    assert [one.id for one in answer.candidates] == ["a"]
    assert len(answer.exchanges[0].response_body) == MAX_EVIDENCE_BYTES
    assert answer.exchanges[0].is_truncated


def test_a_packed_answer_is_unpacked(engine: ScriptedEngine) -> None:
    plain = hits("a")
    engine.answers(Answer(body=gzip.compress(plain.body), headers=(("content-encoding", "gzip"),)))

    answer = answer_of(config(engine.url))

    assert answer.exchanges[0].response_body == plain.body
    assert "content-encoding" not in answer.exchanges[0].response_headers


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://[fd00:ec2::254]/",
        "http://metadata.google.internal/",
        "http://0xa9fea9fe/",
    ],
)
def test_a_metadata_service_is_never_asked(url: str) -> None:
    failure = failure_of(config(url))

    assert (failure.code, failure.fault) == ("refused_address", Fault.RUN)


def test_a_name_that_leads_to_a_metadata_service_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # The name server is not ours: its answer stands in for one that an attacker controls.
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setenv("NO_PROXY", "*")

    assert failure_of(config("http://search.example.com/")).code == "refused_address"


def test_an_unknown_host_says_that_it_may_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")

    failure = failure_of(config("http://no-such-host.invalid/"))

    assert (failure.code, failure.fault, failure.code_if_lasting) == ("connection", Fault.TRANSIENT, "host_unknown")


def test_a_port_where_nothing_listens_is_a_connection_fault() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert failure_of(config(f"http://127.0.0.1:{port}")).code == "connection"


def test_a_query_that_can_not_be_rendered_is_never_sent(engine: ScriptedEngine) -> None:
    failure = failure_of(config(engine.url), template=TemplateText('{"q": {{query}}}', "", "application/json", {}))

    assert (failure.code, failure.fault, failure.exchanges) == ("template_invalid", Fault.PROMPT, [])
    assert engine.received == []


def test_one_connection_serves_searches_one_after_the_other(engine: ScriptedEngine) -> None:
    answer_of(config(engine.url), times=5)

    assert (len(engine.received), engine.accepted_connections) == (5, 1)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"candidates_mapping": "hits["}, "candidates_mapping"),
        ({"paging": {"type": "scroll"}}, "paging"),
        ({"authentication": {"type": "bearer"}}, "authentication"),
        ({"headers": {"Host": "x"}}, "headers"),
        ({"url": "http://127.0.0.1:9/?q=ü"}, "url"),
    ],
)
def test_an_endpoint_that_can_not_be_used_is_refused(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidEndpoint) as caught:
        failure_of(config(**{"url": "http://127.0.0.1:9", **settings}))

    assert caught.value.field == field
