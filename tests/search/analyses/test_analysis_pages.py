"""The pages of analyses."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from judging.demo_search.server import Server
from judging.models import Analysis, EvaluationRun, User
from tests.draining import drain
from tests.search.analyses.analysing import SAME, SHIRTS, inputs_of, make_templates, start_analysis
from tests.search.runs.searching import QUERIES, make_search_evaluation

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
    assert set(EvaluationRun.objects.values_list("status", flat=True)) == {"queued"}
    browser.post(act["stop"])
    assert browser.post(act["delete"])["Location"] == reverse("analyses")
    assert not EvaluationRun.objects.exists()
