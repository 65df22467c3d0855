"""Analyses over REST: made, followed, stopped and asked again."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from judging.demo_search.server import Server
from judging.models import Analysis, Evaluation, EvaluationRun, QueryTemplate, SearchRun, User
from tests.draining import drain
from tests.rest_clients import assert_problem
from tests.search.analyses.analysing import (
    SAME,
    SHIRTS,
    analysed,
    inputs_of,
    make_templates,
    start_analysis,
)
from tests.search.runs.searching import QUERIES, fail_search, make_search_evaluation

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/api/v1/analysis"


def posted(client: APIClient, inputs: dict[str, Any], **headers: str) -> Any:
    body = inputs | {name: str(inputs[name]) for name in ("endpoint_id", "query_set_id", "baseline")}
    body["query_template_ids"] = [str(each) for each in inputs["query_template_ids"]]
    return client.post(PATH, body, headers=headers)


def test_an_analysis_is_made_followed_and_read_by_template(search_engine: Server, as_member: APIClient) -> None:
    world = make_search_evaluation(search_engine.url)
    same, shirts = make_templates(SAME, SHIRTS)
    made = posted(as_member, inputs_of(world, [same, QueryTemplate.objects.get(name="titles"), shirts]))
    assert made.status_code == 201
    started = made.json()
    assert (started["status"], started["depth"]) == ("queued", 5)
    assert started["baseline"] == str(world.query_template_id)
    assert started["query_template_ids"] == [str(same.pk), str(shirts.pk)]
    early = as_member.get(f"{PATH}/{started['id']}").json()
    assert [each["mean_rbo"] for each in early["templates"]] == [None, None, None]
    assert early["results"] == []
    drain()
    ended = as_member.get(f"{PATH}/{started['id']}").json()
    assert (ended["status"], ended["k"], ended["p"]) == ("completed", 5, 0.9)
    baseline, alike, unlike = ended["templates"]
    assert (baseline["is_baseline"], baseline["name"], baseline["mean_rbo"]) == (True, "titles", None)
    assert (alike["mean_rbo"], alike["mean_jaccard"], alike["identical_count"]) == (1.0, 1.0, len(QUERIES))
    assert (alike["name"], alike["version"], alike["search"]["answered_count"]) == ("other 1", 1, 3)
    assert unlike["query_count"] == len(QUERIES)
    assert unlike["mean_rbo"] < 0.5
    assert unlike["identical_count"] == 0
    assert [row["id"] for row in as_member.get(PATH).json()["results"]] == [started["id"]]


def test_the_same_key_again_answers_what_the_first_made(search_engine: Server, as_member: APIClient) -> None:
    inputs = inputs_of(make_search_evaluation(search_engine.url), make_templates(SAME))
    first, again = (posted(as_member, inputs, **{"Idempotency-Key": "a"}).json() for _ in range(2))
    assert first["id"] == again["id"]
    assert Analysis.objects.count() == 1
    other = inputs | {"name": "Another"}
    assert_problem(posted(as_member, other, **{"Idempotency-Key": "a"}), 409, "idempotency_key_reused")


def test_inputs_that_can_t_be_are_refused_and_nothing_is_made(search_engine: Server, as_member: APIClient) -> None:
    world = make_search_evaluation(search_engine.url)
    (other,) = make_templates(SAME)
    refused: list[tuple[dict[str, Any], str]] = [
        ({"query_template_ids": [world.query_template_id]}, "query_template_ids"),
        ({"query_template_ids": [world.pk]}, "query_template_ids"),
        ({"query_template_ids": [each.pk for each in make_templates(*[SAME] * 9)]}, "query_template_ids"),
        ({"query_template_ids": [make_templates('{"b": "{{brand}}"}')[0].pk]}, "query_template_ids"),
        ({"baseline": world.pk}, "baseline"),
        ({"endpoint_id": world.pk}, "endpoint_id"),
        ({"query_set_id": world.pk}, "query_set_id"),
        ({"name": " "}, "name"),
        ({"depth": 0}, "depth"),
    ]
    for fields, place in refused:
        answer = posted(as_member, inputs_of(world, [other], **fields))
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [place]), fields
    assert not Analysis.objects.exists()
    assert (Evaluation.objects.count(), EvaluationRun.objects.count()) == (1, 0)


def test_a_template_that_renders_no_query_stops_all_of_it(search_engine: Server, as_member: APIClient) -> None:
    world = make_search_evaluation(search_engine.url)
    others = make_templates(SAME, '{"q": "{{#if query}}{{/if}}')
    answer = posted(as_member, inputs_of(world, others))
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["query_template_ids"])
    assert not EvaluationRun.objects.exists()


def test_runs_that_a_kill_left_unstarted_are_started(search_engine: Server, as_member: APIClient) -> None:
    inputs = inputs_of(make_search_evaluation(search_engine.url), make_templates(SAME))
    made = posted(as_member, inputs, **{"Idempotency-Key": "a"}).json()
    _, other = Analysis.objects.get().runs.all()
    for resumed in (False, True):
        EvaluationRun.objects.filter(pk=other.run_id).update(status="pending")
        SearchRun.objects.filter(pk=other.run_id).update(status="pending")
        other.run.search.lanes.delete()
        if resumed:
            assert as_member.post(f"{PATH}/{made['id']}/resume").status_code == 200
        else:
            assert posted(as_member, inputs, **{"Idempotency-Key": "a"}).json()["id"] == made["id"]
        other.run.refresh_from_db()
        assert other.run.status == "queued"


def test_an_analysis_is_stopped_and_asked_again(search_engine: Server, as_member: APIClient, member: User) -> None:
    path = f"{PATH}/{start_analysis(search_engine.url, member, SAME).pk}"
    assert_problem(as_member.delete(path), 409, "run_active")
    assert as_member.post(f"{path}/stop").json()["status"] == "cancelled"
    assert set(EvaluationRun.objects.values_list("status", flat=True)) == {"cancelled"}
    assert_problem(as_member.post(f"{path}/stop"), 400, "not_active")
    assert as_member.post(f"{path}/resume").json()["status"] == "queued"
    drain()
    assert as_member.get(path).json()["status"] == "completed"
    assert_problem(as_member.post(f"{path}/resume"), 409, "nothing_to_resume")


def test_a_stopped_analysis_tells_what_came_back(search_engine: Server, as_member: APIClient, member: User) -> None:
    analysis = start_analysis(search_engine.url, member, SAME)
    _, other = analysis.runs.all()
    as_member.post(f"/api/v1/evaluations/runs/{other.run_id}/stop")
    drain()
    body = as_member.get(f"{PATH}/{analysis.pk}").json()
    assert body["status"] == "cancelled"
    assert (body["templates"][1]["query_count"], body["templates"][1]["failed_count"]) == (0, 4)
    assert {row["baseline"]["returned"] for row in body["results"]} == {5, 0}


def test_figures_follow_a_run_that_is_asked_again(search_engine: Server, as_member: APIClient, member: User) -> None:
    analysis = analysed(search_engine.url, member, SAME)
    path = f"{PATH}/{analysis.pk}"
    assert as_member.get(path).json()["templates"][1]["query_count"] == 4
    _, other = analysis.runs.all()
    fail_search(other.run, "red shoes")
    assert as_member.get(path).json()["templates"][1]["query_count"] == 3
    as_member.post(f"{path}/resume")
    drain()
    again = as_member.get(path).json()["templates"][1]
    assert (again["query_count"], again["failed_count"], again["mean_rbo"]) == (4, 0, 1.0)
