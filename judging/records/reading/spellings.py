"""How people and tools name the same things: columns of tables and members of JSON objects."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from judging.records.reading.upload import BadValue, shown

DOCUMENT_IDS = ("doc_id", "docid", "document_id", "documentid", "corpus_id", "docno", "pid", "_id", "id")
QUERY_IDS = ("query_id", "queryid", "qid", "topic_id")
QUERY_TEXTS = ("query", "query_text", "querytext")
# Words that name a document or text in other files, and a query's in a file of queries.
LONE_QUERY_IDS = (*QUERY_IDS, "_id", "id", "topic", "number", "num")
LONE_QUERY_TEXTS = (*QUERY_TEXTS, "text", "title")
GRADES = ("grade", "rating", "relevance", "rel")
AUTHORS = ("author", "rater")
RANKS = ("rank", "position")
SCORES = ("score", "_score", "similarity")
IMAGES = ("image", "image_url")
TAGS = ("tags",)

_BETWEEN_WORDS = re.compile(r"[\s.-]+")
# No spelling is nearly as long; a file without lines is one name of megabytes.
_LONGEST_NAME = 100


def plain(name: str) -> str:
    """Return a name as it is compared: "Query-ID", "query id" and "query_id" are one."""
    name = name.strip().strip("\"'").strip()
    return name if len(name) > _LONGEST_NAME else _BETWEEN_WORDS.sub("_", name.lower())


def spelled(names: Iterable[str], spellings: tuple[str, ...], *, is_strict: bool = False) -> str | None:
    """Return the name that stands for the first of some spellings; None where none does.

    Our own name wins. With `is_strict` two other ones beside each other raise BadValue.
    """
    by_plain = {plain(name): name for name in names if isinstance(name, str)}
    found = [each for each in spellings if each in by_plain]
    if is_strict and len(found) > 1:
        # A table may well have row numbers of its own beside a document's id.
        rivals = [each for each in found if each not in ("id", "_id")]
        if len(rivals) > 1 and (rivals[0] != spellings[0] or spellings is AUTHORS):
            raise BadValue(f"{rivals[1]} and {rivals[0]} are the same: give one of them")
    return by_plain[found[0]] if found else None


def read_id_member(values: Mapping[str, Any], spellings: tuple[str, ...] = DOCUMENT_IDS) -> tuple[str, Any]:
    """Return the member that holds an id, by its own name, and its value; (our name, None) where there is none."""
    for spelling in spellings:
        if spelling in values:
            return spelling, values[spelling]
    for name, value in values.items():
        if plain(name) in spellings:
            return name, value
    return spellings[0], None


def names_of(names: Iterable[str]) -> str:
    """Return names as a message lists them: quoted, sorted, at most ten."""
    return ", ".join(map(shown, sorted(names)[:10]))
