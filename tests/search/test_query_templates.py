"""Query templates through the API: versions, deletion, and what they make of queries."""

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from judging.models import AuditEvent, QueryTemplate, User
from judging.search.query_sets.sets import create_awkward_queries
from tests.factories import make_evaluation
from tests.rest_clients import assert_problem
from tests.search.setting_up import make_endpoint, make_query_set, make_template

PATH = "/api/v1/query-templates"
pytestmark = pytest.mark.django_db


def test_a_template_tells_its_variables_and_begins_at_version_1(as_member: APIClient) -> None:
    fields = {"name": "All fields", "body": '{"q": "{{query}}", "n": {{size}}}', "query_string": "?shop={{shop}}"}
    made = as_member.post(PATH, fields, format="json")
    assert made.status_code == 201, made.content
    expected = {"version": 1, "variables": ["query", "shop", "size"], "query_string": "shop={{shop}}"}
    assert made.json().items() >= {**expected, "content_type": "application/json", "headers": {}}.items()


def test_a_change_makes_a_version_and_a_description_does_not(as_member: APIClient) -> None:
    template = make_template()
    path = f"{PATH}/{template.pk}"
    assert as_member.patch(path, {"description": "New"}, format="json").json()["version"] == 1
    assert as_member.put(path, {"name": "Title only", "body": "{}"}, format="json").json()["version"] == 2
    versions = as_member.get(f"{path}/versions").json()["results"]
    assert [(row["version"], row["body"]) for row in versions] == [(2, "{}"), (1, template.body)]
    assert list(AuditEvent.objects.order_by("created_at").values_list("action", flat=True)) == [
        "query_template_created",
        "query_template_changed",
        "query_template_changed",
    ]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"body": "{{#if query}}"}, "body"),
        ({"query_string": "q={{"}, "query_string"),
        ({"content_type": "json"}, "content_type"),
        ({"headers": {"Host": "example.com"}}, "headers"),
        ({"headers": {"A b": "c"}}, "headers"),
        ({"body": None}, "body"),
        ({"name": ""}, "name"),
    ],
)
def test_a_template_that_can_t_be_used_is_refused(as_member: APIClient, fields: dict[str, Any], field: str) -> None:
    refused = as_member.post(PATH, {"name": "Template", **fields}, format="json")
    assert field in str(assert_problem(refused, 400)["errors"].keys())
    assert not QueryTemplate.objects.exists()


def test_what_a_used_template_reads_must_be_in_its_set(as_member: APIClient) -> None:
    template, endpoint = make_template(), make_endpoint()
    query_set = make_query_set({"query": "a", "shop": "de"})
    make_evaluation(endpoint.corpus, endpoint=endpoint, query_set=query_set, query_template=template)
    path = f"{PATH}/{template.pk}"
    refused = as_member.patch(path, {"body": '{"q": "{{query}}", "s": "{{brand}}"}'}, format="json")
    assert "reads brand, which no query of Shop has" in assert_problem(refused, 400)["detail"]
    assert as_member.patch(path, {"body": '{"s": "{{shop}}"}'}, format="json").status_code == 200
    assert_problem(as_member.delete(path), 409, "in_use")


def test_templates_are_deleted_together_or_not_at_all(as_member: APIClient) -> None:
    first, second, used = make_template(), make_template(name="B"), make_template(name="C")
    endpoint = make_endpoint()
    make_evaluation(endpoint.corpus, endpoint=endpoint, query_set=make_query_set(), query_template=used)
    ids = [str(first.pk), str(used.pk)]
    assert_problem(as_member.delete(PATH, {"ids": ids}, format="json"), 409, "in_use")
    assert_problem(as_member.delete(PATH, {"ids": [str(first.pk), str(endpoint.pk)]}, format="json"), 400)
    assert QueryTemplate.objects.count() == 3
    assert as_member.delete(PATH, {"ids": [str(first.pk)]}, format="json").status_code == 204
    assert as_member.delete(f"{PATH}?ids={second.pk}").status_code == 204
    assert list(QueryTemplate.objects.all()) == [used]


def test_a_template_is_archived_and_restored(as_member: APIClient) -> None:
    path = f"{PATH}/{make_template().pk}"
    assert as_member.patch(path, {"archived": True}, format="json").json()["archived_at"]
    assert as_member.get(PATH).json()["results"] == []
    assert as_member.patch(path, {"archived": False}, format="json").json()["archived_at"] is None


def test_the_first_five_queries_of_a_set_are_rendered(as_member: APIClient) -> None:
    query_set = make_query_set(*(f'screen {n}"' for n in range(8)))
    fields = {
        "body": '{"q": "{{query}}", "size": {{size}}}',
        "query_string": "q={{query}}",
        "headers": {"X": "{{query}}"},
    }
    answer = as_member.post(f"{PATH}/test/{query_set.pk}", {**fields, "depth": 7}, format="json")
    assert answer.status_code == 200, answer.content
    preview = answer.json()
    assert preview.items() >= {"format": "json", "problems": [], "checked_count": 8}.items()
    assert len(preview["query_templates"]) == 5
    first = preview["query_templates"][0]
    assert json.loads(first["body"]) == {"q": 'screen 0"', "size": 7}
    assert (first["query"], first["query_string"]) == ('screen 0"', "q=screen%200%22")
    assert first["headers"] == {"X": 'screen 0"', "Content-Type": "application/json"}


def test_problems_are_told_with_their_query(as_member: APIClient) -> None:
    query_set = make_query_set({"query": "a", "n": 1}, {"query": "b"})
    body = {"body": '{"n": {{n}}, "brand": "{{brand}}"}'}
    preview = as_member.post(f"{PATH}/test/{query_set.pk}", body, format="json").json()
    whole, second = preview["problems"]
    assert whole["position"] == 0
    assert "brand" in whole["message"]
    assert second.items() >= {"position": 2, "query": "b", "place": "body"}.items()
    assert len(preview["query_templates"]) == 1


def test_a_stored_template_is_tried_over_given_queries(as_member: APIClient) -> None:
    template = make_template("{{query}}!", content_type="text/plain")
    body = {"query_template_id": str(template.pk), "queries": ["a", {"query": "b"}][:1]}
    preview = as_member.post(f"{PATH}/test", body, format="json").json()
    assert (preview["format"], preview["query_templates"][0]["body"]) == ("text", "a!")
    assert_problem(as_member.post(f"{PATH}/test", {"body": "{{#each}}"}, format="json"), 400, field="body")


def test_awkward_queries_come_back_identical_from_a_body(as_member: APIClient, member: User) -> None:
    query_set = create_awkward_queries(actor=member)
    texts = list(query_set.queries.values_list("body", flat=True))
    body = {"body": '{"q": "{{query}}"}', "queries": texts}
    preview = as_member.post(f"{PATH}/test", body, format="json").json()
    assert preview["problems"] == []
    assert [json.loads(each["body"])["q"] for each in preview["query_templates"]] == texts[:5]


def test_raters_see_no_templates(as_rater: APIClient) -> None:
    template = make_template()
    assert as_rater.get(PATH).status_code == as_rater.get(f"{PATH}/{template.pk}").status_code == 403
    assert as_rater.post(f"{PATH}/test", {"body": "{}"}, format="json").status_code == 403
