"""The query lab over REST, against the demo's engine and its faults."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from judging.demo_search.faults import read_faults
from judging.demo_search.server import Server
from judging.models import AuditEvent, Corpus, EvaluationRun, SearchEndpoint, SearchExchange
from tests.factories import make_evaluation, make_run
from tests.rest_clients import assert_problem
from tests.search.lab.asking import BROAD, NARROW, make_engine_endpoint
from tests.search.runs.conftest import search_engine
from tests.search.setting_up import make_template
from tests.trust.graded import give_grades

__all__ = ["search_engine"]
URL = "/api/v1/query-lab"
pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(search_engine: Server) -> SearchEndpoint:
    return make_engine_endpoint(search_engine)


def ask(client: APIClient, *sides: dict[str, Any], query: Any = "red shoes") -> list[dict[str, Any]]:
    answer = client.post(URL, {"query": query, "sides": list(sides)}, format="json")
    assert answer.status_code == 200, answer.content
    return list(answer.json()["sides"])


def side(endpoint: SearchEndpoint, body: str = NARROW, depth: int = 5, **more: Any) -> dict[str, Any]:
    return {"endpoint_id": str(endpoint.pk), "template": {"body": body}, "depth": depth, **more}


def ids(answer: dict[str, Any]) -> list[str]:
    return [row["id"] for row in answer["candidates"]]


def test_two_templates_are_asked_and_compared_and_nothing_is_stored(
    as_member: APIClient, endpoint: SearchEndpoint
) -> None:
    narrow, broad = ask(as_member, side(endpoint), side(endpoint, BROAD, 8), query="red shirt")
    assert (narrow["status"], narrow["failure_code"], len(narrow["candidates"])) == ("answered", "", 5)
    assert narrow["total"] >= 5
    assert narrow["milliseconds"] >= 0
    assert [row["rank"] for row in narrow["candidates"]] == [1, 2, 3, 4, 5]
    first = narrow["candidates"][0]
    assert (first["title"], first["fields"]["description"][:6]) == ("red shirt", "number")
    assert first["score"] is not None
    assert (narrow["rbo"], narrow["jaccard"]) == (1.0, 1.0)
    shared = set(ids(narrow)) & set(ids(broad))
    assert broad["jaccard"] == len(shared) / len(set(ids(narrow)) | set(ids(broad)))
    assert len(shared) >= 4
    assert 0 < broad["rbo"] < 1
    for row in broad["candidates"]:
        assert row["is_only_here"] is (row["id"] not in shared)
        assert row["first_rank"] == (ids(narrow).index(row["id"]) + 1 if row["id"] in shared else None)
    assert not SearchExchange.objects.exists()
    assert not AuditEvent.objects.exists()


def test_a_stored_template_is_used_with_what_is_written_beside_it(
    as_member: APIClient, endpoint: SearchEndpoint, search_engine: Server
) -> None:
    template = make_template(NARROW, headers={"X-Shop": "de"})
    ask(as_member, {"endpoint_id": str(endpoint.pk), "query_template_id": str(template.pk), "depth": 3})
    ask(as_member, side(endpoint, BROAD, query_template_id=str(template.pk)))
    stored, written = search_engine.requests
    assert json.loads(stored.body) == {"query": {"match": {"title": "red shoes"}}, "size": 3}
    assert "match_all" in json.loads(written.body)["query"]
    assert [request.headers["X-Shop"] for request in (stored, written)] == ["de", "de"]


# Every way to fail is in tests/search/runs/test_failed_searches.py: these are of an answer, and of none.
@pytest.mark.parametrize(("fault", "code"), [("null-ids", "mapping_failed"), ("500", "http_status")])
def test_a_side_that_fails_says_why_and_hides_no_other(
    as_member: APIClient, endpoint: SearchEndpoint, search_engine: Server, fault: str, code: str
) -> None:
    search_engine.faults = read_faults(fault)
    nowhere = SearchEndpoint.objects.get(pk=endpoint.pk)
    nowhere.pk, nowhere.name, nowhere.url = None, "Nowhere", "http://127.0.0.1:9/_search"
    nowhere.save(force_insert=True)
    failed, unanswered, unwritten = ask(
        as_member, side(endpoint), side(nowhere), side(endpoint, '{"query": {{query}}}')
    )
    assert (failed["status"], failed["failure_code"], failed["candidates"]) == ("failed", code, [])
    assert failed["failure_message"]
    assert (unanswered["failure_code"], unanswered["rbo"]) == ("connection", None)
    assert unwritten["failure_code"] == "template_invalid"
    search_engine.faults = read_faults("")
    _, answered = ask(as_member, side(nowhere), side(endpoint))
    assert (answered["status"], answered["rbo"]) == ("answered", None)


def test_an_empty_list_is_no_failure(as_member: APIClient, endpoint: SearchEndpoint) -> None:
    found, empty = ask(
        as_member, side(endpoint), side(endpoint, '{"query": {"match": {"title": "zebra"}}, "size": {{size}}}')
    )
    assert (empty["status"], empty["total"], empty["rbo"], empty["jaccard"]) == ("empty", 0, 0.0, 0.0)
    assert all(row["is_only_here"] for row in found["candidates"])


def test_known_grades_stand_beside_documents_with_whose_they_are(
    as_member: APIClient, endpoint: SearchEndpoint
) -> None:
    run = make_run(
        {"red shoes": ["red-shoes-0", "red-shoes-1", "red-shoes-2"]}, evaluation=make_evaluation(endpoint.corpus)
    )
    give_grades(run, ai=[[0, 3, None]], raters={"Ann": [[2, None, None]], "Bob": [[3, None, None]]})
    other = Corpus.objects.create(name="Other")
    SearchEndpoint.objects.create(
        corpus=other,
        name="Elsewhere",
        type=endpoint.type,
        url=endpoint.url,
        candidates_mapping=endpoint.candidates_mapping,
    )
    of_corpus, elsewhere = ask(as_member, side(endpoint), side(SearchEndpoint.objects.get(name="Elsewhere")))
    grades = {row["id"]: row["grades"] for row in of_corpus["candidates"]}
    people = {"scale": run.scale, "grade": 3, "by": "people", "authors": ["Ann", "Bob"]}
    assert grades["red-shoes-0"] == [people], "the people's mean, rounded half up, stands before the AI's"
    assert grades["red-shoes-1"] == [{"scale": run.scale, "grade": 3, "by": "ai", "authors": ["Judge v1"]}]
    assert grades["red-shoes-2"] == []
    assert not any(row["grades"] for row in elsewhere["candidates"])
    # The same text with a property more is graded by text.
    [with_shop] = ask(as_member, side(endpoint), query={"query": "red shoes", "shop": "de"})
    assert [row["grades"] for row in with_shop["candidates"] if row["id"] == "red-shoes-0"] == [[people]]
    [unknown] = ask(as_member, side(endpoint), query="red")
    assert not any(row["grades"] for row in unknown["candidates"])
    EvaluationRun.objects.update(blind=True)
    [blind] = ask(as_member, side(endpoint))
    assert not any(row["grades"] for row in blind["candidates"])


def test_a_deep_list_takes_no_statement_more_than_a_short_one(as_member: APIClient, endpoint: SearchEndpoint) -> None:
    counts = []
    for depth in (1, 30):
        with CaptureQueriesContext(connection) as statements:
            ask(as_member, side(endpoint, BROAD, depth))
        counts.append(len(statements))
    assert counts[1] <= counts[0]


def test_what_names_nothing_or_is_no_query_is_refused_before_it_is_sent(
    as_member: APIClient, endpoint: SearchEndpoint, search_engine: Server
) -> None:
    missing = "00000000-0000-0000-0000-000000000000"
    for body, place in (
        ({"query": "x", "sides": [side(endpoint), {"endpoint_id": missing}]}, "sides.1"),
        ({"query": "x", "sides": [side(endpoint, query_template_id=missing)]}, "sides.0"),
        ({"query": "x", "sides": []}, "sides"),
        ({"query": "x", "sides": [side(endpoint)] * 5}, "sides"),
        ({"query": "x" * 10_001, "sides": [side(endpoint)]}, "query"),
        ({"query": {"shop": "de"}, "sides": [side(endpoint)]}, "query"),
    ):
        assert_problem(as_member.post(URL, body, format="json"), 400, "invalid", place)
    assert not search_engine.requests


def test_the_limit_per_minute_holds_for_each_side(
    as_member: APIClient, endpoint: SearchEndpoint, search_engine: Server
) -> None:
    SearchEndpoint.objects.update(requests_per_minute=1)
    outcomes = sorted(answer["failure_code"] for answer in ask(as_member, side(endpoint), side(endpoint)))
    assert outcomes == ["", "busy"]
    assert len(search_engine.requests) == 1


def test_raters_get_nothing_of_the_lab(as_rater: APIClient, endpoint: SearchEndpoint, search_engine: Server) -> None:
    assert_problem(as_rater.post(URL, {"query": "x", "sides": [side(endpoint)]}, format="json"), 403)
    assert not search_engine.requests
