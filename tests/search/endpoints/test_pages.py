"""The pages of search endpoints, and the bench against a scripted engine."""

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from judging.models import Corpus, SearchEndpoint, User
from judging.web.search.remedies import SEARCH_REMEDIES
from tests.engines.scripted_engine import ScriptedEngine, hits
from tests.search.endpoints.making import TOKEN, make_endpoint
from tests.stub.script import Answer

HTMX = {"HX-Request": "true"}


@pytest.fixture
def browser(member: User) -> Client:
    client = Client()
    client.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    return client


def typed(**fields: Any) -> dict[str, Any]:
    """Return the form of a new endpoint as a browser sends it."""
    page = {
        "type": "api",
        "name": "Shop",
        "method": "GET",
        "tls_verify": "on",
        "candidates_mapping": "{total: total, candidates: results[].{id: id, title: title}}",
        "paging_type": "none",
        "authentication_type": "none",
        "queries": "red shoes",
        "query_string": "q={{query}}",
    }
    return page | {name: value for name, value in fields.items() if value is not None}


def test_an_endpoint_is_made_on_the_page_and_its_token_is_never_drawn(browser: Client) -> None:
    corpus = Corpus.objects.create(name="Products")
    form = typed(
        corpus_id=corpus.pk,
        url="http://127.0.0.1:9/search",
        authentication_type="bearer",
        token=TOKEN,
        headers="X-Shop: eu",
        paging_type="offset",
        paging_size="n",
        paging_offset="from",
        requests_per_minute="60",
    )
    saved = browser.post(reverse("search_endpoint_create"), form, follow=True)
    endpoint = SearchEndpoint.objects.get()
    assert (endpoint.headers, endpoint.requests_per_minute) == ({"X-Shop": "eu"}, 60)
    assert endpoint.paging == {"type": "offset", "size": "n", "offset": "from"}
    assert endpoint.authentication() == {"type": "bearer", "token": TOKEN}
    assert TOKEN not in saved.content.decode()
    assert "Keep what is stored (bearer token)" in saved.content.decode()


def test_saving_again_keeps_the_credentials(browser: Client, member: User) -> None:
    endpoint = make_endpoint(member)
    form = typed(corpus_id=endpoint.corpus_id, url=endpoint.url, authentication_type="keep", name="Renamed")
    browser.post(reverse("search_endpoint", args=[endpoint.pk]), form)
    endpoint.refresh_from_db()
    assert (endpoint.name, endpoint.authentication()["token"]) == ("Renamed", TOKEN)


def test_a_refused_form_says_where_and_shows_no_secret(browser: Client) -> None:
    corpus = Corpus.objects.create(name="Products")
    form = typed(corpus_id=corpus.pk, url="http://169.254.169.254/", authentication_type="bearer", token=TOKEN)
    answer = browser.post(reverse("search_endpoint_create"), form)
    assert answer.status_code == 400
    assert "metadata services can&#x27;t be used" in answer.content.decode()
    assert TOKEN not in answer.content.decode()


def test_a_type_brings_its_mapping_paging_and_template(browser: Client) -> None:
    form = typed(act="preset", type="meilisearch", url="http://127.0.0.1:9/")
    page = browser.post(reverse("search_endpoint_create"), form, headers=HTMX).content.decode()
    assert '<option value="meilisearch" selected>' in page
    assert "estimatedTotalHits" in page
    assert 'value="limit"' in page
    assert "showRankingScore" in page
    assert 'value="http://127.0.0.1:9/"' in page


def test_an_unfit_answer_comes_with_proposals_that_read_it(browser: Client, engine: ScriptedEngine) -> None:
    rows = [{"sku": f"a{number}", "name": f"Shoe <i>{number}</i>"} for number in range(3)]
    engine.answers(Answer(body=json.dumps({"meta": {"count": 71}, "items": rows}).encode()))
    form = typed(act="ask", url=engine.url)
    page = browser.post(reverse("search_endpoint_create"), form, headers=HTMX).content.decode()
    assert "The mapping does not fit" in page
    assert "Shoe &lt;i&gt;0&lt;/i&gt;" in page
    assert "<i>0</i>" not in page
    proposal = re.search(r'data-mapping="([^"]+)"', page)
    assert proposal is not None
    sample = json.dumps({"meta": {"count": 71}, "items": rows})
    reread = typed(act="read", candidates_mapping=proposal[1], sample=sample, sample_query="red shoes")
    page = browser.post(reverse("search_endpoint_create"), reread, headers=HTMX).content.decode()
    assert "3 candidates" in " ".join(page.split())
    assert len(engine.received) == 1, "a changed mapping asked the engine again"
    assert not SearchEndpoint.objects.exists()


def test_the_bench_tells_null_empty_repeated_and_numeric_ids_apart(browser: Client, engine: ScriptedEngine) -> None:
    rows = [{"id": key, "title": "x"} for key in (7, None, "", 7, "b")]
    engine.answers(Answer(body=json.dumps({"results": rows}).encode()))
    page = browser.post(reverse("search_endpoint_create"), typed(act="ask", url=engine.url), headers=HTMX)
    kinds = re.findall(r'class="id-kind">(\w+)<', page.content.decode())
    assert kinds == ["number", "null", "empty", "repeated"]


def test_no_results_is_no_failure(browser: Client, engine: ScriptedEngine) -> None:
    engine.answers(hits())
    page = browser.post(reverse("search_endpoint_create"), typed(act="ask", url=engine.url), headers=HTMX)
    assert "A true empty list" in page.content.decode()


def test_five_queries_are_asked_at_once_and_no_more(browser: Client, engine: ScriptedEngine) -> None:
    engine.answers(hits("d1"))
    form = typed(act="ask", url=engine.url, queries="a\nb\n\nc\nd\ne")
    page = browser.post(reverse("search_endpoint_create"), form, headers=HTMX).content.decode()
    assert sorted(received.query_string for received in engine.received) == ["q=a", "q=b", "q=c", "q=d", "q=e"]
    assert re.findall(r'bench-result" aria-label="(.)"', page) == ["a", "b", "c", "d", "e"]
    assert page.count('class="card bench-result"') == 5
    form["queries"] += "\nf"
    page = browser.post(reverse("search_endpoint_create"), form, headers=HTMX).content.decode()
    assert "at most 5 queries" in page
    assert len(engine.received) == 5


@pytest.mark.parametrize("code", sorted(SEARCH_REMEDIES))
def test_every_failure_has_its_own_remedy(code: str) -> None:
    remedy = SEARCH_REMEDIES[code]
    assert remedy.title
    assert remedy.text.endswith(".")


def test_unverified_tls_is_told_in_the_list_and_on_the_endpoint(browser: Client, member: User) -> None:
    endpoint = make_endpoint(member, "https://search.example.com/", tls_verify=False)
    for address in (reverse("search_endpoints"), reverse("search_endpoint", args=[endpoint.pk])):
        assert "TLS not verified" in browser.get(address).content.decode()


def test_archived_endpoints_are_listed_apart(browser: Client, member: User) -> None:
    endpoint = make_endpoint(member)
    browser.post(reverse("archive_search_endpoint", args=[endpoint.pk]))
    assert endpoint.url not in browser.get(reverse("search_endpoints")).content.decode()
    assert endpoint.url in browser.get(reverse("search_endpoints"), {"archived": "yes"}).content.decode()
    browser.post(reverse("restore_search_endpoint", args=[endpoint.pk]))
    assert endpoint.url in browser.get(reverse("search_endpoints")).content.decode()


def test_an_endpoint_is_deleted_on_its_page(browser: Client, member: User) -> None:
    endpoint = make_endpoint(member)
    answer = browser.post(reverse("delete_search_endpoint", args=[endpoint.pk]), follow=True)
    assert "Products is deleted." in answer.content.decode()
    assert not SearchEndpoint.objects.exists()


def test_a_first_endpoint_brings_its_corpus(browser: Client) -> None:
    refused = browser.post(reverse("search_endpoint_create"), typed(url="nowhere"))
    assert refused.status_code == 400
    assert not Corpus.objects.exists()
    browser.post(reverse("search_endpoint_create"), typed(url="http://127.0.0.1:9/search"))
    assert SearchEndpoint.objects.get().corpus.name == "Shop"
