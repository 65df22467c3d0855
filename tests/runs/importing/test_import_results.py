"""What a source of results may hold, and how it is refused: by line, before anything is written."""

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judging.foundation.errors import ImportRejected
from judging.records.reading import upload
from judging.runs.importing.results import InlineResults
from judging.runs.importing.run_files import ResultsFile, RunFiles
from tests.runs.importing import DOCUMENTS, QUERIES, RUN, as_file, jsonl, problems_of, row, trec


def test_a_line_per_query_is_read_in_order_with_everything_it_holds() -> None:
    source = jsonl(
        row("red shoes", {"id": "d1", "title": "One", "fields": {"a": [1]}, "image": "http://x/1.png", "score": 2}),
        row({"query": "blue", "filter": "x"}, query_id=7),
    )

    checked = source.check("qid")

    first, second = list(checked.read())
    assert (checked.query_count, checked.candidate_count, checked.warnings) == (2, 1, [])
    assert (first.body, first.label) == ("red shoes", "")
    [candidate] = first.candidates
    assert candidate.content is not None
    assert (candidate.external_id, candidate.score) == ("d1", 2.0)
    assert (candidate.content.title, candidate.content.fields, candidate.content.image) == (
        "One",
        {"a": [1]},
        "http://x/1.png",
    )
    assert (second.body, second.label, second.candidates) == ({"query": "blue", "filter": "x"}, "7", [])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not valid JSON"),
        ("[1]", "an object with query and candidates is expected"),
        ('{"candidates": []}', "query is missing"),
        ('{"query": 3, "candidates": []}', 'query must be text or an object with a "query" key'),
        ('{"query": {"q": "x"}, "candidates": []}', 'the query object needs a text under "query"'),
        ('{"query": "  ", "candidates": []}', "the query is empty"),
        (row("x" * 10_001), "the query is longer than 10,000 characters"),
        ('{"query": "x"}', "candidates is missing"),
        ('{"query": "x", "candidates": {}}', "candidates must be a list"),
        (row("x", query_id="l" * 201), "query_id is longer than 200 characters"),
        (row("x", query_id=["q1"]), "query_id must be text"),
        (row("x", 3), "candidate 1: an object is expected"),
        (row("x", "d1", {"title": "t"}), "candidate 2: id is missing"),
        (row("x", {"id": " ", "title": "t"}), "candidate 1: id is empty"),
        (row("x", {"id": True, "title": "t"}), "candidate 1: id must be text"),
        (row("x", {"id": "d" * 501, "title": "t"}), "candidate 1: id is longer than 500 characters"),
        (row("x", {"id": "a\nb", "title": "t"}), "holds a control character (U+000A)"),
        (row("x", {"id": "d1"}), "candidate 1: title is missing"),
        (row("x", {"id": "d1", "title": 3}), "candidate 1: title must be text"),
        (row("x", {"id": "d1", "title": "t", "fields": "f"}), "candidate 1: fields must be an object"),
        (row("x", {"id": "d1", "title": "t", "image": 1}), "candidate 1: image must be text"),
        (row("x", {"id": "d1", "title": "t", "score": "9"}), "candidate 1: score must be a number"),
        (row("x", {"id": "d1", "title": "t", "score": True}), "candidate 1: score must be a number"),
        (row("x", {"id": "d1", "title": "t", "score": 10**400}), "candidate 1: score must be a finite number"),
        (row("x", {"id": "d1", "title": "t", "score": float("nan")}), "NaN is not a number that JSON has"),
        (row("x", {"id": "d1", "title": "t", "score": float("-inf")}), "-Infinity is not a number that JSON has"),
        ('{"query": "x", "candidates": [{"id": "d1", "title": "t", "score": 1e999}]}', "is too large"),
        (row("x", {"id": "d1", "title": "t", "fields": {"a": "\x00"}}), "NUL"),
        ('{"query": "x\\ud800", "candidates": []}', "half a surrogate pair"),
        ('{"query": "x", "candidates": ' + "[" * 60 + "]" * 60 + "}", "nested more than 50 levels deep"),
        ('{"query": "x", "candidates": ' + "[" * 100_000, "nested too deeply"),
        ('{"query": "x", "candidates": [' + "9" * 5000 + "]}", "a number has too many digits"),
        (row("x", "d1", "d2", "d1"), 'candidates 1 and 3 are the same document "d1"'),
    ],
)
def test_a_wrong_line_is_refused_with_its_number(line: Any, message: str) -> None:
    [(file, number, found)] = problems_of(jsonl(row("fine"), "", line))

    assert (file, number) == ("results", 3)
    assert message in found


def test_the_same_query_or_label_twice_is_refused_with_both_lines() -> None:
    source = jsonl(row("Café", query_id="a"), row("other", query_id="b"), row(" Cafe\u0301 ", query_id="b"))

    assert problems_of(source) == [
        ("results", 3, "the same query stands in line 1"),
        ("results", 3, 'the query_id "b" stands in line 2, too'),
    ]


def test_whether_queries_are_the_same_is_the_corpus_match_mode_s_to_say() -> None:
    source = jsonl(row({"query": "x", "filter": 1}), row({"query": "x", "filter": 2}))

    assert problems_of(source, "oid") == []
    assert problems_of(source, "qid") == [("results", 2, "the same query stands in line 1")]


def test_problems_of_a_list_name_the_query_and_count_them_all() -> None:
    rows = [row("same"), *(row("same") for _ in range(150))]

    with pytest.raises(ImportRejected) as refused:
        InlineResults(rows).check("qid")

    assert (refused.value.total, refused.value.listed) == (150, 150)
    assert refused.value.errors["results"] == ["queries 2, 3, 4 and 147 more: the same query stands in query 1"]
    assert refused.value.message == refused.value.errors["results"][0]


def test_a_source_without_queries_is_refused() -> None:
    assert problems_of(jsonl()) == [("results", 0, "there are no queries in it")]
    assert problems_of(InlineResults([])) == [("results", 0, "there are no queries in it")]
    assert "a list" in problems_of(InlineResults({"query": "x"}))[0][2]  # type: ignore[arg-type]
    assert ("queries", 0, "there are no queries in it") in problems_of(trec(run="", queries=""))
    assert problems_of(trec(run="")) == [("run", 0, "there are no ranked documents in it")]


def test_text_that_is_not_utf_8_or_holds_nul_is_refused_with_its_line() -> None:
    source = ResultsFile(as_file(b'{"query": "a", "candidates": []}\n{"query": "\xff"}\n\x00\n'))

    assert [(line, message) for _, line, message in problems_of(source)] == [
        (2, "the line is not UTF-8 text (byte 12): save the file as UTF-8"),
        (3, "the line holds a NUL character"),
    ]


def test_a_line_without_end_is_not_read_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "MAX_LINE_BYTES", 1_000_000)

    assert problems_of(ResultsFile(io.BytesIO(b"x" * 3_000_000))) == [
        ("results", 1, "the line is longer than 1 MB"),
    ]


def test_a_byte_order_mark_and_windows_line_ends_are_tolerated() -> None:
    def windows(text: str) -> bytes:
        return b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()

    checked = trec(windows(RUN), windows(QUERIES), windows(DOCUMENTS)).check("qid")

    queries = list(checked.read())
    assert [(query.body, query.label) for query in queries] == [("red shoes", "q1"), ("blue shirt", "q2")]
    assert [candidate.external_id for candidate in queries[0].candidates] == ["d1", "d2"]


def test_scores_that_disagree_with_the_ranks_are_a_warning() -> None:
    run = "q1 Q0 d1 1 1.0 t\nq1 Q0 d2 2 2.0 t\nq2 Q0 d1 1 5 t\nq2 Q0 d2 2 5 t\n"

    expected = ["the scores of 1 query disagree with the ranks (first: query q1); the ranks were used"]
    assert trec(run=run).check("qid").warnings == expected


def test_keys_without_a_meaning_are_a_warning_and_of_candidates_become_fields() -> None:
    checked = jsonl(row("x", {"id": "d1", "title": "t", "brand": "Acme", "rank": 1}, lang="en")).check("qid")

    assert checked.warnings == [
        'keys that have no meaning here were ignored: "lang", "rank"',
        'what has no meaning of its own became a field of the documents: "brand"',
    ]
    [candidate] = next(checked.read()).candidates
    assert candidate.content is not None
    assert candidate.content.fields == {"brand": "Acme"}


def test_the_rank_column_of_a_trec_run_decides_whatever_the_order_of_lines() -> None:
    run = "q2 Q0 d2 7 1 t\nq1 Q0 d2 3 1 t\nq2 Q0 d1 0 1 t\nq1 Q0 d1 10 9 t\n"

    queries = list(trec(run=run).check("qid").read())

    assert [[candidate.external_id for candidate in query.candidates] for query in queries] == [
        ["d2", "d1"],
        ["d1", "d2"],
    ]


def test_queries_that_the_run_found_nothing_for_are_part_of_it() -> None:
    checked = trec(run="q1 Q0 d1 1 1 t\n").check("qid")

    assert [(query.label, len(query.candidates)) for query in checked.read()] == [("q1", 1), ("q2", 0)]
    assert (checked.query_count, checked.candidate_count) == (2, 1)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("q1 Q0 d9 1 2.5", "6 columns are expected (query_id Q0 doc_id rank score tag), not 5"),
        ("q1 Q0 d9 first 2.5 t", 'the rank must be a whole number, not "first"'),
        ("q1 Q0 d9 -1 2.5 t", 'the rank must be a whole number, not "-1"'),
        ("q1 Q0 d9 3 nan t", 'the score must be a finite number, not "nan"'),
        ("q1 Q0 d9 3 1e999 t", 'the score must be a finite number, not "1e999"'),
        ("q1 Q0 d9 3 1_0 t", 'the score must be a finite number, not "1_0"'),
        (f"q1 Q0 {'d' * 501} 3 1 t", "doc_id is longer than 500 characters"),
        (f"{'q' * 201} Q0 d1 3 1 t", "query_id is longer than 200 characters"),
        ("q1 Q0 d3 2 1 t", 'rank 2 of query "q1" stands in line 2, too'),
        ("q1 Q0 d2 3 1 t", 'query "q1" has the document "d2" in line 2, too'),
        ("q9 Q0 d1 1 1 t", 'the query_id "q9" is not in the queries file'),
        ("q1 Q0 d4 9 1 t", '"d4" is not in the documents file'),
    ],
)
def test_a_wrong_line_of_a_run_is_refused_with_its_number(line: str, message: str) -> None:
    documents = DOCUMENTS + '{"doc_id": "d3", "title": ""}\n'

    [(file, number, found)] = problems_of(trec(run=f"{RUN}{line}\n", documents=documents))

    assert (file, number) == ("run", 4)
    assert message in found


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("q3", "2 columns with a tab between them are expected, not 1"),
        ("q3\ta\tb", "2 columns with a tab between them are expected, not 3"),
        ("\tx", "query_id is empty"),
        ("q3\t ", "the query is empty"),
        ("q1\tother", 'the query_id "q1" stands in line 1, too'),
        ("q3\t red shoes", 'the same query stands in line 1 (query_id "q3")'),
    ],
)
def test_a_wrong_line_of_a_queries_file_is_refused_with_its_number(line: str, message: str) -> None:
    assert problems_of(trec(queries=f"{QUERIES}{line}\n")) == [("queries", 3, message)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[]", "a JSON object is expected"),
        ('{"title": "x"}', "doc_id is missing"),
        ('{"doc_id": "d3"}', "title is missing"),
        ('{"doc_id": "d3", "title": "\\u0000"}', "a text holds a NUL character"),
        ('{"doc_id": "d2", "title": "again"}', '"d2" stands in line 2, too'),
    ],
)
def test_a_wrong_line_of_a_documents_file_is_refused_with_its_number(line: str, message: str) -> None:
    assert problems_of(trec(documents=f"{DOCUMENTS}{line}\n")) == [("documents", 3, message)]


def test_a_header_line_of_a_queries_file_is_no_query() -> None:
    assert trec(queries=f"query_id\tquery\n{QUERIES}").check("qid").query_count == 2


def test_a_queries_file_holds_objects_where_the_corpus_tells_queries_apart_by_them() -> None:
    source = trec(queries='q1\t{"query": "x", "filter": 1}\nq2\tplain\n')

    assert [query.body for query in source.check("oid").read()] == [{"query": "x", "filter": 1}, "plain"]
    assert [query.body for query in source.check("qid").read()] == ['{"query": "x", "filter": 1}', "plain"]
    [(_, line, message)] = problems_of(trec(queries="q1\t{oops\nq2\tplain\n"), "oid")
    assert (line, "must be a JSON object" in message) == (1, True)


def test_documents_may_be_missing_only_when_that_is_allowed() -> None:
    assert problems_of(trec(documents=None)) == [
        ("documents", 0, "a documents file is needed, or allow missing documents")
    ]

    allowed = RunFiles(as_file(RUN), as_file(QUERIES), allow_missing_documents=True).check("qid")

    assert len(allowed.without_content) == 2
    assert all(candidate.content is None for query in allowed.read() for candidate in query.candidates)


# No deadline: other processes may have the processor.
LEAN = settings(deadline=None, max_examples=60)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
CANDIDATE = st.fixed_dictionaries({}, optional=dict.fromkeys(("id", "title", "fields", "image", "score"), JSON_VALUES))
RESULT = st.fixed_dictionaries(
    {}, optional={"query": JSON_VALUES, "query_id": JSON_VALUES, "candidates": st.lists(CANDIDATE, max_size=3)}
)
TREC_WORD = st.sampled_from(
    ["q1", "q2", "Q0", "d1", "d2", "1", "2", "0.5", "-1", "nan", "\u00a0", "t", "\n", "\t", "é"]
)


def _check_all(source: ResultsFile | InlineResults | RunFiles) -> None:
    """Anything may be refused, but only as an import is refused; what is not can be read as announced."""
    for match_mode in ("qid", "oid"):
        try:
            checked = source.check(match_mode)
        except ImportRejected as error:
            str(error).encode()
            continue
        queries = list(checked.read())
        assert len(queries) == checked.query_count
        assert sum(len(query.candidates) for query in queries) == checked.candidate_count


@LEAN
@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader_of_results(content: bytes) -> None:
    _check_all(ResultsFile(io.BytesIO(content)))


@LEAN
@given(st.lists(RESULT | JSON_VALUES, max_size=4))
def test_no_json_breaks_the_reader_of_results(rows: list[Any]) -> None:
    _check_all(InlineResults(rows))
    _check_all(ResultsFile(as_file("\n".join(json.dumps(each) for each in rows))))


@LEAN
@given(*[st.binary(max_size=80) | st.lists(TREC_WORD, max_size=20).map(lambda words: " ".join(words).encode())] * 3)
def test_no_bytes_break_the_readers_of_trec_files(run: bytes, queries: bytes, documents: bytes) -> None:
    _check_all(trec(run, queries, documents))
    _check_all(trec(run))
    _check_all(trec(RUN, queries, DOCUMENTS + '{"doc_id": "d9", "title": "nine"}'))
