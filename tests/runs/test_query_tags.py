"""Tags on queries: they come with files and query sets, filter lists, and go out again."""

import csv
import json
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from judging.models import AuditEvent, Evaluation, EvaluationRun, RunQuery, User
from judging.runs.importing.results import InlineResults
from judging.runs.importing.run_files import RunFiles
from judging.runs.tag_metrics import metrics_by_tag
from tests.factories import make_evaluation, make_run
from tests.rest_clients import assert_problem
from tests.runs.importing import DOCUMENTS, RUN, as_file, do_import, do_import_inline, jsonl, problems_of, row


@pytest.fixture
def evaluation(db: None) -> Evaluation:
    return make_evaluation()


@pytest.fixture
def run(db: None) -> EvaluationRun:
    """Queries q1 (head, en), q2 (tail), q3 without tags."""
    run = make_run({"red shoes": ["d1"], "blue hat": ["d1"], "größe": ["d2"]})
    tag(run, {"red shoes": ["head", "en"], "blue hat": ["tail"]})
    return run


@pytest.fixture
def as_member_page(client: Client, member: User) -> Client:
    client.force_login(member)
    return client


def tag(run: EvaluationRun, tags: dict[str, list[str]]) -> None:
    for text, given in tags.items():
        RunQuery.objects.filter(run=run, text=text).update(tags=given)


def tags_of(run: EvaluationRun) -> list[list[str]]:
    return list(run.run_queries.order_by("position").values_list("tags", flat=True))


def rest(run: EvaluationRun, more: str = "") -> str:
    return f"/api/v1/evaluations/runs/{run.pk}/queries{more}"


def labels(client: APIClient, run: EvaluationRun, **query: str) -> list[str]:
    return [each["label"] for each in client.get(rest(run), query).json()["results"]]


def content_of(response: Any) -> str:
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content).decode()


def test_tags_come_in_one_spelling_and_each_once(evaluation: Evaluation) -> None:
    rows = [row("a", "d1", tags=["Head", " head ", "Gro\u0308ße", "two  words"]), row("b", tags="tail|en"), row("c")]
    assert tags_of(do_import_inline(evaluation, *rows)) == [["head", "größe", "two words"], ["tail", "en"], []]


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"a": 1}, "tags must be a list of texts"),
        ([3.5], "a tag must be text"),
        (["a,b"], "a tag holds no comma and no |"),
        (["x" * 101], "a tag is longer than 100 characters"),
        ([f"t{number}" for number in range(51)], "a query has at most 50 tags"),
    ],
)
def test_what_are_no_tags_is_told_with_its_query(tags: Any, said: str) -> None:
    [(_, place, message)] = problems_of(InlineResults([row("a", "d1"), row("b", "d1", tags=tags)]))
    assert (place, message.startswith(said)) == (2, True), message


@pytest.mark.parametrize(
    "queries",
    [
        "query_id\tquery\ttags\nq1\tred shoes\tHead|en\nq2\tblue shirt\t\n",
        'query_id,query,tags\nq1,red shoes,"head, en"\nq2,blue shirt,\n',
        '{"query_id": "q1", "query": "red shoes", "tags": ["head", "en"]}\n{"query_id": "q2", "query": "blue shirt"}\n',
    ],
)
def test_files_of_queries_bring_their_tags(evaluation: Evaluation, queries: str) -> None:
    source = RunFiles(as_file(RUN), as_file(queries), as_file(DOCUMENTS))
    outcome = do_import(evaluation, source)
    assert tags_of(outcome.run) == [["head", "en"], []]
    assert not [warning for warning in outcome.warnings if "ignored" in warning]


@pytest.mark.on_both
def test_an_exported_run_brings_its_tags_back(as_member: APIClient, run: EvaluationRun) -> None:
    lines = content_of(as_member.get(f"/api/v1/evaluations/runs/{run.pk}/export", {"file_format": "jsonl"}))
    again = do_import(run.evaluation, jsonl(*lines.splitlines())).run
    assert tags_of(again) == [["head", "en"], ["tail"], []]


@pytest.mark.on_both
def test_queries_are_listed_with_their_tags_and_by_tag(as_rater: APIClient, run: EvaluationRun) -> None:
    assert [each["tags"] for each in as_rater.get(rest(run)).json()["results"]] == [["head", "en"], ["tail"], []]
    assert labels(as_rater, run, tag=" EN") == ["q1"]
    assert labels(as_rater, run, tag="tail", search="hat") == ["q2"]
    assert labels(as_rater, run, tag="tai") == []
    assert_problem(as_rater.get(rest(run), {"tag": "x" * 101}), 400, field="tag")


def test_exported_queries_have_their_tags(as_member: APIClient, run: EvaluationRun) -> None:
    tag(run, {"größe": ["=1+1", "ä"]})
    rows = list(csv.DictReader(content_of(as_member.get(rest(run, "/export"))).splitlines()))
    assert [each["tags"] for each in rows] == ["head|en", "tail", "'=1+1|ä"]
    listed = json.loads(content_of(as_member.get(rest(run, "/export"), {"file_format": "json", "tag": "ä"})))
    assert [each["tags"] for each in listed] == [["=1+1", "ä"]]


def tag_rest(client: APIClient, run: EvaluationRun, *labelled: str, **change: list[str]) -> Any:
    ids = [str(run.run_queries.get(label=label).pk) for label in labelled]
    return client.post(f"/api/v1/evaluations/runs/{run.pk}/tags", {"query_ids": ids, **change})


@pytest.mark.on_both
def test_tags_are_added_taken_away_and_replaced(as_member: APIClient, run: EvaluationRun) -> None:
    change = {"add": ["Long ", "en"], "remove": ["tail"]}
    assert tag_rest(as_member, run, "q1", "q2", "q3", **change).json() == {"changed": 3}
    assert tags_of(run) == [["head", "en", "long"], ["long", "en"], ["long", "en"]]
    assert tag_rest(as_member, run, "q1", "q3", tags=["long", "en"]).json() == {"changed": 1}
    assert tag_rest(as_member, run, "q2", tags=[]).json() == {"changed": 1}
    assert tags_of(run) == [["long", "en"], [], ["long", "en"]]
    [event, *_] = AuditEvent.objects.filter(action="query_tags_changed").order_by("pk")
    assert event.detail == {"add": ["long", "en"], "remove": ["tail"], "queries": 3}


@pytest.mark.on_both
def test_queries_are_not_tagged_beyond_what_they_hold(as_member: APIClient, run: EvaluationRun) -> None:
    tag(run, {"red shoes": [f"t{number}" for number in range(50)]})
    assert_problem(tag_rest(as_member, run, "q1", add=["more"]), 400, field="add")
    assert_problem(tag_rest(as_member, run, "q2", add=["a|b"]), 400, field="add")
    assert_problem(as_member.post(f"/api/v1/evaluations/runs/{run.pk}/tags", {"query_ids": []}), 400, field="query_ids")
    stranger = make_run().run_queries.all()[0]
    body = {"query_ids": [str(stranger.pk)], "add": ["x"]}
    assert_problem(as_member.post(f"/api/v1/evaluations/runs/{run.pk}/tags", body), 404, "not_found")
    EvaluationRun.objects.filter(pk=run.pk).update(is_locked=True, locked_at=run.created_at)
    assert_problem(tag_rest(as_member, run, "q2", add=["x"]), 409, "run_locked")


@pytest.fixture
def scored(db: None) -> EvaluationRun:
    """Twelve queries tagged "many", the first two "few", one not scored; one more without tags."""
    run = make_run({f"query {number}": ["d1", "d2"] for number in range(13)}, metrics=["P@2"])
    for number, query in enumerate(run.run_queries.order_by("position")):
        query.tags = (["many", "few"] if number < 2 else ["many"]) if number < 12 else []
        query.is_scored = number != 1
        query.metric_values = {"P@2": number / 10 if query.is_scored else None}
        query.coverage_values = {"P@2": [1 if query.is_scored else 0, 2]}
        query.save()
    return run


@pytest.mark.on_both
def test_metrics_by_tag_are_means_over_the_scored_queries(as_member: APIClient, scored: EvaluationRun) -> None:
    answer = as_member.get(f"/api/v1/evaluations/runs/{scored.pk}/tags").json()
    assert (answer["tag_count"], answer["untagged_count"]) == (2, 1)
    many, few = answer["tags"]
    assert (many["tag"], many["query_count"], many["scored_query_count"], many["is_small"]) == ("many", 12, 11, False)
    assert many["metric_values"]["P@2"] == pytest.approx((sum(range(12)) - 1) / 110)
    assert many["coverage_values"]["P@2"] == pytest.approx(11 / 24)
    assert (few["query_count"], few["scored_query_count"], few["is_small"]) == (2, 1, True)
    assert (few["metric_values"], few["coverage_values"]) == ({"P@2": 0.0}, {"P@2": 0.25})


@pytest.mark.on_both
def test_metrics_by_tag_are_exported(as_member: APIClient, scored: EvaluationRun) -> None:
    rows = list(csv.DictReader(content_of(as_member.get(rest(scored, "/export"), {"by": "tag"})).splitlines()))
    assert rows[1] == {
        "tag": "few",
        "query_count": "2",
        "scored_query_count": "1",
        "P@2": "0.0",
        "P@2 coverage": "0.25",
    }
    query = {"by": "tag", "file_format": "json"}
    assert [each["tag"] for each in json.loads(content_of(as_member.get(rest(scored, "/export"), query)))] == [
        "many",
        "few",
    ]


@pytest.mark.on_both
def test_metrics_by_tag_take_no_query_per_tag(scored: EvaluationRun, django_assert_num_queries: Any) -> None:
    RunQuery.objects.filter(run=scored).update(tags=[f"t{number}" for number in range(50)])
    with django_assert_num_queries(1):
        assert len(metrics_by_tag(scored).tags) == 50


def test_the_page_of_a_run_tags_chosen_queries(as_member_page: Client, scored: EvaluationRun) -> None:
    page = f"/evaluations/runs/{scored.pk}"
    shown = as_member_page.get(page, {"tag": "few", "order": "position"}).content.decode()
    assert shown.count('name="query_id"') == 2
    assert 'href="?order=position&amp;tag=many"' in shown
    assert "few</span>" in shown
    assert ">0.59" in shown
    chosen = [str(query.pk) for query in scored.run_queries.filter(position__gte=12)]
    post = {"query_id": chosen, "tags": "<b>, Many", "act": "add"}
    assert as_member_page.post(f"{page}/tags", post).status_code == 302
    assert tags_of(scored)[-2:] == [["many", "<b>"], ["<b>", "many"]]
    assert "&lt;b&gt;" in as_member_page.get(page, {"order": "-position"}).content.decode()
    as_member_page.post(f"{page}/tags", {**post, "act": "remove"}, headers={"HX-Request": "true"})
    assert tags_of(scored)[-2:] == [[], []]


@pytest.mark.on_both
def test_the_grid_is_filtered_by_tag(
    as_member: APIClient, as_rater: APIClient, as_member_page: Client, run: EvaluationRun
) -> None:
    path = f"/api/v1/evaluations/runs/{run.pk}/candidates"

    def queries(client: APIClient = as_member, **query: str) -> list[str]:
        return [each["query"] for each in client.get(path, query).json()["results"]]

    assert queries(tag="Head") == queries(as_rater, tag="head") == ["red shoes"]
    assert queries(tag="tail", ordering="-rank", status="unjudged") == ["blue hat"]
    assert queries(tag="none") == []
    assert_problem(as_rater.get(path, {"tag": "a,b"}), 400, field="tag")
    shown = as_member_page.get(f"/evaluations/runs/{run.pk}/review", {"tag": "tail"}).content.decode()
    assert "blue hat" in shown
    assert "red shoes" not in shown
    assert f'href="/evaluations/runs/{run.pk}/review?tag=tail"' in shown
