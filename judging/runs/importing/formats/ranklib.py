"""Judgments as learning-to-rank tools have them: `3 qid:1 1:0.5 2:1 # d1 red shoes`, RankLib's and SVMrank's lines."""

import re
from collections.abc import Iterator

from judging.records.reading.opening import Opening
from judging.records.reading.upload import BadValue, SourceFile, shown
from judging.records.reading.values import is_whole_number
from judging.runs.importing.formats.shapes import Content, Format, JudgmentValues, Reading
from judging.runs.importing.formats.trec import columns_of

# The comment that gives a label its text: `# qid:1: red shoes`, perhaps with a weight behind it (`*1`).
_QUERY_COMMENT = re.compile(r"#\s*qid:([^\s:]+)\s*:\s*(.*?)(?:\*[0-9.]+)?\s*")
_FEATURE = re.compile(r"[^\s:#]+:[^\s#]*")
# LETOR's own comments: `#docid = GX029-35-5894638 inc = 1 prob = 0.08`.
_LETOR_ID = re.compile(r"\s*docid\s*=\s*(\S+)")


def _read(source: SourceFile, reading: Reading) -> Iterator[JudgmentValues]:
    queries: dict[str, str] = {}
    for line in source.lines(reading.problems):
        text = line.text.strip()
        if text.startswith("#"):
            if (comment := _QUERY_COMMENT.fullmatch(text)) and comment[2]:
                queries[comment[1]] = comment[2]
            continue
        try:
            grade, label, external_id = _parts(text)
            values = {"query_id": label, "doc_id": external_id, "grade": grade}
            if label in queries:
                values["query"] = queries[label]
            yield JudgmentValues(line.number, values)
        except BadValue as error:
            reading.problems.add(source.name, line.number, str(error))


def _parts(text: str) -> tuple[str, str, str]:
    """Return grade, label and document id of a line. Raises BadValue."""
    before, mark, comment = text.partition("#")
    columns = columns_of(before)
    if len(columns) < 2 or not columns[1].startswith("qid:"):
        raise BadValue("a grade and qid: are expected first, such as 3 qid:1 # d1")
    if wrong := [column for column in columns[2:] if not _FEATURE.fullmatch(column)]:
        raise BadValue(f"features have the form number:value, not {shown(wrong[0])}")
    letor = _LETOR_ID.match(comment)
    words = [letor[1]] if letor else columns_of(comment)
    if not mark or not words:
        raise BadValue("the document's id is missing: it stands behind # at the end of the line")
    return columns[0], columns[1].removeprefix("qid:"), words[0]


def _fits(opening: Opening) -> bool:
    first = next((line for line in opening.lines if not line.lstrip().startswith("#")), "")
    columns = columns_of(first)
    return len(columns) > 1 and columns[1].startswith("qid:") and is_whole_number(columns[0])


RANKLIB = Format("ranklib", "RankLib lines", Content.JUDGMENTS, _fits, _read)
