"""The demo's search service misbehaving on purpose, over real HTTP."""

import http.client
import itertools
import json
import time

import pytest

from judging.demo_search.faults import BURST_LENGTH, BadFault, read_faults
from judging.demo_search.index import Index
from judging.demo_search.server import DRIP_BYTES, running

INDEX = Index([{"doc_id": str(number), "title": "ink"} for number in range(3)])


def ask(fault: str) -> tuple[int, http.client.HTTPMessage, bytes]:
    with running(INDEX, faults=read_faults(fault)) as server:
        link = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
        try:
            link.request("GET", "/search?q=ink")
            answer = link.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            link.close()


@pytest.mark.parametrize(
    ("fault", "status", "wait"), [("429", 429, "1"), ("429-silent", 429, None), ("500", 500, None)]
)
def test_status_faults(fault: str, status: int, wait: str | None) -> None:
    answer = ask(fault)
    assert (answer[0], answer[1]["Retry-After"]) == (status, wait)


@pytest.mark.parametrize("fault", ["html", "broken-json"])
def test_faults_that_are_not_json_come_with_200(fault: str) -> None:
    status, _, body = ask(fault)
    with pytest.raises(ValueError, match="line 1 column"):
        json.loads(body)
    assert status == 200


@pytest.mark.parametrize(("fault", "ids"), [("null-ids", [None] * 3), ("repeated-ids", ["0"] * 3)])
def test_id_faults(fault: str, ids: list[str | None]) -> None:
    assert [row["id"] for row in json.loads(ask(fault)[2])["results"]] == ids


def test_a_cut_body_ends_early() -> None:
    with pytest.raises(http.client.IncompleteRead):
        ask("cut")


def test_a_huge_body_is_huge() -> None:
    assert len(ask("huge")[2]) > 20_000_000


def test_latency_delays_every_search() -> None:
    started = time.monotonic()
    assert ask("latency:60")[0] == 200
    assert time.monotonic() - started >= 0.06


def test_a_drip_sends_a_whole_answer_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("judging.demo_search.server.DRIP_SECONDS", 0.005)
    started = time.monotonic()
    body = ask("drip")[2]
    assert len(json.loads(body)["results"]) == 3
    assert time.monotonic() - started >= 0.005 * len(body) / DRIP_BYTES


def test_a_burst_lasts_for_ten_searches() -> None:
    faults = read_faults("500-burst:0.1", seed=3)
    drawn = [faults.draw() or "" for _ in range(300)]
    lengths = [len(list(group)) for name, group in itertools.groupby(drawn) if name]
    assert lengths
    assert all(length % BURST_LENGTH == 0 for length in lengths[:-1])


@pytest.mark.parametrize(
    ("server_token", "sent", "status"),
    [("secret", "Bearer secret", 200), ("secret", "Bearer other", 403), ("secret", "", 403), ("", "Bearer ", 404)],
)
def test_only_the_token_sets_faults(server_token: str, sent: str, status: int) -> None:
    with running(INDEX, fault_token=server_token) as server:
        link = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
        link.request("PUT", "/faults", body=b"500", headers={"Authorization": sent})
        assert link.getresponse().status == status
        link.close()
        assert server.faults.rates == ({"500": 1.0} if status == 200 else {})


def test_one_seed_draws_the_same_faults() -> None:
    one, two = (read_faults("500:0.3,429:0.3", seed=7) for _ in range(2))
    assert [one.draw() for _ in range(50)] == [two.draw() for _ in range(50)]


@pytest.mark.parametrize("text", ["fire", "500:2", "500:x", "500:0.6,429:0.6", "latency:-1", "latency:nan"])
def test_bad_faults_are_refused(text: str) -> None:
    with pytest.raises(BadFault):
        read_faults(text)


def test_requests_are_recorded() -> None:
    with running(INDEX) as server:
        link = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
        link.request("POST", "/a/_search", body=b"{}")
        link.getresponse().read()
        link.close()
        assert [(made.method, made.path, made.body) for made in server.requests] == [("POST", "/a/_search", b"{}")]
