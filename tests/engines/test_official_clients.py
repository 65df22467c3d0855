"""What our presets send is what the engines' own clients send for the same search: path, headers and body."""

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from judging.engines.configuration import TemplateText
from judging.engines.presets import PRESETS
from judging.engines.signing import Signer, Unsigned
from tests.engines.asking_calls import answer_of, config
from tests.engines.scripted_engine import Received, ScriptedEngine
from tests.lazily import Lazily
from tests.stub.script import Answer

pytestmark = pytest.mark.seldom

elasticsearch, opensearchpy, pysolr = Lazily("elasticsearch"), Lazily("opensearchpy"), Lazily("pysolr")
algolia, algolia_hosts = Lazily("algoliasearch.search.client"), Lazily("algoliasearch.http.hosts")

QUERY = 'levi\'s "501" größe & co \\ 👟'
AWS: dict[str, Any] = {
    "type": "aws",
    "access_key": "AKIDEXAMPLE",
    "access_secret": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "aws_region": "eu-central-1",
    "service": "es",
}
EMPTY_HITS = {"took": 1, "timed_out": False, "hits": {"total": {"value": 0, "relation": "eq"}, "hits": []}}


def ours(engine: ScriptedEngine, kind: Any, path: str, **settings: Any) -> Received:
    """Return what the preset of an engine sends."""
    preset = PRESETS[kind]
    answer_of(
        config(
            f"{engine.url}{path}",
            method=preset.method,
            candidates_mapping=preset.candidates_mapping,
            paging=preset.paging,
            **settings,
        ),
        template=TemplateText(preset.body, preset.query_string, preset.content_type, {}),
        query=QUERY,
        depth=20,
    )
    return engine.received[-1]


def answer_with(engine: ScriptedEngine, body: dict[str, Any], **headers: str) -> None:
    engine.answers(Answer(body=json.dumps(body).encode(), headers=tuple(headers.items())))


SEARCH: dict[str, Any] = {"query": {"multi_match": {"query": QUERY, "fields": ["title^3", "description"]}}, "size": 20}


def test_elasticsearch_is_asked_as_by_its_client(engine: ScriptedEngine) -> None:
    answer_with(engine, EMPTY_HITS, **{"x-elastic-product": "Elasticsearch"})
    with elasticsearch.Elasticsearch(engine.url, basic_auth=("elastic", "ge:heim")) as client:
        client.search(index="shop", **SEARCH)
    theirs = engine.received[-1]

    sent = ours(
        engine,
        "elasticsearch",
        "/shop/_search",
        authentication={"type": "basic", "username": "elastic", "password": "ge:heim"},
    )

    assert (sent.method, sent.target, sent.json) == (theirs.method, theirs.target, theirs.json)
    assert sent.headers["authorization"] == theirs.headers["authorization"]
    # The client asks for the compatible form of a major version, which is JSON as well.
    assert theirs.headers["content-type"].startswith("application/vnd.elasticsearch+json")
    assert sent.headers["content-type"] == "application/json"


def test_elasticsearch_gets_an_api_key_as_from_its_client(engine: ScriptedEngine) -> None:
    answer_with(engine, EMPTY_HITS, **{"x-elastic-product": "Elasticsearch"})
    with elasticsearch.Elasticsearch(engine.url, api_key="a2V5OmdlaGVpbQ==") as client:
        client.search(index="shop", **SEARCH)
    theirs = engine.received[-1]

    api_key = {"type": "api_key", "name": "Authorization", "value": "ApiKey a2V5OmdlaGVpbQ=="}
    sent = ours(engine, "elasticsearch", "/shop/_search", authentication=api_key)

    assert sent.headers["authorization"] == theirs.headers["authorization"]


def test_opensearch_is_asked_as_by_its_client(engine: ScriptedEngine) -> None:
    answer_with(engine, EMPTY_HITS)
    client = opensearchpy.OpenSearch(engine.url, http_auth=("admin", "ge:heim"))
    client.search(index="shop", body=SEARCH)
    client.close()
    theirs = engine.received[-1]

    basic = {"type": "basic", "username": "admin", "password": "ge:heim"}
    sent = ours(engine, "opensearch", "/shop/_search", authentication=basic)

    assert (sent.method, sent.target, sent.json) == (theirs.method, theirs.target, theirs.json)
    for name in ("authorization", "content-type"):
        assert sent.headers[name] == theirs.headers[name]


def test_solr_is_asked_as_by_its_client(engine: ScriptedEngine) -> None:
    answer_with(engine, {"response": {"numFound": 0, "start": 0, "docs": []}})
    client = pysolr.Solr(f"{engine.url}/solr/shop")
    client.search(QUERY, defType="edismax", qf="title^3 description", fl="*,score", rows=20)
    theirs = engine.received[-1]

    sent = ours(engine, "solr", "/solr/shop/select")

    assert (sent.method, sent.body) == (theirs.method, theirs.body) == ("GET", b"")
    assert sent.path == theirs.path.replace("/select/", "/select")
    assert parse_qs(sent.query_string) == parse_qs(theirs.query_string)


def test_algolia_is_asked_as_by_its_client(engine: ScriptedEngine) -> None:
    answer_with(engine, {"hits": [], "nbHits": 0, "query": "", "params": "", "processingTimeMS": 1})
    settings = Lazily("algoliasearch.search.config").SearchConfig("APPLICATION", "ge-heim")
    settings.hosts = algolia_hosts.HostsCollection(
        [algolia_hosts.Host("127.0.0.1", scheme="http", port=int(engine.url.rsplit(":", 1)[1]))]
    )
    client = algolia.SearchClientSync(config=settings)
    client.search_single_index("shop", {"query": QUERY, "hitsPerPage": 20})
    theirs = engine.received[-1]

    keys = {"X-Algolia-Application-Id": "APPLICATION", "X-Algolia-API-Key": "ge-heim"}
    sent = ours(engine, "algolia", "/1/indexes/shop/query", authentication={"type": "headers", "headers": keys})

    assert (sent.method, sent.target, sent.json) == (theirs.method, theirs.target, theirs.json)
    for name in ("x-algolia-application-id", "x-algolia-api-key", "content-type"):
        assert sent.headers[name] == theirs.headers[name]


@pytest.mark.parametrize("service", ["es", "aoss"])
@pytest.mark.parametrize("session_token", [None, "token/of+session="])
@pytest.mark.parametrize("query_string", ["", "?routing=a%2Cb&z=1&a=%C3%BC"])
def test_aws_signatures_are_those_of_the_opensearch_client(
    service: str, session_token: str | None, query_string: str
) -> None:
    body = json.dumps(SEARCH, ensure_ascii=False).encode()
    # Each gets the query string in its own spelling: before they sign it, both write it as AWS does.
    raw = query_string.replace("%2C", ",")
    url = f"https://search-shop.eu-central-1.{service}.amazonaws.com/shop/_search"
    authentication = {**AWS, "service": service} | ({"session_token": session_token} if session_token else {})

    async def sign() -> Unsigned:
        signer = Signer(authentication)
        return await signer.sign(Unsigned("POST", url + raw, {"Content-Type": "application/json"}, body))

    keys = AWS["access_key"], AWS["access_secret"]
    credentials = Lazily("botocore.credentials").Credentials(*keys, session_token)
    signer = opensearchpy.RequestsAWSV4SignerAuth(credentials, AWS["aws_region"], service).signer
    # A signature holds the second it was made in, and a second may end between the two.
    for _ in range(10):
        sent = asyncio.run(sign()).headers
        theirs = signer.sign("POST", url + query_string, body, {"Content-Type": "application/json"})
        if sent["X-Amz-Date"] == theirs["X-Amz-Date"]:
            break

    for name in ("X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-SHA256"):
        assert sent.get(name) == theirs.get(name)
    assert sent["Authorization"] == theirs["Authorization"]
