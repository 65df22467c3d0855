"""What an evaluation's runs are executed with, through the API and the forms."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from judging.models import Corpus, Evaluation, User
from tests.factories import make_run
from tests.rest_clients import assert_problem
from tests.search.setting_up import make_endpoint, make_query_set, make_template

PATH = "/api/v1/evaluations"
pytestmark = pytest.mark.django_db


@pytest.fixture
def member_browser(member: User) -> Client:
    client = Client()
    client.force_login(member)
    return client


@pytest.fixture
def inputs(db: None) -> dict[str, Any]:
    return {
        "endpoint_id": str(make_endpoint().pk),
        "query_set_id": str(make_query_set().pk),
        "query_template_id": str(make_template().pk),
    }


def test_the_corpus_follows_the_endpoint(as_member: APIClient, inputs: dict[str, Any]) -> None:
    made = as_member.post(PATH, {"name": "Shop", **inputs}, format="json")
    assert made.status_code == 201, made.content
    corpus = Corpus.objects.get()
    assert made.json().items() >= {**inputs, "corpus_id": str(corpus.pk), "default_depth": 20}.items()
    other = Corpus.objects.create(name="Other")
    refused = as_member.post(PATH, {"name": "Shop", **inputs, "corpus_id": str(other.pk)}, format="json")
    assert_problem(refused, 400, field="corpus_id")
    same = as_member.post(PATH, {"name": "Shop", **inputs, "corpus_id": str(corpus.pk)}, format="json")
    assert same.status_code == 201


@pytest.mark.parametrize("left_out", ["endpoint_id", "query_set_id", "query_template_id"])
def test_inputs_come_together_or_not_at_all(as_member: APIClient, inputs: dict[str, Any], left_out: str) -> None:
    del inputs[left_out]
    corpus_id = str(Corpus.objects.get().pk)
    refused = as_member.post(PATH, {"name": "Shop", "corpus_id": corpus_id, **inputs}, format="json")
    assert_problem(refused, 400, field=left_out)


def test_without_inputs_a_corpus_is_needed(as_member: APIClient) -> None:
    assert_problem(as_member.post(PATH, {"name": "Shop"}, format="json"), 400, field="corpus_id")


def test_inputs_are_changed_and_taken_away(as_member: APIClient, inputs: dict[str, Any]) -> None:
    made = as_member.post(PATH, {"name": "Shop", **inputs}, format="json").json()
    path = f"{PATH}/{made['id']}"
    other_set = {"query_set_id": str(make_query_set("a", name="B").pk)}
    assert as_member.patch(path, other_set, format="json").json().items() >= {**inputs, **other_set}.items()
    assert_problem(as_member.patch(path, {"endpoint_id": None}, format="json"), 400, field="endpoint_id")
    none = as_member.patch(path, dict.fromkeys(inputs), format="json").json()
    assert none.items() >= {**dict.fromkeys(inputs), "corpus_id": made["corpus_id"]}.items()


def test_an_endpoint_of_another_corpus_moves_an_evaluation_without_runs_only(
    as_member: APIClient, inputs: dict[str, Any]
) -> None:
    made = as_member.post(PATH, {"name": "Shop", **inputs}, format="json").json()
    path, other = f"{PATH}/{made['id']}", make_endpoint(name="Other")
    moved = as_member.patch(path, {"endpoint_id": str(other.pk)}, format="json").json()
    assert moved["corpus_id"] == str(other.corpus_id)
    make_run({"a": ["d1"]}, evaluation=other.evaluations.get())
    refused = as_member.patch(path, {"endpoint_id": inputs["endpoint_id"]}, format="json")
    assert_problem(refused, 400, field="endpoint_id")


def test_what_is_archived_can_t_be_chosen(as_member: APIClient, inputs: dict[str, Any]) -> None:
    as_member.patch(f"/api/v1/query-sets/{inputs['query_set_id']}", {"archived": True}, format="json")
    refused = as_member.post(PATH, {"name": "Shop", **inputs}, format="json")
    assert_problem(refused, 400, field="query_set_id")


def test_a_template_that_reads_what_no_query_has_is_refused(as_member: APIClient, inputs: dict[str, Any]) -> None:
    inputs["query_template_id"] = str(make_template('{"s": "{{shop}}"}').pk)
    refused = as_member.post(PATH, {"name": "Shop", **inputs}, format="json")
    assert_problem(refused, 400, field="query_template_id")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"default_depth": 0}, "default_depth"),
        ({"default_depth": 1001}, "default_depth"),
        ({"default_scale": "stars"}, "default_scale"),
        ({"default_metrics": ["Nonsense"]}, "default_metrics"),
        ({"default_depth": 5, "default_metrics": ["NDCG@10"]}, "default_metrics"),
        ({"endpoint_id": "00000000-0000-0000-0000-000000000000"}, "endpoint_id"),
    ],
)
def test_defaults_are_checked(as_member: APIClient, inputs: dict[str, Any], fields: Any, field: str) -> None:
    assert_problem(as_member.post(PATH, {"name": "Shop", **inputs, **fields}, format="json"), 400, field=field)


def test_defaults_are_kept(as_member: APIClient, inputs: dict[str, Any]) -> None:
    defaults = {"default_depth": 50, "default_scale": "graded", "default_metrics": ["NDCG@10", "P@5"]}
    made = as_member.post(PATH, {"name": "Shop", **inputs, **defaults}, format="json").json()
    assert made.items() >= defaults.items()
    renamed = as_member.patch(f"{PATH}/{made['id']}", {"name": "New"}, format="json").json()
    assert renamed.items() >= {**inputs, **defaults, "name": "New"}.items()


def fields_of(inputs: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {"name": "Shop", **{name.removesuffix("_id"): value for name, value in inputs.items()}, **others}


def test_the_form_makes_an_evaluation_that_asks_an_endpoint(member_browser: Client, inputs: dict[str, Any]) -> None:
    values = fields_of(inputs, default_depth=50, default_scale="graded", default_metrics="NDCG@10, P@5")
    made = member_browser.post(reverse("evaluation_create"), values)
    evaluation = Evaluation.objects.get()
    assert made["Location"] == reverse("evaluation", args=[evaluation.pk])
    assert evaluation.corpus == Corpus.objects.get()
    assert (evaluation.default_depth, evaluation.default_metrics) == (50, ["NDCG@10", "P@5"])
    assert "Title only" in member_browser.get(made["Location"]).content.decode()


def test_the_form_shows_problems_beside_the_fields(member_browser: Client, inputs: dict[str, Any]) -> None:
    del inputs["query_set_id"]
    refused = member_browser.post(reverse("evaluation_create"), fields_of(inputs)).content.decode()
    assert "come together or not at all" in refused
    assert not Evaluation.objects.exists()


def test_editing_keeps_what_is_chosen_though_it_is_archived(member_browser: Client, inputs: dict[str, Any]) -> None:
    member_browser.post(reverse("evaluation_create"), fields_of(inputs))
    member_browser.post(reverse("query_set_archive", args=[inputs["query_set_id"]]))
    evaluation = Evaluation.objects.get()
    edit = reverse("evaluation_edit", args=[evaluation.pk])
    assert member_browser.post(edit, fields_of(inputs, name="New name")).status_code == 302
    evaluation.refresh_from_db()
    assert (evaluation.name, str(evaluation.query_set_id)) == ("New name", inputs["query_set_id"])
    member_browser.post(edit, {"name": "New name"})
    evaluation.refresh_from_db()
    assert evaluation.endpoint is None
