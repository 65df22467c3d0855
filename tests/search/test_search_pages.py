"""Pages of query sets and query templates."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from judging.models import QueryTemplate, SearchQuerySet, User
from tests.factories import make_evaluation
from tests.search.setting_up import make_endpoint, make_query_set, make_template

HX = {"HX-Request": "true"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(member: User) -> Client:
    client = Client()
    client.force_login(member)
    return client


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


def test_empty_lists_say_what_to_do_next(browser: Client) -> None:
    assert "No query sets yet" in text_of(browser.get(reverse("query_sets")))
    assert "No templates yet" in text_of(browser.get(reverse("query_templates")))
    assert "Nothing is archived" in text_of(browser.get(reverse("query_sets"), {"archived": "yes"}))


def test_pasted_queries_become_a_set(browser: Client) -> None:
    made = browser.post(reverse("query_set_create"), {"name": "Pasted", "queries": "red shoes\r\n\r\nblue <b>\r\n"})
    query_set = SearchQuerySet.objects.get()
    assert made["Location"] == reverse("query_set", args=[query_set.pk])
    page = text_of(browser.get(made["Location"]))
    assert "red shoes" in page
    assert "blue &lt;b&gt;" in page
    assert "Pasted" in text_of(browser.get(reverse("query_sets")))


def test_what_was_pasted_stays_beside_what_is_wrong_with_it(browser: Client) -> None:
    refused = browser.post(reverse("query_set_create"), {"name": "Pasted", "queries": '{"query": "a"}\n{"q": 1}'})
    assert refused.status_code == 400
    assert "Line 2: the query object needs a text under" in text_of(refused)
    assert "{&quot;q&quot;: 1}" in text_of(refused)


def test_a_file_and_a_log_are_uploaded(browser: Client) -> None:
    path = reverse("query_set_create")
    file = SimpleUploadedFile("q.csv", b"query,shop\na,de\n")
    assert browser.post(f"{path}?from=file", {"name": "File", "file": file}).status_code == 302
    log = SimpleUploadedFile("l.csv", b"query,count\na,30\nb,2\nc,1\n")
    sample = {"name": "Log", "log": log, "method": "stratified", "size": 2, "seed": 1}
    made = browser.post(f"{path}?from=log", sample)
    page = text_of(browser.get(made["Location"]))
    assert "2 of 3 queries, seed 1" in page
    assert "Chance to be taken" in page


def test_a_set_is_searched_and_changed(browser: Client) -> None:
    query_set = make_query_set("red shoes", "blue shirt")
    path = reverse("query_set", args=[query_set.pk])
    found = text_of(browser.get(path, {"search": "BLUE"}))
    assert "blue shirt" in found
    assert "red shoes" not in found
    edit = reverse("query_set_edit", args=[query_set.pk])
    assert browser.get(edit).status_code == 200
    assert browser.post(edit, {"name": "New name", "queries": ""}).status_code == 302
    query_set.refresh_from_db()
    assert (query_set.name, query_set.query_count) == ("New name", 2)
    browser.post(edit, {"name": "New name", "queries": "one"})
    assert query_set.queries.get().body == "one"


def test_awkward_queries_are_one_button(browser: Client) -> None:
    made = browser.post(reverse("awkward_queries"))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text_of(browser.get(made["Location"]))


def test_what_is_in_use_is_archived_instead_of_deleted(browser: Client) -> None:
    query_set, template, endpoint = make_query_set(), make_template(), make_endpoint()
    make_evaluation(endpoint.corpus, endpoint=endpoint, query_set=query_set, query_template=template)
    for thing, name in ((query_set, "query_set"), (template, "query_template")):
        refused = browser.post(reverse(f"{name}_delete", args=[thing.pk]))
        assert refused.status_code == 409
        assert "archive it instead" in text_of(refused)
        browser.post(reverse(f"{name}_archive", args=[thing.pk]))
        thing.refresh_from_db()
        assert thing.archived_at
        browser.post(reverse(f"{name}_restore", args=[thing.pk]))
        thing.refresh_from_db()
        assert thing.archived_at is None


def test_unused_ones_are_deleted(browser: Client) -> None:
    query_set, template = make_query_set(), make_template()
    browser.post(reverse("query_set_delete", args=[query_set.pk]))
    browser.post(reverse("query_template_delete", args=[template.pk]))
    assert not SearchQuerySet.objects.exists()
    assert not QueryTemplate.objects.exists()


FIELDS = {"name": "All fields", "body": '{"q": "{{query}}"}', "content_type": "application/json"}


def test_the_editor_renders_the_first_five_queries_of_the_chosen_set(browser: Client) -> None:
    make_query_set(*(f"query {n}" for n in range(7)), name="A")
    other = make_query_set('the 27" <b>', name="B")
    page = text_of(browser.get(reverse("query_template_create")))
    assert page.count("&quot;query&quot;: &quot;query ") == 5
    values = {**FIELDS, "name": "", "act": "preview", "try_set": str(other.pk)}
    fragment = browser.post(reverse("query_template_create"), values, headers=HX)
    assert "<html" not in text_of(fragment)
    assert "{&quot;q&quot;: &quot;the 27\\&quot; &lt;b&gt;&quot;}" in text_of(fragment)
    assert not QueryTemplate.objects.exists()


def test_the_editor_tells_problems_by_query_and_of_the_template(browser: Client) -> None:
    query_set = make_query_set({"query": "a", "n": 1}, {"query": "b"})
    values = {**FIELDS, "body": '{"n": {{n}}, "x": "{{brand}}"}', "act": "preview", "try_set": str(query_set.pk)}
    found = text_of(browser.post(reverse("query_template_create"), values, headers=HX))
    assert "reads brand, which no query of Shop has" in found
    assert "#2" in found
    broken = browser.post(reverse("query_template_create"), {**values, "body": "{{#if}}"}, headers=HX)
    assert 'role="alert"' in text_of(broken)


def test_saving_makes_versions_that_are_compared(browser: Client) -> None:
    made = browser.post(reverse("query_template_create"), {**FIELDS, "headers": "X-Shop: de"})
    template = QueryTemplate.objects.get()
    assert (template.version, template.headers) == (1, {"X-Shop": "de"})
    path = made["Location"]
    changed = {**FIELDS, "body": '{"q": "{{query}}",\n "size": {{size}}}', "version": 1}
    assert browser.post(path, changed).status_code == 302
    stale = browser.post(path, {**changed, "body": "{}"})
    assert stale.status_code == 400
    assert "changed meanwhile" in text_of(stale)
    page = text_of(browser.get(reverse("query_template_versions", args=[template.pk])))
    assert "From v1 to v2" in page
    assert "X-Shop" in page
    assert "&quot;size&quot;: {{size}}}" in page


def test_a_template_that_can_t_be_used_keeps_what_was_typed(browser: Client) -> None:
    refused = browser.post(reverse("query_template_create"), {**FIELDS, "headers": "no colon", "body": "{{#if"})
    assert refused.status_code == 400
    assert "Name: value" in text_of(refused)
    assert "{{#if</textarea>" in text_of(refused)


def test_raters_get_none_of_it(rater: User) -> None:
    client = Client()
    client.force_login(rater)
    for name in ("query_sets", "query_templates", "query_set_create", "query_template_create"):
        assert client.get(reverse(name)).status_code == 403
    assert "/search/" not in text_of(client.get(reverse("home")))
