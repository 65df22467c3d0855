"""The pages of analyses."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from judging.demo_search.server import Server
from judging.models import Analysis, EvaluationRun, User
from tests.draining import drain
from tests.factories import make_analysis
from tests.search.analyses.analysing import BROKEN, SAME, SHIRTS, analysed, inputs_of, make_templates, start_analysis
from tests.search.runs.searching import QUERIES, fail_search, make_search_evaluation

pytestmark = pytest.mark.django_db(transaction=True)
HX = {"HX-Request": "true"}


@pytest.fixture
def browser(client: Client, member: User) -> Client:
    client.force_login(member)
    return client


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


def form_of(world: Any, bodies: tuple[str, ...], **fields: Any) -> dict[str, Any]:
    inputs = inputs_of(world, make_templates(*bodies))
    names = {"endpoint": "endpoint_id", "query_set": "query_set_id"}
    return {**inputs, **{field: inputs[name] for field, name in names.items()}, "key": "once", **fields}


def test_an_analysis_is_made_and_followed_to_its_figures(search_engine: Server, browser: Client) -> None:
    assert "No analyses yet" in text_of(browser.get(reverse("analyses")))
    form = form_of(make_search_evaluation(search_engine.url), (SAME, SHIRTS))
    assert "other 2 (v1)" in text_of(browser.get(reverse("analysis_create")))
    made = browser.post(reverse("analysis_create"), form)
    analysis = Analysis.objects.get()
    path = reverse("analysis", args=[analysis.pk])
    assert made["Location"] == path
    # A second click of the same form starts nothing.
    assert browser.post(reverse("analysis_create"), form)["Location"] == path
    page = text_of(browser.get(path))
    assert "data-live" in page
    assert "once both have ended" in page
    progress = reverse("analysis_progress", args=[analysis.pk])
    assert "0 of 4" in text_of(browser.get(progress, headers=HX))
    drain()
    assert browser.get(progress, headers=HX)["HX-Refresh"] == "true"
    page = text_of(browser.get(path))
    assert "data-live" not in page
    assert "4 of 4" in page
    for query in QUERIES:
        assert query in page
    baseline, other = EvaluationRun.objects.filter(name__in=("titles", "other 2")).order_by("analysis_run__position")
    assert f"/evaluations/runs/{baseline.pk}/compare/{other.pk}/queries/" in page
    assert "Completed" in text_of(browser.get(reverse("analyses")))


def test_a_form_that_can_t_be_used_keeps_what_was_typed(search_engine: Server, browser: Client) -> None:
    form = form_of(make_search_evaluation(search_engine.url), ('{"b": "{{brand}}"}',), name="Typed <b>")
    refused = browser.post(reverse("analysis_create"), form)
    assert refused.status_code == 400
    page = text_of(refused)
    assert "reads brand, which no query of queries has" in page
    assert "Typed &lt;b&gt;" in page
    form["query_template_ids"] = []
    assert browser.post(reverse("analysis_create"), form).status_code == 400
    assert not Analysis.objects.exists()


def test_a_query_without_an_answer_shows_none(search_engine: Server, browser: Client, member: User) -> None:
    analysis = analysed(search_engine.url, member, SAME, BROKEN)
    page = text_of(browser.get(reverse("analysis", args=[analysis.pk])))
    assert "no query was answered in both" in page
    assert page.count(">no answer</a>") == len(QUERIES)
    assert "Ask the rest again" in page
    run = analysis.runs.all()[2].run
    assert f"/evaluations/runs/{run.pk}/searches/" in page


def test_the_table_of_queries_renews_itself_alone(search_engine: Server, browser: Client, member: User) -> None:
    path = reverse("analysis", args=[analysed(search_engine.url, member, SHIRTS).pk])
    part = text_of(browser.get(path, {"search": "hat", "ordering": "query"}, headers=HX | {"HX-Target": "queries"}))
    assert "<html" not in part
    assert "green hat" in part
    assert "red shoes" not in part
    assert "No query has" in text_of(browser.get(path, {"search": "trousers"}))
    # What the address can't mean is taken as if it was not there.
    assert browser.get(path, {"k": "600", "ordering": "odd", "page": "x"}).status_code == 200
    exported = b"".join(browser.get(path, {"file_format": "csv"}).streaming_content)  # type: ignore[attr-defined]
    assert exported.count(b"\n") == 1 + len(QUERIES)


def test_an_analysis_is_stopped_asked_again_and_deleted(search_engine: Server, browser: Client, member: User) -> None:
    analysis = start_analysis(search_engine.url, member, SAME)
    act = {name: reverse(f"analysis_{name}", args=[analysis.pk]) for name in ("stop", "resume", "delete")}
    assert browser.post(act["delete"]).status_code == 409
    browser.post(act["stop"])
    browser.post(act["stop"])
    page = text_of(browser.get(reverse("analysis", args=[analysis.pk])))
    assert "Cancelled" in page
    assert "No run of the analysis is queued or running." in page
    browser.post(act["resume"])
    drain()
    assert set(EvaluationRun.objects.values_list("status", flat=True)) == {"completed"}
    assert browser.post(act["delete"])["Location"] == reverse("analyses")
    assert not EvaluationRun.objects.exists()


def test_the_page_takes_as_many_statements_however_many_queries(
    search_engine: Server, browser: Client, member: User, django_assert_max_num_queries: Any
) -> None:
    few = analysed(search_engine.url, member, SHIRTS, queries=("red", "blue"))
    many = analysed(search_engine.url, member, SHIRTS, queries=tuple(f"red {number}" for number in range(24)))
    fail_search(many.runs.all()[1].run, "red 3")
    with CaptureQueriesContext(connection) as first:
        browser.get(reverse("analysis", args=[few.pk]))
    with django_assert_max_num_queries(len(first)):
        assert "red 23" in text_of(browser.get(reverse("analysis", args=[many.pk])))
    with CaptureQueriesContext(connection) as two:
        browser.get(reverse("analyses"))
    for _ in range(3):
        make_analysis()
    with django_assert_max_num_queries(len(two)):
        browser.get(reverse("analyses"))


def test_raters_get_no_analysis(client: Client, rater: User) -> None:
    client.force_login(rater)
    paths = [reverse("analyses"), reverse("analysis_create"), reverse("analysis", args=[make_analysis().pk])]
    assert [client.get(path).status_code for path in paths] == [403] * 3
