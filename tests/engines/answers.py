"""Answers in the shapes that the public specifications of search engines give, each with the two documents b-2 and a-1.

(Vespa's ids are long; Meilisearch's are numbers.)
"""

from typing import Any

SOURCES: list[dict[str, Any]] = [
    {"title": "Red shoes", "description": "to run in", "price": 10.5},
    {"title": "Blue shoes", "description": "to walk in", "price": 8},
]


def elasticsearch(total: Any) -> dict[str, Any]:
    """Elasticsearch 6 counts in a number, 7 and later in an object; 7 still names a type."""
    hits = [
        {"_index": "shop", "_id": key, "_score": score, "_source": source}
        for key, score, source in zip(("b-2", "a-1"), (3.5, 1.25), SOURCES, strict=True)
    ]
    return {
        "took": 3,
        "timed_out": False,
        "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
        "hits": {"total": total, "max_score": 3.5, "hits": hits},
    }


def _seven() -> dict[str, Any]:
    answer = elasticsearch({"value": 41, "relation": "eq"})
    for hit in answer["hits"]["hits"]:
        hit["_type"] = "_doc"
    return answer


_OBJECT_TOTAL = {"value": 41, "relation": "eq"}
_VESPA_HITS = [
    {
        "id": f"id:shop:product::{key}",
        "relevance": score,
        "source": "shop",
        "fields": {"sddocname": "product", "documentid": f"id:shop:product::{key}", **source},
    }
    for key, score, source in zip(("b-2", "a-1"), (0.8, 0.25), SOURCES, strict=True)
]

ANSWERS: list[tuple[str, str, dict[str, Any]]] = [
    ("Elasticsearch 6", "elasticsearch", elasticsearch(41)),
    ("Elasticsearch 7", "elasticsearch", _seven()),
    ("Elasticsearch 8", "elasticsearch", elasticsearch(_OBJECT_TOTAL)),
    ("Elasticsearch 9", "elasticsearch", {**elasticsearch(_OBJECT_TOTAL), "terminated_early": False}),
    ("OpenSearch 2", "opensearch", elasticsearch(_OBJECT_TOTAL)),
    (
        "Solr, fields of many values",
        "solr",
        {
            "responseHeader": {"status": 0, "QTime": 1, "params": {"q": "shoes"}},
            "response": {
                "numFound": 41,
                "start": 0,
                "maxScore": 3.5,
                "numFoundExact": True,
                "docs": [
                    {"id": key, "title": [source["title"]], "score": 3.5, "_version_": 1812}
                    for key, source in zip(("b-2", "a-1"), SOURCES, strict=True)
                ],
            },
        },
    ),
    (
        "Solr, fields of one value",
        "solr",
        {
            "responseHeader": {"status": 0, "QTime": 1},
            "response": {
                "numFound": 41,
                "start": 0,
                "docs": [{"id": key, **source} for key, source in zip(("b-2", "a-1"), SOURCES, strict=True)],
            },
        },
    ),
    (
        "Vespa 8",
        "vespa",
        {
            "root": {
                "id": "toplevel",
                "relevance": 1.0,
                "fields": {"totalCount": 41},
                "coverage": {"coverage": 100, "documents": 41, "full": True, "nodes": 1, "results": 1},
                "children": _VESPA_HITS,
            }
        },
    ),
    (
        "Algolia",
        "algolia",
        {
            "hits": [
                {
                    "objectID": key,
                    **source,
                    "_highlightResult": {"title": {"value": "<em>x</em>", "matchLevel": "full"}},
                }
                for key, source in zip(("b-2", "a-1"), SOURCES, strict=True)
            ],
            "nbHits": 41,
            "page": 0,
            "nbPages": 3,
            "hitsPerPage": 20,
            "exhaustiveNbHits": True,
            "query": "shoes",
            "params": "query=shoes",
            "processingTimeMS": 1,
        },
    ),
    (
        "Typesense",
        "typesense",
        {
            "facet_counts": [],
            "found": 41,
            "out_of": 100,
            "page": 1,
            "request_params": {"collection_name": "shop", "per_page": 10, "q": "shoes"},
            "search_time_ms": 1,
            "hits": [
                {"document": {"id": key, **source}, "highlights": [], "text_match": 578730123365712}
                for key, source in zip(("b-2", "a-1"), SOURCES, strict=True)
            ],
        },
    ),
    (
        "Meilisearch",
        "meilisearch",
        {
            "hits": [{"id": key, **source} for key, source in zip((22, 11), SOURCES, strict=True)],
            "query": "shoes",
            "processingTimeMs": 1,
            "limit": 20,
            "offset": 0,
            "estimatedTotalHits": 41,
        },
    ),
    (
        "any other",
        "api",
        {"total": 41, "results": [{"id": k, **s} for k, s in zip(("b-2", "a-1"), SOURCES, strict=True)]},
    ),
]

EMPTY_ANSWERS: list[tuple[str, dict[str, Any]]] = [
    ("elasticsearch", {"hits": {"total": {"value": 0, "relation": "eq"}, "max_score": None, "hits": []}}),
    ("opensearch", {"hits": {"total": {"value": 0, "relation": "eq"}, "max_score": None, "hits": []}}),
    ("solr", {"response": {"numFound": 0, "start": 0, "docs": []}}),
    ("vespa", {"root": {"id": "toplevel", "relevance": 1.0, "fields": {"totalCount": 0}}}),
    ("algolia", {"hits": [], "nbHits": 0}),
    ("typesense", {"hits": [], "found": 0}),
    ("meilisearch", {"hits": [], "estimatedTotalHits": 0}),
    ("api", {"results": [], "total": 0}),
]

# Groonga's `select` in its first format, and Datasette's rows.
GROONGA = [
    [0, 1337566253.89858, 0.000355720520019531],
    [[[2], [["_id", "UInt32"], ["_key", "ShortText"], ["title", "Text"]], [2, "b-2", "Red"], [1, "a-1", "Blue"]]],
]
DATASETTE = {
    "ok": True,
    "columns": ["rowid", "sku", "title"],
    "rows": [[1, "b-2", "Red"], [2, "a-1", "Blue"]],
    "truncated": False,
}
