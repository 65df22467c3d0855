"""What an endpoint of each type starts from: mapping, paging, method, and a template to change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Preset:
    """`body` and `query_string` are an example of a template, over queries that are plain texts."""

    title: str
    candidates_mapping: str
    paging: Mapping[str, Any]
    method: str
    body: str = ""
    query_string: str = ""
    content_type: str = "application/json"
    url_hint: str = ""


_HITS = """{
  total: hits.total.value || hits.total,
  candidates: hits.hits[].{id: _id, title: _source.title || _id, score: _score, fields: _source}
}"""
_SOLR = """{
  total: response.numFound,
  candidates: response.docs[].{id: id, title: title[0] || title || id, score: score, fields: @}
}"""
# Vespa leaves out children when nothing matches: an empty list only where it says that it searched.
_VESPA = """{
  total: root.fields.totalCount,
  candidates: root.children[].{
    id: fields.documentid || id, title: fields.title || id, score: relevance, fields: fields
  } || (!(root.errors) && type(root.fields.totalCount) == 'number' && `[]`)
}"""
_ALGOLIA = """{
  total: nbHits,
  candidates: hits[].{id: objectID, title: title || name || objectID, fields: @}
}"""
_TYPESENSE = """{
  total: found,
  candidates: hits[].{
    id: document.id, title: document.title || document.name || document.id, score: text_match, fields: document
  }
}"""
# Without to_string(): of a missing id it would make the text "null". Numbers become texts all the same.
_MEILISEARCH = """{
  total: estimatedTotalHits || totalHits,
  candidates: hits[].{id: id, title: title || name, score: _rankingScore, fields: @}
}"""
_API = """{
  total: total,
  candidates: results[].{id: id, title: title, score: score, fields: @}
}"""

_ELASTICSEARCH_BODY = """{
  "query": {"multi_match": {"query": "{{query}}", "fields": ["title^3", "description"]}},
  "size": {{size}}
}"""

PRESETS: Mapping[str, Preset] = {
    "elasticsearch": Preset(
        "Elasticsearch",
        _HITS,
        {"type": "offset", "size": "size", "offset": "from", "page_size": 1000},
        "POST",
        body=_ELASTICSEARCH_BODY,
        url_hint="https://search.example.com:9200/INDEX/_search",
    ),
    "opensearch": Preset(
        "OpenSearch",
        _HITS,
        {"type": "offset", "size": "size", "offset": "from", "page_size": 1000},
        "POST",
        body=_ELASTICSEARCH_BODY,
        url_hint="https://search.example.com:9200/INDEX/_search",
    ),
    "solr": Preset(
        "Solr",
        _SOLR,
        {"type": "offset", "size": "rows", "offset": "start", "page_size": 1000},
        "GET",
        query_string="q={{query}}&defType=edismax&qf=title^3 description&fl=*,score&rows={{size}}&wt=json",
        url_hint="https://search.example.com:8983/solr/COLLECTION/select",
    ),
    "vespa": Preset(
        "Vespa",
        _VESPA,
        {"type": "offset", "size": "hits", "offset": "offset", "page_size": 400},
        "POST",
        body="""{
  "yql": "select * from sources * where userQuery()",
  "query": "{{query}}",
  "hits": {{size}}
}""",
        url_hint="https://search.example.com:8080/search/",
    ),
    "algolia": Preset(
        "Algolia",
        _ALGOLIA,
        {"type": "page", "size": "hitsPerPage", "page": "page", "first_page": 0, "page_size": 1000},
        "POST",
        body="""{"query": "{{query}}", "hitsPerPage": {{size}}}""",
        url_hint="https://APPLICATION-dsn.algolia.net/1/indexes/INDEX/query",
    ),
    "typesense": Preset(
        "Typesense",
        _TYPESENSE,
        {"type": "page", "size": "per_page", "page": "page", "first_page": 1, "page_size": 250},
        "GET",
        query_string="q={{query}}&query_by=title,description&per_page={{size}}",
        url_hint="https://search.example.com:8108/collections/COLLECTION/documents/search",
    ),
    "meilisearch": Preset(
        "Meilisearch",
        _MEILISEARCH,
        {"type": "offset", "size": "limit", "offset": "offset", "page_size": 1000},
        "POST",
        body="""{"q": "{{query}}", "limit": {{size}}, "showRankingScore": true}""",
        url_hint="https://search.example.com:7700/indexes/INDEX/search",
    ),
    "api": Preset(
        "Any HTTP API",
        _API,
        {"type": "none"},
        "GET",
        query_string="q={{query}}&size={{size}}",
        url_hint="https://search.example.com/search",
    ),
}
