"""Search endpoints over REST, and the tests of them against a scripted engine."""

import json

import pytest
from rest_framework.test import APIClient

from judging.models import Corpus, ProviderShare, SearchEndpoint, User
from judging.models.search.query_templates import QueryTemplate
from judging.records.searching.endpoint_limits import EndpointLimits, resource_key
from judging.work.places import Place
from tests.engines.scripted_engine import ScriptedEngine, hits
from tests.rest_clients import assert_problem
from tests.search.endpoints.making import TOKEN, make_endpoint
from tests.stub.script import Answer

URL = "/api/v1/endpoints"


def test_an_endpoint_is_made_read_changed_and_deleted(as_member: APIClient) -> None:
    corpus = Corpus.objects.create(name="Products")
    body = {"corpus_id": str(corpus.pk), "name": "Shop", "type": "solr", "url": "http://127.0.0.1:9/select"}
    made = as_member.post(URL, {**body, "authentication": {"type": "bearer", "token": TOKEN}}, format="json")
    assert made.status_code == 201, made.content
    told = made.json()
    assert (told["has_credentials"], told["authentication_type"], told["method"]) == (True, "bearer", "GET")
    assert "response.docs[]" in told["candidates_mapping"]
    assert "authentication" not in told
    assert TOKEN not in made.content.decode()
    address = f"{URL}/{told['id']}"
    # What was read can be sent back: the credentials stay.
    assert as_member.put(address, {**told, "timeout": 5}, format="json").json()["has_credentials"] is True
    changed = as_member.patch(address, {"archived": True}, format="json").json()
    assert (changed["archived"], changed["timeout"]) == (True, 5)
    assert as_member.get(URL).json()["results"] == []
    assert len(as_member.get(f"{URL}?archived=true").json()["results"]) == 1
    assert (
        as_member.patch(address, {"authentication": {"type": "none"}}, format="json").json()["has_credentials"] is False
    )
    assert as_member.delete(address).status_code == 204
    assert not SearchEndpoint.objects.exists()


def test_raters_see_nothing_of_endpoints(as_rater: APIClient, member: User) -> None:
    endpoint = make_endpoint(member)
    for method, path in (
        ("get", URL),
        ("post", URL),
        ("post", f"{URL}/test"),
        ("post", f"{URL}/suggest-mapping"),
        ("get", f"{URL}/{endpoint.pk}"),
        ("patch", f"{URL}/{endpoint.pk}"),
        ("delete", f"{URL}/{endpoint.pk}"),
        ("post", f"{URL}/{endpoint.pk}/test"),
    ):
        assert_problem(getattr(as_rater, method)(path), 403)


def test_a_test_passes_the_endpoint_s_own_answer_through(as_member: APIClient, engine: ScriptedEngine) -> None:
    engine.answers(hits("d1", "d2"))
    endpoint = make_endpoint(as_member.user, f"{engine.url}/search", headers={"X-Shop": "eu"})  # type: ignore[attr-defined]
    asked = {"query": 'red "shoes"', "query_string": "q={{query}}&n={{size}}", "headers": {"X-Mine": "1"}, "depth": 7}
    answer = as_member.post(f"{URL}/{endpoint.pk}/test", asked, format="json")
    assert (answer.status_code, answer["X-Eval-Response"]) == (200, "endpoint")
    assert [row["id"] for row in answer.json()["results"]] == ["d1", "d2"]
    [received] = engine.received
    assert received.query_string == "q=red%20%22shoes%22&n=7"
    headers = {name.lower(): value for name, value in received.headers.items()}
    assert (headers["x-shop"], headers["x-mine"], headers["authorization"]) == ("eu", "1", f"Bearer {TOKEN}")


def test_a_hostile_answer_is_never_drawn_by_a_browser(as_member: APIClient, engine: ScriptedEngine) -> None:
    script = b"<script>alert(document.cookie)</script>"
    engine.answers(Answer(body=script, headers=(("Content-Type", "text/html"), ("Set-Cookie", "sessionid=x"))))
    endpoint = make_endpoint(as_member.user, engine.url)  # type: ignore[attr-defined]
    answer = as_member.post(f"{URL}/{endpoint.pk}/test", {"query": "x"}, format="json")
    assert answer.content == script
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["Content-Security-Policy"].startswith("sandbox")
    assert not answer.cookies


@pytest.mark.parametrize("status", [400, 401, 404, 500])
def test_a_refusal_by_the_engine_passes_through_too(as_member: APIClient, engine: ScriptedEngine, status: int) -> None:
    engine.answers(Answer(status=status, body=b'{"error": "no such index"}'))
    endpoint = make_endpoint(as_member.user, engine.url)  # type: ignore[attr-defined]
    answer = as_member.post(f"{URL}/{endpoint.pk}/test", {"query": "x"}, format="json")
    assert (answer.status_code, answer["X-Eval-Response"]) == (status, "endpoint")
    assert answer.json() == {"error": "no such index"}


def test_where_nothing_answers_we_say_so_and_not_the_endpoint(as_member: APIClient) -> None:
    endpoint = make_endpoint(as_member.user)  # type: ignore[attr-defined]
    answer = as_member.post(f"{URL}/{endpoint.pk}/test", {"query": "x"}, format="json")
    assert_problem(answer, 502, "connection")
    assert "X-Eval-Response" not in answer


def test_a_query_of_an_unfit_template_is_refused_before_it_is_sent(
    as_member: APIClient, engine: ScriptedEngine
) -> None:
    endpoint = make_endpoint(as_member.user, engine.url)  # type: ignore[attr-defined]
    answer = as_member.post(f"{URL}/{endpoint.pk}/test", {"query": "x", "body": '{"q": {{query}}}'}, format="json")
    assert_problem(answer, 400, "invalid", "body")
    assert "X-Eval-Response" not in answer
    assert engine.received == []


def test_the_mapped_view_tells_request_list_and_what_is_wrong_with_ids(
    as_member: APIClient, engine: ScriptedEngine
) -> None:
    rows = [{"id": 7, "title": "a"}, {"id": None, "title": "b"}, {"id": 7, "title": "c"}, {"id": "", "title": "d"}]
    engine.answers(Answer(body=json.dumps({"total": 4, "results": rows}).encode()))
    endpoint = make_endpoint(as_member.user, engine.url)  # type: ignore[attr-defined]
    answer = as_member.post(f"{URL}/{endpoint.pk}/test?view=mapped", {"query": "x"}, format="json")
    told = answer.json()
    assert "X-Eval-Response" not in answer
    assert (told["status"], told["failure_code"], told["request"]["method"]) == (200, "mapping_failed", "GET")
    assert [row["id_kind"] for row in told["candidates"]] == ["number", "null", "repeated", "empty"]
    assert any("1 of 4 rows have no id: rank 2." in problem for problem in told["problems"])
    assert TOKEN not in answer.content.decode()


def test_an_endpoint_is_asked_before_it_is_stored(as_member: APIClient, engine: ScriptedEngine) -> None:
    engine.answers(hits("d1"))
    template = QueryTemplate.objects.create(name="All", query_string="text={{query}}")
    asked = {"type": "api", "url": engine.url, "query": "shoes", "query_template_id": str(template.pk)}
    answer = as_member.post(f"{URL}/test?view=mapped", asked, format="json")
    assert answer.status_code == 200, answer.content
    assert [row["id"] for row in answer.json()["candidates"]] == ["d1"]
    assert engine.received[0].query_string == "text=shoes"
    assert not SearchEndpoint.objects.exists()
    assert_problem(as_member.post(f"{URL}/test", {"url": engine.url}, format="json"), 400, field="type")


def test_a_draft_on_another_host_does_not_get_stored_credentials(as_member: APIClient, engine: ScriptedEngine) -> None:
    endpoint = make_endpoint(as_member.user, "http://127.0.0.1:9/search")  # type: ignore[attr-defined]
    answer = as_member.post(f"{URL}/{endpoint.pk}/test", {"url": engine.url, "query": "x"}, format="json")
    assert_problem(answer, 400, field="authentication")
    assert engine.received == []


def test_a_test_waits_its_turn_under_the_limit_per_minute(as_member: APIClient, engine: ScriptedEngine) -> None:
    engine.answers(hits("d1"))
    endpoint = make_endpoint(as_member.user, engine.url, requests_per_minute=1)  # type: ignore[attr-defined]
    asked = {"query": "x"}
    assert as_member.post(f"{URL}/{endpoint.pk}/test", asked, format="json").status_code == 200
    refused = as_member.post(f"{URL}/{endpoint.pk}/test", asked, format="json")
    assert_problem(refused, 503, "busy")
    assert len(engine.received) == 1


def test_a_test_is_refused_while_others_have_all_places(
    as_member: APIClient, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judging.search.asking._LONGEST_WAIT_FOR_LIMITS", 0.2)
    endpoint = make_endpoint(as_member.user, engine.url, max_concurrency=1)  # type: ignore[attr-defined]
    other = Place(EndpointLimits(), resource_key(endpoint.pk), seconds=600)
    assert other.take()
    asked = {"query": "x"}
    assert_problem(as_member.post(f"{URL}/{endpoint.pk}/test", asked, format="json"), 503, "busy")
    assert engine.received == []
    other.give_back()
    assert as_member.post(f"{URL}/{endpoint.pk}/test", asked, format="json").status_code == 200
    assert not ProviderShare.objects.exists()


def test_mappings_are_proposed_for_objects_and_for_rows(as_member: APIClient) -> None:
    sample = {"meta": {"count": 2}, "items": [{"sku": "a1", "name": "Shoe"}, {"sku": "a2", "name": "Boot"}]}
    proposed = as_member.post(f"{URL}/suggest-mapping", {"sample": sample}, format="json").json()["mappings"]
    assert proposed[0]["preview"] == [{"id": "a1", "title": "Shoe"}, {"id": "a2", "title": "Boot"}]
    assert as_member.post(f"{URL}/suggest-mapping", {"sample": 5}, format="json").json() == {"mappings": []}


def test_a_deep_test_pages_and_tells_the_whole_list(as_member: APIClient, engine: ScriptedEngine) -> None:
    engine.answers(hits("d1", "d2", total=3), hits("d3", total=3))
    paging = {"type": "offset", "size": "n", "offset": "from", "page_size": 2}
    endpoint = make_endpoint(as_member.user, engine.url, paging=paging)  # type: ignore[attr-defined]
    answer = as_member.post(f"{URL}/{endpoint.pk}/test?view=mapped", {"query": "x", "depth": 3}, format="json").json()
    assert [(row["rank"], row["id"]) for row in answer["candidates"]] == [(1, "d1"), (2, "d2"), (3, "d3")]
    assert (answer["total"], len(engine.received)) == (3, 2)
