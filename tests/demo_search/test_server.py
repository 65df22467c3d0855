"""The demo's search service over real HTTP."""

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from judging.demo_search.index import Index
from judging.demo_search.server import Server, running

DOCUMENTS = [
    {"doc_id": "1", "title": "HP ink cartridge", "fields": {"description": "black"}},
    {"doc_id": "2", "title": "Canon printer", "fields": {"description": "prints with ink"}},
    {"doc_id": "3", "title": "USB cable", "fields": {"description": "two metres"}},
]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running(Index(DOCUMENTS)) as started:
        yield started


def ask(server: Server, method: str, path: str, body: object = None) -> tuple[int, Any]:
    link = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    try:
        link.request(method, path, body=body if isinstance(body, bytes) else json.dumps(body) if body else None)
        answer = link.getresponse()
        data = answer.read()
        return answer.status, json.loads(data) if data else None
    finally:
        link.close()


def ids(server: Server, query: dict[str, Any]) -> list[str]:
    return [hit["_id"] for hit in ask(server, "POST", "/products/_search", {"query": query})[1]["hits"]["hits"]]


def test_search_stems_words(server: Server) -> None:
    assert [row["id"] for row in ask(server, "GET", "/search?q=cables")[1]["results"]] == ["3"]


def test_only_the_named_fields_are_searched(server: Server) -> None:
    assert ids(server, {"match": {"title": "ink"}}) == ["1"]


def test_boosts_decide_the_order(server: Server) -> None:
    asked = [
        ids(server, {"multi_match": {"query": "ink", "fields": fields}})
        for fields in (["title^9", "description"], ["title", "description^9"])
    ]
    assert asked == [["1", "2"], ["2", "1"]]


def test_match_all_pages(server: Server) -> None:
    answer = ask(server, "POST", "/products/_search", {"query": {"match_all": {}}, "size": 1, "from": 1})[1]
    assert (answer["hits"]["total"]["value"], answer["hits"]["hits"][0]["_id"]) == (3, "2")


@pytest.mark.parametrize("text", ['"', "ink OR", "title:ink", "NEAR(", "a\0b", "-*^", "😀", "\ud800"])
def test_no_text_is_query_syntax(server: Server, text: str) -> None:
    assert ask(server, "POST", "/products/_search", {"query": {"match": {"title": text}}})[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/search", None, 400),
        ("GET", "/search?q=a&size=-1", None, 400),
        ("GET", "/search?q=a&fields=title%5Enan", None, 400),
        ("POST", "/products/_search", b"{", 400),
        ("POST", "/products/_search", b"[" * 100_000, 400),
        ("POST", "/products/_search", {"aggs": {}}, 400),
        ("POST", "/products/_search", {"query": {"bool": {}}}, 400),
        ("POST", "/products/_search", {"size": True}, 400),
        ("GET", "/nothing", None, 404),
        ("DELETE", "/search?q=a", None, 405),
        ("POST", "/products/_search", b" " * 1_000_001, 413),
    ],
)
def test_bad_requests_are_told_why(server: Server, method: str, path: str, body: object, status: int) -> None:
    answer = ask(server, method, path, body)
    assert (answer[0], bool(answer[1]["error"])) == (status, True)


@pytest.mark.parametrize(
    ("source", "fields"),
    [(True, {"title", "description"}), (False, None), ("title", {"title"}), (["description"], {"description"})],
)
def test_source_chooses_the_fields(server: Server, source: object, fields: set[str] | None) -> None:
    answer = ask(server, "POST", "/products/_search", {"query": {"match": {"title": "ink"}}, "_source": source})[1]
    found = answer["hits"]["hits"][0].get("_source")
    assert (None if found is None else set(found)) == fields


def test_searches_side_by_side_get_their_own_answers(server: Server) -> None:
    words = ["ink", "printer", "cable"] * 8
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda word: ask(server, "GET", f"/search?q={word}")[1]["results"][0]["id"], words)
    assert list(answers) == ["1", "2", "3"] * 8


def test_head_has_no_body(server: Server) -> None:
    assert ask(server, "HEAD", "/search?q=ink") == (200, None)
