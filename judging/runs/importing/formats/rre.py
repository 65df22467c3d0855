"""Ratings of the Rated Ranking Evaluator: topics, query groups and queries, each level but the last optional."""

import re
from collections.abc import Iterator
from typing import Any

from judging.records.reading.json_stream import JsonStream
from judging.records.reading.opening import Opening
from judging.records.reading.upload import BadValue, SourceFile, shown
from judging.records.reading.values import check_storable
from judging.runs.importing.formats.shapes import Content, Format, JudgmentValues, Reading

# Each level and the one below it.
_BELOW = {"topics": "query_groups", "query_groups": "queries"}
_LEVELS = ("topics", "query_groups", "queries")
_MARK = re.compile(r'"(?:topics|query_groups|queries)"\s*:\s*\[')
_DETAIL = re.compile(r'"(?:relevant_documents|placeholders)"\s*:')
# What RRE takes where a document has no gain of its own.
_DEFAULT_GAIN = 2


def _read(source: SourceFile, reading: Reading) -> Iterator[JudgmentValues]:
    stream = JsonStream(source)
    placeholder: str | None = None
    found = False
    try:
        for key in stream.members():
            if key in _LEVELS and stream.peek() == "[":
                found = True
                for line, value in stream.elements():
                    try:
                        check_storable(value)
                        yield from _judgments(line, key, value, None, placeholder)
                    except BadValue as error:
                        reading.problems.add(source.name, line, str(error))
            else:
                value = stream.value()
                placeholder = value if key == "query_placeholder" and isinstance(value, str) else placeholder
        if stream.peek():
            raise BadValue("something stands behind the end of the ratings")
        if not found:
            raise BadValue("topics, query_groups or queries is missing")
    except BadValue as error:
        reading.problems.add(source.name, stream.line, str(error))


def _judgments(line: int, level: str, value: Any, outer: Any, placeholder: str | None) -> Iterator[JudgmentValues]:
    """Yield the judgments of a topic, group or query; documents stand with it or with what it belongs to."""
    if not isinstance(value, dict):
        raise BadValue(f"an object is expected in {level}")
    documents = value.get("relevant_documents", outer)
    if level in _BELOW:
        below = _BELOW[level]
        # A topic may hold queries without groups.
        names = [name for name in (below, "queries") if name in value][:1]
        if not names:
            raise BadValue(f"{below} is missing")
        members = value[names[0]]
        if not isinstance(members, list):
            raise BadValue(f"{names[0]} must be a list")
        for member in members:
            yield from _judgments(line, names[0], member, documents, placeholder)
        return
    query = _query_text(value, placeholder)
    for external_id, gain in _documents(documents, query):
        yield JudgmentValues(line, {"query": query, "doc_id": external_id, "grade": gain})


def _query_text(value: dict[str, Any], placeholder: str | None) -> str:
    placeholders = value.get("placeholders")
    if not isinstance(placeholders, dict):
        raise BadValue("a query needs its placeholders")
    for name in (placeholder, "$query", "query"):
        text = placeholders.get(name) if name is not None else None
        if isinstance(text, str):
            return text
    texts = [text for text in placeholders.values() if isinstance(text, str)]
    if len(texts) != 1:
        raise BadValue('the placeholder "$query" is missing')
    return texts[0]


def _documents(documents: Any, query: str) -> Iterator[tuple[Any, Any]]:
    """Yield documents with their gains: objects by id, lists of ids by gain, or a list of objects."""
    if isinstance(documents, dict):
        for key, value in documents.items():
            if isinstance(value, list):
                yield from ((external_id, key) for external_id in value)
            elif isinstance(value, dict):
                yield key, _gain(value)
            else:
                yield key, value
    elif isinstance(documents, list):
        for each in documents:
            if not isinstance(each, dict):
                raise BadValue(f"the relevant documents of {shown(query)} must be objects")
            yield each.get("document_id", each.get("id")), _gain(each)
    elif documents is not None:
        raise BadValue(f"the relevant documents of {shown(query)} must be an object or a list")


def _gain(value: dict[str, Any]) -> Any:
    return value.get("gain", value.get("rating", _DEFAULT_GAIN))


def _fits(opening: Opening) -> bool:
    if not opening.is_object or not _MARK.search(opening.text) or not _DETAIL.search(opening.text):
        return False
    whole = opening.first_object
    return not whole or any(isinstance(whole.get(level), list) for level in _LEVELS)


RRE = Format("rre", "RRE ratings", Content.JUDGMENTS, _fits, _read)
