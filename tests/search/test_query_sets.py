"""Query sets through the API: what they take, what they refuse, how they are listed and changed."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from judging.engines.awkward_queries import AWKWARD_QUERIES
from judging.models import AuditEvent, SearchQuerySet, User
from judging.records.roles import SYSTEM
from judging.search.query_sets import sets
from judging.search.query_sets.sets import create_awkward_queries, create_query_set
from tests.factories import make_evaluation
from tests.rest_clients import assert_problem
from tests.search.setting_up import make_endpoint, make_query_set, make_template

PATH = "/api/v1/query-sets"
pytestmark = pytest.mark.django_db


def upload(client: APIClient, name: str, content: str | bytes, path: str = f"{PATH}/upload", **fields: Any) -> Any:
    raw = content.encode() if isinstance(content, str) else content
    field = "log" if path.endswith("sample") else "file"
    return client.post(path, {"name": "Set", field: SimpleUploadedFile(name, raw), **fields}, format="multipart")


def queries_of(client: APIClient, query_set_id: str, **query: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.get(f"{PATH}/{query_set_id}/queries", query).json()["results"]
    return rows


@pytest.mark.on_both
def test_texts_become_a_set_of_kind_text(as_member: APIClient) -> None:
    made = as_member.post(PATH, {"name": "Shop", "queries": ["red shoes", "blue shirt"]}, format="json")
    assert made.status_code == 201, made.content
    assert made.json().items() >= {"kind": "text", "query_count": 2, "source": "manual", "property_types": {}}.items()
    assert [row["body"] for row in queries_of(as_member, made.json()["id"])] == ["red shoes", "blue shirt"]
    assert AuditEvent.objects.get().action == "query_set_created"


def test_objects_tell_the_types_of_their_properties(as_member: APIClient) -> None:
    queries = [{"query": "a", "n": 1, "tags": []}, {"query": "b", "n": 2.5, "on": True, "n2": None}]
    made = as_member.post(PATH, {"name": "Shop", "queries": queries}, format="json").json()
    assert made["kind"] == "object"
    assert made["property_types"] == {"query": "string", "n": "number", "tags": "array", "on": "boolean"}


@pytest.mark.on_both
def test_rows_carry_label_weight_and_tags_and_can_be_sent_back(as_member: APIClient) -> None:
    row = {"body": "red shoes", "label": "q1", "weight": 3, "tags": ["head"]}
    made = as_member.post(PATH, {"name": "Shop", "queries": [row, "blue"]}, format="json").json()
    rows = queries_of(as_member, made["id"])
    assert rows[0].items() >= {**row, "position": 1, "text": "red shoes", "inclusion_probability": None}.items()
    again = as_member.post(PATH, {"name": "Copy", "queries": rows}, format="json").json()
    assert again["content_hash"] == made["content_hash"]
    assert queries_of(as_member, again["id"]) == rows


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ([{"query": "a", "n": 1}, {"query": "b", "n": "2"}], 'query 2: property "n" is of type string, but number'),
        (["a", {"query": "b"}], "query 2: the query is an object, but that of query 1 is a text"),
        (["a", "b", "a "], "query 3: the query of query 1 stands here again"),
        ([{"body": "a", "label": "x"}, {"body": "b", "label": "x"}], 'query 2: the label "x" is that of query 1'),
        (["a", " "], "query 2: the query is empty"),
        ([{"body": "a", "weight": -1}], "query 1: weight must be a number of at least 0"),
        ([{"body": "a", "colour": 1}], 'query 1: "colour" is unknown'),
        ([3], "query 1: query must be text"),
        ([], "there are no queries in it"),
        ([{"q": "a"}], 'query 1: the query object needs a text under "query"'),
        (["x" * 10_001], "query 1: the query is longer than 10,000 characters"),
    ],
)
def test_what_is_wrong_is_told_with_its_query(as_member: APIClient, queries: list[Any], message: str) -> None:
    refused = as_member.post(PATH, {"name": "Shop", "queries": queries}, format="json")
    body = assert_problem(refused, 400, "import_rejected", "queries")
    assert message in body["errors"]["queries"][0]
    assert not SearchQuerySet.objects.exists()


def test_a_text_file_is_a_query_per_line(as_member: APIClient) -> None:
    made = upload(as_member, "q.txt", "\ufeffred shoes\r\n\r\n  blue, shirt \n")
    assert made.json()["source"] == "upload"
    assert [row["text"] for row in queries_of(as_member, made.json()["id"])] == ["red shoes", "blue, shirt"]


def test_a_table_s_other_columns_become_properties(as_member: APIClient) -> None:
    made = upload(as_member, "q.csv", 'query,label,weight,tags,shop\n"a, b",q1,2.5,x|y,de\nc,,,,\n')
    assert made.status_code == 201, made.content
    first, second = queries_of(as_member, made.json()["id"])
    assert first["body"] == {"query": "a, b", "shop": "de"}
    assert (first["label"], first["weight"], first["tags"]) == ("q1", 2.5, ["x", "y"])
    assert (second["body"], second["weight"], second["tags"]) == ({"query": "c"}, None, [])


def test_json_lines_name_the_line_and_property_that_differ(as_member: APIClient) -> None:
    refused = upload(as_member, "q.jsonl", '{"query": "a", "n": 1}\n\n{"query": "b", "n": [1]}\nno json\n')
    errors = assert_problem(refused, 400, "import_rejected")["errors"]["file"]
    assert errors[0] == 'line 3: property "n" is of type array, but number in line 1'
    assert errors[1].startswith("line 4: not valid JSON")


@pytest.mark.parametrize(("name", "content"), [("q.pdf", b"a"), ("q.txt", b"\x1f\x8b\x08"), ("q.csv", b"a,b\n1,2\n")])
def test_files_that_hold_no_queries_are_refused(as_member: APIClient, name: str, content: bytes) -> None:
    assert_problem(upload(as_member, name, content), 400, field="file")


@pytest.mark.on_both
def test_awkward_queries_come_back_as_they_are(as_member: APIClient, member: User) -> None:
    made = create_awkward_queries(actor=member)
    texts = [row["body"] for row in queries_of(as_member, str(made.pk))]
    storable = [text for text in AWKWARD_QUERIES if "\0" not in text and len(text) <= 10_000]
    assert texts == storable
    assert len(storable) >= len(AWKWARD_QUERIES) - 2


@pytest.mark.on_both
def test_a_set_is_searched_by_text_and_label(as_member: APIClient) -> None:
    texts = make_query_set("crème brûlée", 'the 27" monitor', {"body": "x", "label": "monitors"})
    objects = make_query_set({"query": "crème", "note": "27"}, {"query": "27 kg"}, name="Objects")
    assert [row["position"] for row in queries_of(as_member, str(texts.pk), search="brûlée")] == [1]
    assert [row["position"] for row in queries_of(as_member, str(texts.pk), search='27" MON')] == [2]
    assert [row["position"] for row in queries_of(as_member, str(texts.pk), search="monitor")] == [2, 3]
    assert [row["position"] for row in queries_of(as_member, str(objects.pk), search="27")] == [2]


@pytest.mark.on_both
def test_a_change_replaces_all_queries_and_makes_another_hash(as_member: APIClient) -> None:
    before = make_query_set()
    path = f"{PATH}/{before.pk}"
    renamed = as_member.patch(path, {"name": "Renamed"}, format="json").json()
    assert (renamed["name"], renamed["content_hash"]) == ("Renamed", before.content_hash)
    changed = as_member.put(path, {"name": "Shop", "queries": [{"query": "a"}]}, format="json").json()
    assert changed.items() >= {"kind": "object", "query_count": 1, "description": ""}.items()
    assert changed["content_hash"] != before.content_hash
    assert_problem(as_member.put(path, {"name": "Shop"}, format="json"), 400, field="queries")


@pytest.mark.on_both
def test_added_queries_come_after_those_that_are_there(as_member: APIClient) -> None:
    rows = [{"body": "a", "label": "q1", "weight": 3.0, "tags": ["head"]}, "b"]
    made = as_member.post(PATH, {"name": "Shop", "queries": rows}, format="json").json()
    path = f"{PATH}/{made['id']}/queries"
    assert as_member.post(path, {"queries": ["c"]}, format="json").json()["query_count"] == 3
    listed = queries_of(as_member, made["id"])
    assert [row["body"] for row in listed] == ["a", "b", "c"]
    assert (listed[0]["label"], listed[0]["weight"], listed[0]["tags"]) == ("q1", 3.0, ["head"])
    assert_problem(as_member.post(path, {"queries": [{"query": "an object"}]}, format="json"), 400, "import_rejected")
    SearchQuerySet.objects.update(source="sample")
    assert_problem(as_member.post(path, {"queries": ["d"]}, format="json"), 409, "is_sample")
    assert len(queries_of(as_member, made["id"])) == 3


@pytest.mark.on_both
def test_a_set_in_use_can_be_archived_but_not_deleted(as_member: APIClient) -> None:
    query_set, endpoint = make_query_set(), make_endpoint()
    evaluation = make_evaluation(
        endpoint.corpus, endpoint=endpoint, query_set=query_set, query_template=make_template()
    )
    path = f"{PATH}/{query_set.pk}"
    assert_problem(as_member.delete(path), 409, "in_use")
    assert as_member.patch(path, {"archived": True}, format="json").json()["archived_at"]
    assert as_member.get(PATH).json()["results"] == []
    assert len(as_member.get(PATH, {"archived": "true"}).json()["results"]) == 1
    assert as_member.patch(path, {"archived": False}, format="json").json()["archived_at"] is None
    evaluation.delete()
    assert as_member.delete(path).status_code == 204
    assert as_member.get(path).status_code == 404


@pytest.mark.on_both
@pytest.mark.slow(seconds=2)
def test_large_sets_take_no_query_per_row(as_member: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sets, "_CHUNK", 500)
    with CaptureQueriesContext(connection) as captured:
        made = create_query_set(actor=SYSTEM, name="Large", queries=[f"query {n}" for n in range(2000)])
    assert made.queries.count() == 2000
    assert len(captured) < 2000 / 50
    with CaptureQueriesContext(connection) as captured:
        queries_of(as_member, str(made.pk), page_size=500)
    assert len(captured) < 12


@pytest.mark.on_both
def test_a_sample_of_a_log_keeps_how_it_was_taken(as_member: APIClient) -> None:
    log = "query,count\n" + "".join(f"q{n},{1000 // (n + 1)}\n" for n in range(60)) + "q0,500\n"
    made = upload(as_member, "l.csv", log, f"{PATH}/sample", method="proportional", size=10, seed=7)
    assert made.status_code == 201, made.content
    report = made.json()["sample_report"]
    assert report.items() >= {"method": "proportional", "seed": 7, "size": 10, "log_query_count": 60}.items()
    assert 0 < report["traffic_share"] <= 1
    rows = queries_of(as_member, made.json()["id"])
    assert rows[0].items() >= {"text": "q0", "weight": 1500.0, "inclusion_probability": 1.0}.items()
    assert all(0 < row["inclusion_probability"] <= 1 for row in rows)
    again = upload(as_member, "l.csv", log, f"{PATH}/sample", method="proportional", size=10, seed=7)
    assert again.json()["content_hash"] == made.json()["content_hash"]


def test_a_raw_log_counts_its_lines(as_member: APIClient) -> None:
    log = '{"query": "a"}\n{"query": "b", "count": 3}\n{"query": "a"}\n"c"\n'
    made = upload(as_member, "l.jsonl", log, f"{PATH}/sample", method="top", size=2)
    assert [(row["text"], row["weight"]) for row in queries_of(as_member, made.json()["id"])] == [("b", 3), ("a", 2)]


def test_a_stratified_sample_tags_its_strata(as_member: APIClient) -> None:
    log = "query,count\n" + "".join(f"q{n},{1000 // (n + 1)}\n" for n in range(100))
    made = upload(as_member, "l.csv", log, f"{PATH}/sample", method="stratified", size=12).json()
    assert [each["name"] for each in made["sample_report"]["strata"]] == ["head", "torso", "tail"]
    assert {row["tags"][0] for row in queries_of(as_member, made["id"])} == {"head", "torso", "tail"}


@pytest.mark.parametrize(
    ("log", "fields", "field"),
    [
        ("query,count\na,-1\n", {}, "log"),
        ("a\nb\n", {}, "log"),
        ("query,count\na,1\n", {"size": 0}, "size"),
        ("query,count\na,1\n", {"method": "best"}, "method"),
    ],
)
def test_a_log_that_can_t_be_sampled_is_refused(as_member: APIClient, log: str, fields: Any, field: str) -> None:
    refused = upload(as_member, "l.csv", log, f"{PATH}/sample", **{"method": "top", "size": 5, **fields})
    assert_problem(refused, 400, field=field)


def test_raters_see_no_query_sets(as_rater: APIClient) -> None:
    query_set = make_query_set()
    for path in (PATH, f"{PATH}/{query_set.pk}", f"{PATH}/{query_set.pk}/queries"):
        assert as_rater.get(path).status_code == 403
