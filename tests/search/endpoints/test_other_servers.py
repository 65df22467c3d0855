"""An endpoint made by clicking against two search servers that nobody here wrote: Groonga, and Datasette over FTS5."""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from judging.engines.awkward_queries import AWKWARD_QUERIES
from judging.models import Corpus, SearchEndpoint
from tests.search.other_servers import OtherServer, datasette, groonga, serving

TITLES = ("Red running shoes", "Blue shirt", "Red rain coat", "Running socks", "Shoes for children")
pytestmark = pytest.mark.slow(seconds=6)


@pytest.fixture(params=[groonga, datasette])
def search_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OtherServer]:
    documents = [(str(number), title, "") for number, title in enumerate(TITLES, start=1)]
    with serving(request.param, tmp_path, documents) as server:
        yield server


def test_a_proposed_mapping_makes_an_endpoint_of_it(search_server: OtherServer, as_member: APIClient) -> None:
    query_string = search_server.title_only
    corpus = Corpus.objects.create(name="Products")
    browser = Client()
    browser.force_login(as_member.user, backend="django.contrib.auth.backends.ModelBackend")  # type: ignore[attr-defined]
    form = {
        "type": "api",
        "name": "Shop",
        "corpus_id": corpus.pk,
        "url": search_server.url,
        "method": "GET",
        "tls_verify": "on",
        "candidates_mapping": "{total: total, candidates: results[].{id: id, title: title}}",
        "paging_type": "none",
        "authentication_type": "none",
        "queries": "shoes",
        "query_string": query_string,
    }
    page = browser.post(reverse("search_endpoint_create"), {**form, "act": "ask"}, headers={"HX-Request": "true"})
    proposal = re.search(r'data-mapping="([^"]+)"', page.content.decode())
    assert proposal is not None, page.content.decode()
    form["candidates_mapping"] = html.unescape(proposal[1])
    assert browser.post(reverse("search_endpoint_create"), form).status_code == 302
    endpoint = SearchEndpoint.objects.get()
    told = _ask(as_member, endpoint, query_string, "shoes")
    assert sorted(row["title"] for row in told["candidates"]) == ["Red running shoes", "Shoes for children"]
    assert told["total"] == 2
    assert told["problems"] == []
    # Whatever people type arrives: the engine may refuse its own operators, but never by a broken request.
    for query in AWKWARD_QUERIES:
        # NUL characters are refused in every body that the API takes.
        told = _ask(as_member, endpoint, query_string, query.replace("\0", ""))
        assert told["failure_code"] in ("", "http_status"), (query[:50], told["problems"])


def _ask(client: APIClient, endpoint: SearchEndpoint, query_string: str, query: str) -> dict[str, Any]:
    asked = {"query": query, "query_string": query_string, "depth": 5}
    answer = client.post(f"/api/v1/endpoints/{endpoint.pk}/test?view=mapped", asked, format="json")
    assert answer.status_code == 200, answer.content
    return dict(answer.json())
