"""What an analysis that has ended says, over REST and on its page."""

import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from judging.models import Analysis, SearchRun, User
from judging.search.analyses.reads import get_analysis
from tests.databases import Standing
from tests.factories import make_analysis, make_user
from tests.rest_clients import assert_problem
from tests.search.analyses.analysing import BROKEN, SAME, SHIRTS, analysed
from tests.search.runs.searching import QUERIES, engine, fail_search

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("forgetful")]
PATH = "/api/v1/analysis"
HX = {"HX-Request": "true"}


@pytest.fixture(scope="module")
def made(standing: Standing) -> dict[str, Analysis]:
    """Analyses against the same baseline: of what finds the same and of shirts, and of what the engine refuses."""
    with standing(), engine() as server:
        actor = make_user()
        many = tuple(f"red {number}" for number in range(12))
        return {
            "alike": analysed(server.url, actor, SAME, SHIRTS),
            "broken": analysed(server.url, actor, SAME, BROKEN),
            "long": analysed(server.url, actor, SAME, SHIRTS, queries=many),
        }


@pytest.fixture
def alike(db: None, made: dict[str, Analysis]) -> Analysis:
    return get_analysis(made["alike"].pk)


@pytest.fixture
def broken(db: None, made: dict[str, Analysis]) -> Analysis:
    return get_analysis(made["broken"].pk)


@pytest.fixture
def long(db: None, made: dict[str, Analysis]) -> Analysis:
    return get_analysis(made["long"].pk)


@pytest.fixture
def browser(client: Client, member: User) -> Client:
    client.force_login(member)
    return client


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


def test_each_query_has_the_figures_of_every_template(alike: Analysis, as_member: APIClient) -> None:
    rows = {row["query"]: row for row in as_member.get(f"{PATH}/{alike.pk}").json()["results"]}
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


def test_the_figures_are_those_of_the_comparison_of_two_runs(alike: Analysis, as_member: APIClient) -> None:
    body = as_member.get(f"{PATH}/{alike.pk}?k=3&p=0.8").json()
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


def test_a_failed_search_is_no_list(broken: Analysis, as_member: APIClient) -> None:
    body = as_member.get(f"{PATH}/{broken.pk}").json()
    assert body["status"] == "failed"
    _, same, refused = body["templates"]
    assert (same["status"], same["mean_rbo"]) == ("completed", 1.0)
    assert (refused["status"], refused["query_count"], refused["failed_count"]) == ("failed", 0, 4)
    assert (refused["mean_rbo"], refused["mean_jaccard"]) == (None, None)
    for row in body["results"]:
        cell = row["templates"][1]
        assert (cell["returned"], cell["rbo"], cell["entered"]) == (None, None, None)


def test_queries_come_in_pages_in_the_order_asked_for(alike: Analysis, as_member: APIClient) -> None:
    path = f"{PATH}/{alike.pk}"

    def column(parameters: str) -> list[float]:
        rows = as_member.get(f"{path}?{parameters}").json()["results"]
        return [sum(template["rbo"] for template in row["templates"]) for row in rows]

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


def test_parameters_that_say_nothing_are_refused(alike: Analysis, as_member: APIClient) -> None:
    for parameters in ("k=6", "k=0", "p=1", "p=x", "ordering=odd", "cursor=n0", "search=%00"):
        answer = as_member.get(f"{PATH}/{alike.pk}?{parameters}")
        assert answer.status_code == 400, (parameters, answer.json())


def test_the_file_has_a_line_for_each_query_and_template(broken: Analysis, as_member: APIClient) -> None:
    answer = as_member.get(f"{PATH}/{broken.pk}?file_format=csv")
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    lines = list(csv.DictReader(io.StringIO(text)))
    assert len(lines) == 2 * len(QUERIES)
    by_run = {(line["query"], line["run"]): line for line in lines}
    same, refused = (each.run.name for each in broken.runs.all()[1:])
    assert by_run["red shoes", same]["rbo"] == "1.0"
    assert by_run["red shoes", refused]["rbo"] == ""
    assert by_run["red shoes", refused]["returned_baseline"] == "5"


def test_a_query_that_a_run_was_not_asked_counts_nowhere(alike: Analysis, as_member: APIClient) -> None:
    _, other, _ = alike.runs.all()
    other.run.run_queries.filter(text="red shoes").delete()
    body = as_member.get(f"{PATH}/{alike.pk}").json()
    assert (body["templates"][1]["query_count"], body["templates"][1]["mean_rbo"]) == (3, 1.0)


def test_what_an_analysis_is_made_of_stays_as_long_as_it(alike: Analysis, as_member: APIClient) -> None:
    baseline, other, _ = (each.run for each in alike.runs.all())
    for kind, pk in (
        ("endpoints", baseline.search.endpoint_id),
        ("query-sets", baseline.search.query_set_id),
        ("query-templates", other.search.query_template_id),
        ("evaluations/runs", other.pk),
    ):
        assert_problem(as_member.delete(f"/api/v1/{kind}/{pk}"), 409, "in_use")
    assert as_member.delete(f"{PATH}/{alike.pk}").status_code == 204
    assert not Analysis.objects.filter(pk=alike.pk).exists()
    assert not SearchRun.objects.filter(pk__in=[baseline.pk, other.pk]).exists()
    assert as_member.delete(f"/api/v1/query-templates/{other.search.query_template_id}").status_code == 204
    assert_problem(as_member.get(f"{PATH}/{alike.pk}"), 404, "not_found")


def test_figures_follow_a_run_that_is_mapped_again(alike: Analysis, as_member: APIClient) -> None:
    path = f"{PATH}/{alike.pk}"
    assert as_member.get(path).json()["templates"][1]["identical_count"] == 4
    _, other, _ = alike.runs.all()
    mapping = "{total: hits.total.value, candidates: hits.hits[].{id: join('-', ['new', _id]), title: _id}}"
    remap = f"/api/v1/evaluations/runs/{other.run_id}/remap"
    assert as_member.post(remap, {"candidates_mapping": mapping}).json()["remapped_count"] == 4
    # As many candidates as before, and others; nothing of the kind stays empty.
    assert as_member.get(path).json()["templates"][1]["identical_count"] == 1


def test_raters_see_no_analysis(alike: Analysis, as_rater: APIClient, client: Client, rater: User) -> None:
    for path in (PATH, f"{PATH}/{alike.pk}"):
        assert_problem(as_rater.get(path), 403, "permission_denied")
    client.force_login(rater)
    pages = [reverse("analyses"), reverse("analysis_create"), reverse("analysis", args=[alike.pk])]
    assert [client.get(page).status_code for page in pages] == [403] * 3


def test_reading_takes_as_many_statements_however_many_queries(
    alike: Analysis, long: Analysis, as_member: APIClient, django_assert_max_num_queries: Any
) -> None:
    with CaptureQueriesContext(connection) as first:
        assert len(as_member.get(f"{PATH}/{alike.pk}").json()["results"]) == 4
    with django_assert_max_num_queries(len(first)):
        assert len(as_member.get(f"{PATH}/{long.pk}").json()["results"]) == 12
    with django_assert_max_num_queries(8):
        assert len(as_member.get(PATH).json()["results"]) == 3


def test_a_query_without_an_answer_shows_none(broken: Analysis, browser: Client) -> None:
    page = text_of(browser.get(reverse("analysis", args=[broken.pk])))
    assert "no query was answered in both" in page
    assert page.count(">no answer</a>") == len(QUERIES)
    assert "Ask the rest again" in page
    run = broken.runs.all()[2].run
    assert f"/evaluations/runs/{run.pk}/searches/" in page


def test_the_table_of_queries_renews_itself_alone(alike: Analysis, browser: Client) -> None:
    path = reverse("analysis", args=[alike.pk])
    part = text_of(browser.get(path, {"search": "hat", "ordering": "query"}, headers=HX | {"HX-Target": "queries"}))
    assert "<html" not in part
    assert "green hat" in part
    assert "red shoes" not in part
    assert "No query has" in text_of(browser.get(path, {"search": "trousers"}))
    # What the address can't mean is taken as if it was not there.
    assert browser.get(path, {"k": "600", "ordering": "odd", "page": "x"}).status_code == 200
    exported = b"".join(browser.get(path, {"file_format": "csv"}).streaming_content)  # type: ignore[attr-defined]
    assert exported.count(b"\n") == 1 + 2 * len(QUERIES)


def test_the_page_takes_as_many_statements_however_many_queries(
    alike: Analysis, long: Analysis, browser: Client, django_assert_max_num_queries: Any
) -> None:
    fail_search(long.runs.all()[1].run, "red 3")
    with CaptureQueriesContext(connection) as first:
        browser.get(reverse("analysis", args=[alike.pk]))
    with django_assert_max_num_queries(len(first)):
        assert "red 11" in text_of(browser.get(reverse("analysis", args=[long.pk])))
    with CaptureQueriesContext(connection) as three:
        browser.get(reverse("analyses"))
    for _ in range(3):
        make_analysis()
    with django_assert_max_num_queries(len(three)):
        browser.get(reverse("analyses"))
