"""The page of the query lab, against the demo's engine."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from judging.demo_search.server import Server
from judging.models import QuerySource, QueryTemplate, SearchEndpoint, SearchQuerySet, User
from tests.factories import make_evaluation, make_run
from tests.search.lab.asking import BROAD, NARROW, make_engine_endpoint
from tests.search.runs.conftest import search_engine
from tests.search.setting_up import make_query_set, make_template
from tests.trust.graded import give_grades

__all__ = ["search_engine"]
HTMX = {"HX-Request": "true"}
URL = "/search/lab"
pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(member: User) -> Client:
    client = Client()
    client.force_login(member)
    return client


@pytest.fixture
def endpoint(search_engine: Server) -> SearchEndpoint:
    return make_engine_endpoint(search_engine)


def typed(*sides: dict[str, Any], query: str = "red shirt", **more: Any) -> dict[str, Any]:
    """Return the form of the lab as a browser sends it."""
    values = {"query": query, "properties": "", "query_set": "", **more}
    blank = {"endpoint": "", "template": "", "depth": 5, "shown": "", "version": "", "name": ""}
    blank |= {"body": "", "query_string": "", "content_type": "", "headers": ""}
    for letter, side in zip("abcd", sides, strict=False):
        values |= {f"{letter}-{name}": value for name, value in {**blank, **side}.items()}
    return values


def written(endpoint: SearchEndpoint, body: str = NARROW, **more: Any) -> dict[str, Any]:
    return {"endpoint": endpoint.pk, "body": body, **more}


def chosen(endpoint: SearchEndpoint, template: QueryTemplate, **more: Any) -> dict[str, Any]:
    """Return a side that shows a stored template."""
    shown = {"template": template.pk, "shown": template.pk, "version": template.version, "body": template.body}
    return {"endpoint": endpoint.pk, **shown, **more}


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


def test_lists_stand_beside_each_other_with_grades_and_marks(browser: Client, endpoint: SearchEndpoint) -> None:
    run = make_run({"red shirt": ["red-shirt-0", "red-shirt-1"]}, evaluation=make_evaluation(endpoint.corpus))
    give_grades(run, ai=[[None, 3]], raters={"<b>Ann</b>": [[2, None]]})
    asked = browser.post(URL, typed(written(endpoint), written(endpoint, BROAD, depth=8)), headers=HTMX)
    page = text_of(asked)
    assert "<html" not in page
    assert len(re.findall(r"<li class=\"lab-entry\"", page)) == 13
    assert "&lt;b&gt;Ann&lt;/b&gt;" in page
    assert "Judge v1" in page
    assert "Only here" in page
    assert "↓ from 1" in page
    assert "RBO <b>0." in page


def test_the_address_holds_the_query_and_the_sides_and_opens_them(browser: Client, endpoint: SearchEndpoint) -> None:
    template = make_template(NARROW)
    form = typed(chosen(endpoint, template, depth=7), written(endpoint), query='27" <x>', properties='{"shop": "de"}')
    address = browser.post(URL, form, headers=HTMX)["HX-Replace-Url"]
    held = parse_qs(urlsplit(address).query)
    assert held["query"] == ['27" <x>']
    assert (held["a-endpoint"], held["a-template"], held["a-depth"]) == ([str(endpoint.pk)], [str(template.pk)], ["7"])
    assert sorted(held) == ["a-depth", "a-endpoint", "a-template", "b-depth", "b-endpoint", "properties", "query"]
    opened = text_of(browser.get(address))
    assert 'value="27&quot; &lt;x&gt;"' in opened
    assert f'<option value="{template.pk}" selected>' in opened
    assert "Nothing asked yet" in opened


def test_opening_an_address_asks_no_engine(browser: Client, endpoint: SearchEndpoint, search_engine: Server) -> None:
    browser.get(URL, {"query": "red", "a-endpoint": str(endpoint.pk)})
    assert not search_engine.requests


def test_the_lab_begins_with_an_endpoint_and_what_its_type_takes(browser: Client, endpoint: SearchEndpoint) -> None:
    page = text_of(browser.get(URL))
    assert page.count(f'<option value="{endpoint.pk}" selected>') == 2
    assert "multi_match" in page


def test_an_address_that_names_nothing_known_opens_all_the_same(browser: Client) -> None:
    for parameters in (
        {"a-endpoint": "x", "a-template": "y", "a-depth": "z"},
        {"a-template": "9" * 32},
        {"query": "\0"},
    ):
        assert browser.get(URL, parameters).status_code == 200


def test_a_failure_shows_beside_the_other_side_s_list(browser: Client, endpoint: SearchEndpoint) -> None:
    unfit = written(endpoint, '{"query": {{query}}}')
    page = text_of(browser.post(URL, typed(unfit, written(endpoint)), headers=HTMX))
    assert "The template makes no request" in page
    assert "red-shirt-0" in page


def test_what_is_wrong_in_the_form_is_told_by_side(browser: Client, search_engine: Server) -> None:
    page = text_of(browser.post(URL, typed({"depth": 500}, query="", properties="[1]"), headers=HTMX))
    for told in ("Query: This field is required.", "A, Endpoint:", "A, Depth:", "Other properties: An object is"):
        assert told in page
    assert not search_engine.requests


def test_a_query_with_properties_is_asked_as_an_object(
    browser: Client, endpoint: SearchEndpoint, search_engine: Server
) -> None:
    form = typed(written(endpoint, NARROW.replace("query}}", "colour}} {{query}}")), properties='{"colour": "red"}')
    browser.post(URL, form)
    assert b'"red red shirt"' in search_engine.requests[0].body


def test_a_chosen_template_s_text_is_drawn_and_what_is_edited_is_asked(
    browser: Client, endpoint: SearchEndpoint, search_engine: Server
) -> None:
    template = make_template(NARROW)
    form = typed({"endpoint": endpoint.pk, "template": template.pk, "body": "old"}, act="load-a")
    page = text_of(browser.post(URL, form, headers=HTMX))
    assert "&quot;match&quot;: {&quot;title&quot;" in page
    assert "Save as a version of Title only" in page
    asked = browser.post(URL, typed(chosen(endpoint, template, body=BROAD)), headers=HTMX)
    assert b"match_all" in search_engine.requests[0].body
    assert "Title only, edited" in text_of(asked)


def test_sides_are_added_up_to_four_and_removed(browser: Client, endpoint: SearchEndpoint) -> None:
    three = [written(endpoint, depth=depth) for depth in (3, 4, 6)]
    page = text_of(browser.post(URL, typed(*three, act="add"), headers=HTMX))
    assert "Side D" in page
    assert "Add a side" not in page
    page = text_of(browser.post(URL, typed(*three, act="remove-a"), headers=HTMX))
    assert re.findall(r'name="[ab]-depth" value="(\d)"', page) == ["4", "6"]
    assert "Side C" not in page


def test_what_is_written_is_saved_as_a_template_and_as_a_version(browser: Client, endpoint: SearchEndpoint) -> None:
    side = written(endpoint, BROAD, headers="X-Shop: de")
    nameless = text_of(browser.post(URL, typed(side, act="save-a"), headers=HTMX))
    assert "This field cannot be blank." in nameless
    saved = browser.post(URL, typed({**side, "name": "All"}, act="save-a"), headers=HTMX)
    template = QueryTemplate.objects.get()
    assert (template.name, template.body, template.headers) == ("All", BROAD, {"X-Shop": "de"})
    assert f"a-template={template.pk}" in saved["HX-Replace-Url"]
    browser.post(URL, typed(chosen(endpoint, template, body=NARROW), act="version-a"))
    template.refresh_from_db()
    assert (template.version, template.body) == (2, NARROW)
    stale = browser.post(URL, typed(chosen(endpoint, template, version=1, body=BROAD), act="version-a"), headers=HTMX)
    assert "was changed meanwhile" in text_of(stale)
    template.refresh_from_db()
    assert template.version == 2


def test_the_query_is_added_to_a_set(browser: Client, endpoint: SearchEndpoint) -> None:
    query_set = make_query_set("red shoes")
    form = typed(written(endpoint), act="keep")
    assert browser.post(URL, {**form, "query_set": query_set.pk}, headers=HTMX)["HX-Reswap"] == "none"
    assert [row.body for row in query_set.queries.order_by("position")] == ["red shoes", "red shirt"]
    assert browser.post(URL, form, headers=HTMX).status_code == 400
    # Twice the same is none more.
    assert browser.post(URL, {**form, "query_set": query_set.pk}, headers=HTMX).status_code == 400
    assert query_set.queries.count() == 2


def test_a_sample_takes_no_query_of_the_lab(browser: Client, endpoint: SearchEndpoint) -> None:
    query_set = make_query_set("red shoes")
    SearchQuerySet.objects.update(source=QuerySource.SAMPLE)
    assert browser.post(URL, typed(written(endpoint), act="keep", query_set=query_set.pk)).status_code == 400
    assert query_set.queries.count() == 1


def test_pages_of_endpoint_template_and_set_lead_to_the_lab(browser: Client, endpoint: SearchEndpoint) -> None:
    template, query_set = make_template(NARROW), make_query_set({"query": "a&b", "shop": "de"})
    for name, thing, link in (
        ("search_endpoint", endpoint, f"{URL}?a-endpoint={endpoint.pk}"),
        ("query_template", template, f"{URL}?a-template={template.pk}"),
        ("query_set", query_set, f"{URL}?query=a%26b&amp;properties=%7B%22shop%22%3A%22de%22%7D"),
    ):
        assert link in text_of(browser.get(reverse(name, args=[thing.pk])))


def test_raters_have_no_lab(rater: User, endpoint: SearchEndpoint, search_engine: Server) -> None:
    client = Client()
    client.force_login(rater)
    assert client.get(URL).status_code == 403
    assert client.post(URL, typed(written(endpoint))).status_code == 403
    assert not search_engine.requests
