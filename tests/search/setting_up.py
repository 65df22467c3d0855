"""Short ways to what searches are made from."""

from typing import Any

from judging.models import Corpus, QueryTemplate, SearchEndpoint, SearchQuerySet
from judging.records.roles import SYSTEM
from judging.search.query_sets.sets import create_query_set
from judging.search.query_templates.templates import save_query_template


def make_query_set(*queries: Any, name: str = "Shop") -> SearchQuerySet:
    return create_query_set(actor=SYSTEM, name=name, queries=list(queries or ["red shoes", "blue shirt"]))


def make_template(body: str = '{"q": "{{query}}"}', **fields: Any) -> QueryTemplate:
    return save_query_template(actor=SYSTEM, fields={"name": "Title only", "body": body, **fields})


def make_endpoint(corpus: Corpus | None = None, **fields: Any) -> SearchEndpoint:
    corpus = corpus or Corpus.objects.create(name="Catalogue")
    settings = {"name": "Engine", "type": "api", "url": "http://127.0.0.1:9/search", "candidates_mapping": "hits"}
    return SearchEndpoint.objects.create(corpus=corpus, **{**settings, **fields})
