"""A judgment list of OpenSearch's search relevance workbench: what its API is given, stores and answers."""

import re
from collections.abc import Iterator
from typing import Any

from judging.records.reading.json_stream import JsonStream
from judging.records.reading.upload import BadValue, SourceFile, shown
from judging.records.reading.values import check_storable
from judging.runs.importing.formats.shapes import Content, Format, JudgmentValues, Reading

# The second names are those of its first versions.
_LISTS = ("judgmentRatings", "judgmentScores")
_GRADES = ("rating", "score")
_MARK = re.compile(r'"(?:judgmentRatings|judgmentScores)"\s*:\s*[\[{]')


def _read(source: SourceFile, reading: Reading) -> Iterator[JudgmentValues]:
    stream = JsonStream(source)
    found = False
    try:
        for key in stream.members():
            if key in _LISTS:
                found = True
                yield from _lists(stream, source, reading)
            elif key == "hits":
                # As the API answers: {"hits": {"hits": [{"_source": {...}}]}}.
                line, value = stream.line, stream.value()
                for name, ratings in _of_hits(value):
                    found = True
                    yield from _ratings(line, name, ratings, source, reading)
            else:
                stream.value()
        if stream.peek():
            raise BadValue("something stands behind the end of the judgment list")
        if not found:
            raise BadValue("judgmentRatings is missing")
    except BadValue as error:
        reading.problems.add(source.name, stream.line, str(error))


def _lists(stream: JsonStream, source: SourceFile, reading: Reading) -> Iterator[JudgmentValues]:
    if stream.peek() == "{":
        for query in stream.members():
            stream.peek()
            yield from _ratings(stream.line, query, stream.value(), source, reading)
        return
    for line, value in stream.elements():
        if not isinstance(value, dict):
            reading.problems.add(source.name, line, "an object with query and ratings is expected")
            continue
        yield from _ratings(line, value.get("query"), value.get("ratings"), source, reading)


def _of_hits(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the queries with their ratings of a search answer."""
    hits = value.get("hits") if isinstance(value, dict) else None
    for hit in hits if isinstance(hits, list) else ():
        stored = hit.get("_source") if isinstance(hit, dict) else None
        if not isinstance(stored, dict):
            continue
        for name in _LISTS:
            entries = stored.get(name)
            if isinstance(entries, dict):
                yield from entries.items()
            for entry in entries if isinstance(entries, list) else ():
                if isinstance(entry, dict):
                    yield entry.get("query"), entry.get("ratings")


def _ratings(line: int, query: Any, ratings: Any, source: SourceFile, reading: Reading) -> Iterator[JudgmentValues]:
    try:
        check_storable(ratings)
        check_storable(query)
        if not isinstance(query, str):
            raise BadValue("query must be text")
        if not isinstance(ratings, list) or not all(isinstance(each, dict) for each in ratings):
            raise BadValue(f"the ratings of {shown(query)} must be a list of objects with docId and rating")
    except BadValue as error:
        reading.problems.add(source.name, line, str(error))
        return
    for each in ratings:
        grade = next((each[name] for name in _GRADES if name in each), None)
        yield JudgmentValues(line, {"query": query, "doc_id": each.get("docId"), "grade": grade})


OPENSEARCH = Format(
    "opensearch",
    "a judgment list of OpenSearch's search relevance workbench",
    Content.JUDGMENTS,
    lambda opening: opening.is_object and _MARK.search(opening.text) is not None,
    _read,
)
