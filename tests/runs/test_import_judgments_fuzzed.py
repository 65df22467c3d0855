"""Whatever bytes come in, the readers of judgments files yield rows or name problems."""

import io
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from judging.runs.importing.judgment_files import FILE_FORMATS, JudgmentFile
from judging.runs.importing.upload import Problems, SourceFile

LEAN = settings(deadline=None, max_examples=60)
WORDS = st.sampled_from(
    [
        "query_id",
        "query",
        "doc_id",
        "grade",
        "author",
        ",",
        ",",
        ",",
        "\n",
        '"',
        "q1",
        "d1",
        "1",
        "{",
        "}",
        ":",
        "'=",
        "\r",
    ]
)
VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
)
ROWS = st.dictionaries(
    st.sampled_from(
        ["query_id", "query", "doc_id", "grade", "scale", "author", "rater", "kind", "judge", "reasoning", "created_at"]
    ),
    VALUES,
)


def _read_all(content: bytes) -> None:
    """Whatever stands in a file, its reader yields rows or notes problems."""
    for file_format in (*FILE_FORMATS, None):
        problems = Problems()
        source = SourceFile("file", io.BytesIO(content))
        rows = JudgmentFile(source, file_name="x", file_format=file_format, scale="graded", match_mode="oid")
        for each in rows.rows(problems):
            assert each.external_id
            assert each.body is not None or each.label


@LEAN
@given(st.binary(max_size=100) | st.lists(WORDS, max_size=30).map(lambda words: "".join(words).encode()))
def test_no_bytes_break_the_reader_of_judgments(content: bytes) -> None:
    _read_all(content)
    _read_all(b"query_id,doc_id,grade\n" + content)


@LEAN
@given(st.lists(ROWS, max_size=3))
def test_no_json_breaks_the_reader_of_judgments(rows: list[dict[str, Any]]) -> None:
    _read_all("\n".join(json.dumps(each) for each in rows).encode())
