"""The queries of a run as REST lists them, as its page shows them, and as files: searched, filtered, sorted."""

import csv
import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from judging.models import EvaluationRun, RunQuery, SearchItem, SearchStatus, User
from tests.factories import candidate, make_run, make_search_item
from tests.rest_clients import assert_problem
from tests.review.giving import GivenGrade, record_judgments
from tests.runs.test_evaluation_pages import EVIL, text_of, visit

__all__ = ["visit"]


@pytest.fixture
def run(db: None) -> EvaluationRun:
    """Queries q1 to q4, the last without results; all but "blue hat" have a value, all that is judged is relevant."""
    run = make_run({"red shoes": ["d1", "d2"], "blue hat": ["d1"], "=red hat": ["d3"], "nothing": []}, metrics=["P@2"])
    for text, value, judged in (("red shoes", 0.5, 1), ("=red hat", 0.25, 1), ("nothing", 0.0, 0)):
        RunQuery.objects.filter(run=run, text=text).update(
            is_scored=True, metric_values={"P@2": value}, coverage_values={"P@2": [judged, 2]}, judged_count=judged
        )
    return run


def rest(run: EvaluationRun, more: str = "") -> str:
    return f"/api/v1/evaluations/runs/{run.pk}/queries{more}"


def page(run: EvaluationRun, query: str = "") -> str:
    return f"/evaluations/runs/{run.pk}{query}"


def shown(client: APIClient, run: EvaluationRun, **query: str) -> list[str]:
    return [row["label"] for row in client.get(rest(run), query).json()["results"]]


def content_of(response: Any) -> str:
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content).decode()


@pytest.mark.on_both
def test_queries_are_searched_in_text_and_label(as_rater: APIClient, run: EvaluationRun) -> None:
    assert shown(as_rater, run, search=" RED ") == ["q1", "q3"]
    assert shown(as_rater, run, search="Q2") == ["q2"]
    assert shown(as_rater, run, search="%") == []


@pytest.mark.on_both
def test_queries_without_results_come_last_and_alone(
    as_rater: APIClient, as_member: APIClient, run: EvaluationRun
) -> None:
    assert shown(as_member, run, ordering="P@2") == ["q3", "q1", "q2", "q4"]
    assert shown(as_member, run, ordering="-P@2") == ["q1", "q3", "q2", "q4"]
    assert shown(as_rater, run, no_results="true") == ["q4"]
    assert shown(as_rater, run, no_results="false", search="red") == ["q1", "q3"]


@pytest.mark.parametrize("query", [{"search": "x" * 201}, {"search": "\0"}, {"no_results": "yes"}])
def test_what_no_query_can_be_asked_for_is_refused(
    as_rater: APIClient, run: EvaluationRun, query: dict[str, str]
) -> None:
    assert_problem(as_rater.get(rest(run), query), 400, field=next(iter(query)))


@pytest.mark.on_both
def test_a_search_that_failed_is_not_one_without_results(as_rater: APIClient) -> None:
    run = make_run({"failed": [], "empty": []}, depth=10)
    search = make_search_item(run, status=SearchStatus.FAILED, failure_code="timeout").search_run
    SearchItem.objects.create(
        search_run=search, run_query=run.run_queries.get(position=2), status=SearchStatus.EMPTY, returned=0
    )
    rows = as_rater.get(rest(run), {"ordering": "query"}).json()["results"]
    assert [(row["query"], row["has_no_results"]) for row in rows] == [("empty", True), ("failed", False)]


def test_an_exported_json_file_is_the_list_of_the_api(as_member: APIClient, run: EvaluationRun) -> None:
    for query in ({}, {"ordering": "-P@2", "search": "red"}, {"search": "nowhere"}):
        listed = as_member.get(rest(run), query).json()["results"]
        assert json.loads(content_of(as_member.get(rest(run, "/export"), {**query, "file_format": "json"}))) == listed


def test_an_exported_csv_file_has_a_column_per_metric(as_member: APIClient, run: EvaluationRun) -> None:
    rows = list(csv.DictReader(content_of(as_member.get(rest(run, "/export"))).splitlines()))
    first, second, third, last = ({name: row[name] for name in list(row)[1:]} for row in rows)
    assert first == {
        "label": "q1",
        "query": "red shoes",
        "position": "1",
        "P@2": "0.5",
        "P@2 coverage": "0.5",
        "candidate_count": "2",
        "judged_count": "1",
        "has_no_results": "false",
        "tags": "",
    }
    assert (second["P@2"], third["query"], last["has_no_results"]) == ("", "'=red hat", "true")
    assert_problem(as_member.get(rest(run, "/export"), {"file_format": "qrels"}), 400, field="file_format")


def test_the_page_exports_what_it_shows(visit: Client, run: EvaluationRun) -> None:
    shown = text_of(visit, page(run, "?search=red&order=-P%402"))
    query = "order=-P%402&amp;search=red"
    assert f"/queries/export?file_format=json&amp;{query}" in shown
    url = page(run, f"/queries/export?file_format=json&{query.replace('&amp;', '&')}")
    assert [row["label"] for row in json.loads(content_of(visit.get(url)))] == ["q1", "q3"]


def test_the_page_tells_an_empty_list_from_a_bad_one(visit: Client, run: EvaluationRun) -> None:
    shown = text_of(visit, page(run))
    assert shown.index("=red hat") < shown.index("red shoes</a>") < shown.index("nothing</a>")
    assert shown.count("No results</span>") == 1
    only = text_of(visit, page(run, "?no_results=true"))
    assert "nothing</a>" in only
    assert "red shoes</a>" not in only


def test_a_search_on_the_page_stays_when_it_is_sorted(visit: Client, run: EvaluationRun) -> None:
    shown = text_of(visit, page(run, "?search=hat&no_results="))
    assert "blue hat</a>" in shown
    assert "red shoes</a>" not in shown
    assert 'href="?order=judged_count&amp;search=hat"' in shown
    hostile = text_of(visit, page(run, f"?search={EVIL}%00"))
    assert "Show all" in hostile
    assert EVIL not in hostile


def test_the_page_takes_as_many_statements_for_one_query_as_for_25(visit: Client) -> None:
    counts = []
    for size in (1, 30):
        run = make_run({f"query {number}": [] for number in range(size)})
        with CaptureQueriesContext(
            connection,
        ) as statements:
            text_of(visit, page(run))
        counts.append(len(statements))
    assert counts[0] == counts[1]


@pytest.mark.on_both
def test_queries_come_worst_first_by_a_metric_with_their_coverage(as_member: APIClient, member: User) -> None:
    run = make_run({"a": ["d1", "d2"], "b": ["d1", "d2"], "c": ["d1"], "d": []}, metrics=["P@2"])
    for text, doc, grade in (("a", "d1", 3), ("a", "d2", 3), ("b", "d1", 0)):
        query_id = candidate(run, text, doc).run_query_id
        record_judgments(grades=[GivenGrade(query_id, doc, grade)], actor=member)
    url = f"/api/v1/evaluations/runs/{run.pk}/queries"

    def shown(ordering: str) -> list[Any]:
        rows = as_member.get(url, {"ordering": ordering, "page_size": "2"}).json()
        following = as_member.get(rows["next"]).json()
        assert following["next"] is None
        assert as_member.get(following["previous"]).json()["results"] == rows["results"]
        return [row["query"] for row in rows["results"] + following["results"]]

    assert shown("P@2") == ["b", "a", "c", "d"]
    assert shown("-P@2") == ["a", "b", "c", "d"]
    assert shown("-position") == ["d", "c", "b", "a"]
    assert shown("-judged_count") == ["a", "b", "c", "d"]
    first, second, *_, last = as_member.get(url).json()["results"]
    assert (first["label"], first["metric_values"], first["coverage_values"]) == ("q1", {"P@2": 1.0}, {"P@2": 1.0})
    assert (second["judged_count"], second["candidate_count"], second["coverage_values"]) == (1, 2, {"P@2": 0.5})
    assert (last["metric_values"], last["coverage_values"]) == ({"P@2": None}, {"P@2": None})
    assert_problem(as_member.get(url, {"ordering": "MAP"}), 400, field="ordering")


def test_raters_see_nothing_that_is_made_of_grades(as_rater: APIClient, member: User) -> None:
    run = make_run({"a": ["d1", "d2"], "b": ["d1"]}, metrics=["P@2"])
    query_id = candidate(run, "a", "d1").run_query_id
    record_judgments(grades=[GivenGrade(query_id, "d1", 3)], actor=member)
    nothing = {"metric_values": {"P@2": None}, "coverage_values": {"P@2": None}, "judged_count": None}
    url = f"/api/v1/evaluations/runs/{run.pk}"
    shown = [
        as_rater.get(url).json(),
        as_rater.get(f"/api/v1/evaluations/{run.evaluation_id}/runs").json()["results"][0],
        *as_rater.get(f"{url}/queries", {"ordering": "-candidate_count"}).json()["results"],
    ]
    assert [each for each in shown if each | nothing != each] == []
    for ordering in ("P@2", "-P@2", "judged_count"):
        assert_problem(as_rater.get(f"{url}/queries", {"ordering": ordering}), 400, "blind", field="ordering")
