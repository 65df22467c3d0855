"""Runs from files of other tools: BEIR's and MS MARCO's, tables, arrays; and what an import says of them."""

import io
import json
from typing import Any

import pytest

from judging.models import Candidate
from judging.runs.importing.results import CheckedResults, InlineResults
from judging.runs.importing.run_files import ResultsFile, RunFiles
from tests.factories import make_evaluation
from tests.runs.importing import DOCUMENTS, QUERIES, RUN, as_file, do_import, jsonl, problems_of, row, trec

BEIR_QUERIES = (
    '{"_id": "q1", "text": "red shoes", "metadata": {}}\n{"_id": "q2", "text": "blue shirt", "metadata": {}}\n'
)
BEIR_CORPUS = '{"_id": "d1", "title": "One", "text": "long"}\n{"_id": "d2", "title": "", "text": "the body"}\n'
BEIR_RUN = "q1 Q0 d1 0 2.5 t\nq1 Q0 d2 0 3.5 t\nq2 Q0 d1 0 9 t\n"


def ids(checked: CheckedResults) -> list[tuple[Any, list[str]]]:
    return [(query.body, [each.external_id for each in query.candidates]) for query in checked.read()]


@pytest.mark.django_db
def test_beir_files_become_a_run_as_they_are() -> None:
    source = RunFiles(as_file(BEIR_RUN), as_file(BEIR_QUERIES), as_file(BEIR_CORPUS))

    outcome = do_import(make_evaluation(), source)

    assert outcome.read_as == {"run": "trec_run", "queries": "beir_queries", "documents": "beir_corpus"}
    rows = Candidate.objects.filter(run=outcome.run).values_list(
        "run_query__label", "document__external_id", "document_version__title", "rank", "score"
    )
    assert list(rows) == [("q1", "d2", "the body", 1, 3.5), ("q1", "d1", "One", 2, 2.5), ("q2", "d1", "One", 1, 9)]
    assert outcome.warnings == [
        "every line has the rank 0: the candidates were ordered by their scores",
        'what has no meaning of its own became a field of the documents: "text"',
        'the title of 1 document was missing and taken from "text"',
    ]


@pytest.mark.parametrize("rank", [0, 1, 7])
def test_one_rank_everywhere_means_that_the_scores_decide(rank: int) -> None:
    run = f"q1 Q0 d1 {rank} 1 t\nq1 Q0 d2 {rank} 2 t\nq1 Q0 d3 {rank} 2 t\n"

    checked = RunFiles(as_file(run), as_file("q1\ta\n"), allow_missing_documents=True).check("qid")

    assert ids(checked) == [("a", ["d2", "d3", "d1"])]
    assert f"every line has the rank {rank}: the candidates were ordered by their scores" in checked.warnings


def test_one_candidate_a_query_has_the_same_rank_everywhere_and_that_is_right() -> None:
    run = "q1 Q0 d1 1 1 t\nq2 Q0 d2 1 2 t\n"

    assert trec(run=run).check("qid").warnings == []


def test_an_ms_marco_run_and_its_collection_are_read() -> None:
    source = RunFiles(as_file("q1\td1\t2\nq1\td2\t1\n"), as_file("q1\ta\n"), as_file("d1\tfirst text\nd2\tsecond\n"))

    checked = source.check("qid")

    assert checked.read_as == {"run": "msmarco_run", "queries": "tsv", "documents": "msmarco_collection"}
    assert ids(checked) == [("a", ["d2", "d1"])]
    assert 'the title of 2 documents was missing and taken from "text"' in checked.warnings


@pytest.mark.parametrize("field", ["results", "run"])
def test_a_table_is_a_whole_run(field: str) -> None:
    text = "\ufeffquery;doc_id;rank;title;brand\nred shoes;d2;2.0;Two;Acme\nred shoes;d1;1.0;One;\nblue;d1;1;One, again;Ü\n"
    source = ResultsFile(as_file(text)) if field == "results" else RunFiles(as_file(text))

    checked = source.check("qid")

    assert checked.read_as == {field: "csv"}
    assert (checked.query_count, checked.candidate_count) == (2, 3)
    assert ids(checked) == [("red shoes", ["d1", "d2"]), ("blue", ["d1"])]
    contents = [each.content for query in checked.read() for each in query.candidates]
    assert [(each.title, each.fields) for each in contents if each] == [
        ("One", {}),
        ("Two", {"brand": "Acme"}),
        ("One, again", {"brand": "Ü"}),
    ]


def test_a_table_without_ranks_is_ordered_by_score() -> None:
    text = "query,query_id,id,score,title\na,q7,d1,0.5,One\na,q7,d2,1.5,Two\n"

    checked = ResultsFile(as_file(text)).check("qid")

    [query] = checked.read()
    assert (query.label, [each.external_id for each in query.candidates]) == ("q7", ["d2", "d1"])
    assert checked.warnings == []


def test_a_table_with_labels_takes_its_queries_from_their_file_and_contents_from_the_documents() -> None:
    source = RunFiles(as_file("qid,docid,position\nq1,d1,1\nq2,d1,1\n"), as_file(QUERIES), as_file(DOCUMENTS))

    assert ids(source.check("qid")) == [("red shoes", ["d1"]), ("blue shirt", ["d1"])]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("query,doc_id,rank\na,d1,1\n", ("documents", 0, "a documents file is needed, or allow missing documents")),
        (
            "query_id,doc_id,rank,title\nq1,d1,1,One\n",
            ("queries", 0, "a queries file is needed: the run names its queries by id only"),
        ),
        ("query,doc_id,rank,title\na,d1,x,One\n", ("run", 2, 'the rank must be a whole number, not "x"')),
        ("query,doc_id,score,title\na,d1,nan,One\n", ("run", 2, 'the score must be a finite number, not "nan"')),
        ("query,doc_id,rank,title\na,d1,,One\n", ("run", 2, "rank or score is needed")),
        ("query,doc_id,rank,title\na,d1,1,One\na,d2,1,Two\n,d3,1,Three\n", ("run", 4, "query_id or query is needed")),
        (
            "query,query_id,doc_id,rank,title\na,q1,d1,1,One\nb,q1,d2,2,Two\n",
            ("run", 3, 'the query_id "q1" stands for another query in line 2'),
        ),
    ],
)
def test_a_wrong_table_is_refused_with_its_line(text: str, problem: tuple[str, int, str]) -> None:
    assert problem in problems_of(RunFiles(as_file(text)))


def test_an_array_of_results_is_read_element_by_element() -> None:
    rows = [row("red shoes", {"_id": "d1", "title": "One"}), row("blue", {"docid": 7, "title": "T", "text": "x"})]
    for indent in (None, 2):
        checked = ResultsFile(as_file(json.dumps(rows, indent=indent))).check("qid")
        assert checked.read_as == {"results": "json"}
        assert ids(checked) == [("red shoes", ["d1"]), ("blue", ["7"])]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('[{"query": "a", "candidates": []},\n{"query": "b"}]', 2, "candidates is missing"),
        (
            '[{"query": "a", "candidates": []}\n{"query": "b", "candidates": []}]',
            2,
            "not valid JSON: a comma or ] is expected",
        ),
        ('[{"query": "a", "candidates": []},\n\n{"query": }]', 3, "not valid JSON: Expecting value"),
        ('[{"query": "a", "candidates": []}', 1, "not valid JSON: a comma or ] is expected"),
        ('[{"query": "a", "candidates": []}]\nx', 2, "something stands behind the end of the array"),
    ],
)
def test_a_wrong_array_is_refused_with_its_line(text: str, line: int, message: str) -> None:
    assert problems_of(ResultsFile(as_file(text))) == [("results", line, message)]


def test_an_array_is_never_held_as_a_whole() -> None:
    class Counting(io.BytesIO):
        """Bytes that tell how many of them were asked for at once."""

        largest = 0

        def read(self, size: int | None = -1, /) -> bytes:
            Counting.largest = max(Counting.largest, size or 0)
            assert size is not None
            assert size > 0
            return super().read(size)

    rows = [row(f"query {number}", *(f"d{each}" for each in range(40))) for number in range(200)]
    text = json.dumps(rows).encode()
    assert len(text) > 4 * 65_536
    checked = ResultsFile(Counting(text)).check("qid")
    assert sum(len(each.candidates) for each in checked.read()) == checked.candidate_count == 8_000
    assert Counting.largest <= 65_536


def test_the_spellings_of_an_id_and_other_members_are_the_same_in_a_list() -> None:
    source = InlineResults(
        [
            row(
                "a",
                *(
                    {name: f"d{name}", "title": "t", "text": "b"}
                    for name in ("id", "_id", "docid", "doc_id", "document_id")
                ),
            )
        ]
    )

    checked = source.check("qid")

    [query] = checked.read()
    assert [each.external_id for each in query.candidates] == ["did", "d_id", "ddocid", "ddoc_id", "ddocument_id"]
    assert all(each.content and each.content.fields == {"text": "b"} for each in query.candidates)
    assert jsonl(row("a", {"id": "d1", "text": "only a text"})).check("qid").warnings == [
        'what has no meaning of its own became a field of the documents: "text"',
        'the title of 1 document was missing and taken from "text"',
    ]


def test_a_first_query_without_candidates_is_told() -> None:
    queries = "Frage Nr\tFrage\nq1\tred shoes\nq2\tblue shirt\n"

    [warning] = trec(queries=queries).check("qid").warnings

    assert warning.startswith('the query in line 1 of the queries file, "Frage", has no candidates in the run')


@pytest.mark.parametrize("header", ["query-id\ttext", "_id\ttext", "id\tquery", "qid\tquery", "Query ID\tQuery"])
def test_a_header_becomes_no_query(header: str) -> None:
    checked = trec(queries=f"{header}\n{QUERIES}").check("qid")

    assert (checked.query_count, checked.warnings) == (2, [])


def test_queries_of_other_runs_are_told_and_left_out_when_asked() -> None:
    queries = QUERIES + "".join(f"x{number}\tother {number}\n" for number in range(8))

    checked = trec(queries=queries).check("qid")
    assert checked.query_count == 10
    assert "8 of 10 queries have no candidates in the run" in checked.warnings[0]

    only = RunFiles(as_file(RUN), as_file(queries), as_file(DOCUMENTS), only_ranked_queries=True).check("qid")
    assert [query for query, _ in ids(only)] == ["red shoes", "blue shirt"]
    assert only.warnings == ["8 queries without candidates in the run were left out"]


def test_identical_lines_count_once_and_are_told() -> None:
    first = RUN.splitlines(keepends=True)[0]

    checked = trec(run=RUN + first, queries=QUERIES + "q1\tred shoes\n", documents=DOCUMENTS + DOCUMENTS).check("qid")

    assert (checked.query_count, checked.candidate_count) == (2, 3)
    assert checked.warnings == [
        "left out: 1 repeated line of the run file",
        "left out: 1 repeated line of the queries file",
        "left out: 2 repeated lines of the documents file",
    ]


def test_swapped_files_are_all_told_at_once() -> None:
    found = problems_of(trec(run=QUERIES, queries=DOCUMENTS, documents=RUN))

    assert [(file, message.rpartition(", not ")[0]) for file, _, message in found] == [
        ("documents", "this looks like a TREC run, which belongs into the field run"),
        ("queries", "this looks like JSON lines of documents, which belongs into the field documents"),
        ("run", "this looks like queries with tabs (TSV), which belongs into the field queries"),
    ]


def test_a_named_format_is_read_whatever_the_file_looks_like() -> None:
    source = RunFiles(as_file("q1 d1 1\n"), as_file(QUERIES), as_file(DOCUMENTS), read_as={"run": "trec_run"})

    assert problems_of(source) == [
        ("run", 1, "6 columns are expected (query_id Q0 doc_id rank score tag), not 3"),
    ]


def test_the_row_numbers_of_a_data_frame_are_no_field() -> None:
    text = ",query,doc_id,rank,title,Unnamed: 0\n0,a,d1,1.0,One,7\n1,a,d2,2.0,Two,8\n"

    [query] = ResultsFile(as_file(text)).check("qid").read()

    assert [(each.external_id, each.content.fields) for each in query.candidates if each.content] == [
        ("d1", {}),
        ("d2", {}),
    ]


def test_spaces_behind_commas_are_no_part_of_a_cell() -> None:
    text = 'query, doc_id, score, title, brand\nred shoes, d1, 1.5, "One, and two", Acme\nred shoes, d2, 2, Two,\n'

    [query] = ResultsFile(as_file(text)).check("qid").read()

    assert [
        (each.external_id, each.content.title, each.content.fields) for each in query.candidates if each.content
    ] == [
        ("d2", "Two", {}),
        ("d1", "One, and two", {"brand": "Acme"}),
    ]
