"""Whatever bytes come in, every reader of every format yields rows or names problems."""

import io
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judging.foundation.errors import ImportRejected
from judging.records.reading.upload import BadValue, Problems, SourceFile
from judging.runs.importing.formats.recognition import FORMATS, recognised
from judging.runs.importing.formats.shapes import Reading
from judging.runs.importing.judgment_files import JudgmentFile
from judging.runs.importing.results import RunSource
from judging.runs.importing.run_files import ResultsFile, RunFiles

LEAN = settings(deadline=None, max_examples=60)
NAMED = """query_id query doc_id grade author rater query-id corpus-id docid rating score rank title text _id id topics
query_groups queries placeholders relevant_documents $query gain judgmentRatings ratings docId hits _source qid:1 #
1:0.5 3 3.0 -1 q1 d1 Q0 nan 1e999 sep=; '="""
PUNCTUATION = [
    ",",
    ",",
    ",",
    "\n",
    "\n",
    "\t",
    "\t",
    ";",
    '"',
    '"',
    "{",
    "}",
    "[",
    "]",
    ":",
    "\r",
    "\x00",
    " ",
    "\ufeff",
]
WORDS = st.sampled_from([*NAMED.split(), *PUNCTUATION])
WORDY = st.lists(WORDS, max_size=40).map(lambda words: "".join(words).encode())
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
MEMBERS = """query_id query doc_id grade scale author rater kind judge reasoning created_at _id text title candidates
metadata docid rating topics query_groups queries placeholders relevant_documents judgmentRatings hits
query_placeholder fields image score rank"""
NAMES = st.sampled_from(MEMBERS.split())
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=6)


def read_all(content: bytes) -> None:
    """Read a file as everything that it could be, and as what it looks like."""
    for field, formats in FORMATS.items():
        source = SourceFile(field, io.BytesIO(content))
        for known in formats:
            for match_mode in ("oid", "qid"):
                reading = Reading(Problems(), match_mode)
                rows = list(known.read(source, reading))
                assert all(row.line > 0 for row in rows)
                assert all(str(problem) for problem in reading.problems.rows)
        for name in ("", "x.csv", "x.jsonl", "x.qrels"):
            with suppress(BadValue):
                assert recognised(source, {}, file_name=name) in formats
    for known in FORMATS["file"]:
        rows_of = JudgmentFile(SourceFile("file", io.BytesIO(content)), known, scale="graded")
        for each in rows_of.rows(Reading(Problems(), "oid")):
            assert each.external_id
            assert each.body is not None or each.label
    check_run(content)


def check_run(content: bytes) -> None:
    sources = [ResultsFile(io.BytesIO(content), {"results": each.name}) for each in FORMATS["results"]]
    runs = [
        RunFiles(io.BytesIO(content), queries, read_as={"run": each.name}, allow_missing_documents=True)
        for each in FORMATS["run"]
        for queries in (None, io.BytesIO(b"q1\tred shoes\n"))
    ]
    both: list[RunSource] = [*sources, *runs]
    for source in both:
        with suppress(ImportRejected):
            checked = source.check("oid")
            read = list(checked.read())
            assert len(read) == checked.query_count
            assert sum(len(each.candidates) for each in read) == checked.candidate_count


@LEAN
@given(st.binary(max_size=100) | WORDY)
def test_no_bytes_break_a_reader(content: bytes) -> None:
    read_all(content)


@LEAN
@given(
    st.sampled_from(
        [
            "query_id,doc_id,grade\n",
            "query-id\tcorpus-id\tscore\n",
            "query,docid,rating\n",
            "query,docid,ann,bob\n",
            "sep=;\nquery;docid;rating\n",
            "query,doc_id,rank,title\n",
            "doc_id,title\n",
            '{"judgmentRatings": ',
            '{"query_groups": [',
            "# qid:1: rambo\n",
            "[",
        ]
    ),
    WORDY,
)
def test_nothing_behind_a_known_beginning_breaks_a_reader(start: str, content: bytes) -> None:
    read_all(start.encode() + content)


@LEAN
@given(st.lists(OBJECTS, max_size=3), st.sampled_from([None, 2]), st.booleans())
def test_no_json_breaks_a_reader(rows: list[dict[str, Any]], indent: int | None, is_array: bool) -> None:
    text = json.dumps(rows, indent=indent) if is_array else "\n".join(json.dumps(each, indent=indent) for each in rows)
    read_all(text.encode())


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "9" * 5000, '[{"a": 1}', '"' * 70_000])
def test_deep_long_and_unfinished_json_is_named(text: str) -> None:
    read_all(text.encode())
