"""Analyses over REST: query templates against a baseline by how alike their lists are."""

import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from judging.demo_search.server import Server
from judging.models import Analysis, Evaluation, EvaluationRun, QueryTemplate, SearchRun, User
from tests.draining import drain
from tests.rest_clients import assert_problem
from tests.search.analyses.analysing import (
    ALL,
    BROKEN,
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


def test_each_query_has_the_figures_of_every_template(
    search_engine: Server, as_member: APIClient, member: User
) -> None:
    analysis = analysed(search_engine.url, member, SAME, SHIRTS)
    rows = {row["query"]: row for row in as_member.get(f"{PATH}/{analysis.pk}").json()["results"]}
    assert rows.keys() == set(QUERIES)
    same, shirts = rows["red shoes"]["templates"]
    assert (same["rbo"], same["entered"], same["left"], same["moved"]) == (1.0, 0, 0, 0)
    # Four shirts of each colour: none is among the first five for red shoes, or one red one is.
    assert shirts["entered"] == 5 - (5 - shirts["left"])
    assert rows["red shoes"]["baseline"]["returned"] == 5
    # Nothing was found, which is an answer: against five shirts it has nothing in common.
    same, shirts = rows["nothing of the kind"]["templates"]
    assert (same["rbo"], same["jaccard"], same["returned"]) == (1.0, 1.0, 0)
    assert (shirts["rbo"], shirts["jaccard"], shirts["entered"]) == (0.0, 0.0, 5)


def test_the_figures_are_those_of_the_comparison_of_two_runs(
    search_engine: Server, as_member: APIClient, member: User
) -> None:
    analysis = analysed(search_engine.url, member, SHIRTS, ALL)
    body = as_member.get(f"{PATH}/{analysis.pk}?k=3&p=0.8").json()
    baseline, *others = body["templates"]
    for place, each in enumerate(others):
        path = f"/api/v1/evaluations/runs/{baseline['run_id']}/compare/{each['run_id']}?k=3&p=0.8&metric=P@3"
        compared = as_member.get(path).json()
        for name in ("mean_rbo", "mean_jaccard", "query_count", "failed_count"):
            assert each[name] == compared["summary"][name]
        of_query = {row["query_key"]: row for row in compared["results"]}
        for row in body["results"]:
            for name in ("rbo", "jaccard", "entered", "left", "moved"):
                assert row["templates"][place][name] == of_query[row["query_key"]][name]


def test_a_failed_search_is_no_list(search_engine: Server, as_member: APIClient, member: User) -> None:
    analysis = analysed(search_engine.url, member, SAME, BROKEN)
    body = as_member.get(f"{PATH}/{analysis.pk}").json()
    assert body["status"] == "failed"
    _, same, broken = body["templates"]
    assert (same["status"], same["mean_rbo"]) == ("completed", 1.0)
    assert (broken["status"], broken["query_count"], broken["failed_count"]) == ("failed", 0, 4)
    assert (broken["mean_rbo"], broken["mean_jaccard"]) == (None, None)
    for row in body["results"]:
        cell = row["templates"][1]
        assert (cell["returned"], cell["rbo"], cell["entered"]) == (None, None, None)


def test_queries_come_in_pages_in_the_order_asked_for(
    search_engine: Server, as_member: APIClient, member: User
) -> None:
    analysis = analysed(search_engine.url, member, SHIRTS)
    path = f"{PATH}/{analysis.pk}"

    def column(parameters: str) -> list[float]:
        return [row["templates"][0]["rbo"] for row in as_member.get(f"{path}?{parameters}").json()["results"]]

    assert column("") == sorted(column(""))
    assert column("ordering=-rbo") == sorted(column(""), reverse=True)
    texts = [row["query"] for row in as_member.get(f"{path}?ordering=query").json()["results"]]
    assert texts == sorted(QUERIES)
    first = as_member.get(f"{path}?ordering=query&page_size=3").json()
    second = as_member.get(first["next"]).json()
    assert [row["query"] for row in first["results"] + second["results"]] == texts
    assert second["next"] is None
    found = as_member.get(f"{path}?search=SHIRT").json()["results"]
    assert [row["query"] for row in found] == ["blue shirt"]


def test_parameters_that_say_nothing_are_refused(search_engine: Server, as_member: APIClient, member: User) -> None:
    analysis = start_analysis(search_engine.url, member, SAME)
    for parameters in ("k=6", "k=0", "p=1", "p=x", "ordering=odd", "cursor=n0", "search=%00"):
        answer = as_member.get(f"{PATH}/{analysis.pk}?{parameters}")
        assert answer.status_code == 400, (parameters, answer.json())


def test_the_file_has_a_line_for_each_query_and_template(
    search_engine: Server, as_member: APIClient, member: User
) -> None:
    analysis = analysed(search_engine.url, member, SAME, BROKEN)
    answer = as_member.get(f"{PATH}/{analysis.pk}?file_format=csv")
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    lines = list(csv.DictReader(io.StringIO(text)))
    assert len(lines) == 2 * len(QUERIES)
    by_run = {(line["query"], line["run"]): line for line in lines}
    assert by_run["red shoes", "other 1"]["rbo"] == "1.0"
    assert by_run["red shoes", "other 2"]["rbo"] == ""
    assert by_run["red shoes", "other 2"]["returned_baseline"] == "5"


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


def test_a_query_that_a_run_was_not_asked_counts_nowhere(
    search_engine: Server, as_member: APIClient, member: User
) -> None:
    analysis = analysed(search_engine.url, member, SAME)
    _, other = analysis.runs.all()
    other.run.run_queries.filter(text="red shoes").delete()
    body = as_member.get(f"{PATH}/{analysis.pk}").json()
    assert (body["templates"][1]["query_count"], body["templates"][1]["mean_rbo"]) == (3, 1.0)


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


def test_what_an_analysis_is_made_of_stays_as_long_as_it(
    search_engine: Server, as_member: APIClient, member: User
) -> None:
    analysis = analysed(search_engine.url, member, SHIRTS)
    baseline, other = (each.run for each in analysis.runs.all())
    for kind, pk in (
        ("endpoints", baseline.search.endpoint_id),
        ("query-sets", baseline.search.query_set_id),
        ("query-templates", other.search.query_template_id),
        ("evaluations/runs", other.pk),
    ):
        assert_problem(as_member.delete(f"/api/v1/{kind}/{pk}"), 409, "in_use")
    assert as_member.delete(f"{PATH}/{analysis.pk}").status_code == 204
    assert not Analysis.objects.exists()
    assert not SearchRun.objects.exists()
    assert as_member.delete(f"/api/v1/query-templates/{other.search.query_template_id}").status_code == 204
    assert_problem(as_member.get(f"{PATH}/{analysis.pk}"), 404, "not_found")


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


def test_figures_follow_a_run_that_is_mapped_again(search_engine: Server, as_member: APIClient, member: User) -> None:
    analysis = analysed(search_engine.url, member, SAME)
    path = f"{PATH}/{analysis.pk}"
    assert as_member.get(path).json()["templates"][1]["identical_count"] == 4
    _, other = analysis.runs.all()
    mapping = "{total: hits.total.value, candidates: hits.hits[].{id: join('-', ['new', _id]), title: _id}}"
    remap = f"/api/v1/evaluations/runs/{other.run_id}/remap"
    assert as_member.post(remap, {"candidates_mapping": mapping}).json()["remapped_count"] == 4
    # As many candidates as before, and others; nothing of the kind stays empty.
    assert as_member.get(path).json()["templates"][1]["identical_count"] == 1


def test_raters_see_no_analysis(search_engine: Server, as_rater: APIClient, member: User) -> None:
    analysis = start_analysis(search_engine.url, member, SAME)
    for path in (PATH, f"{PATH}/{analysis.pk}"):
        assert_problem(as_rater.get(path), 403, "permission_denied")


def test_reading_takes_as_many_statements_however_many_queries(
    search_engine: Server, as_member: APIClient, member: User, django_assert_max_num_queries: Any
) -> None:
    few = analysed(search_engine.url, member, SHIRTS, queries=("red", "blue"))
    many = analysed(search_engine.url, member, SHIRTS, queries=tuple(f"red {number}" for number in range(30)))
    with CaptureQueriesContext(connection) as first:
        assert len(as_member.get(f"{PATH}/{few.pk}").json()["results"]) == 2
    with django_assert_max_num_queries(len(first)):
        assert len(as_member.get(f"{PATH}/{many.pk}").json()["results"]) == 30
    with django_assert_max_num_queries(8):
        assert len(as_member.get(PATH).json()["results"]) == 2
