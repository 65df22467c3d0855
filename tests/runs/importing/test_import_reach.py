"""What an import of judgments says: what was left out, on which scale it was read, and how many reach a candidate."""

from typing import Any

import pytest

from judging.foundation.errors import ImportRejected, Invalid
from judging.models import Corpus, EvaluationRun, Judgment
from judging.records.roles import SYSTEM
from judging.runs.importing.judgment_import import JudgmentImportOutcome, import_judgments
from judging.runs.importing.reach import Reach
from tests.factories import make_evaluation, make_run
from tests.runs.importing import as_file, row_counts
from tests.runs.importing.test_formats import BEIR_QRELS, BOOK, MS_MARCO_QRELS, OPENSEARCH, QUEPID, RANKLIB, RRE

pytestmark = pytest.mark.django_db


@pytest.fixture
def run() -> EvaluationRun:
    """A run with the queries q1 "red shoes" (d1, d2, d3) and q2 "blue shirt" (d2, d4)."""
    return make_run()


@pytest.fixture
def corpus(run: EvaluationRun) -> Corpus:
    return run.evaluation.corpus


def do(corpus: Corpus, text: str, **values: Any) -> JudgmentImportOutcome:
    return import_judgments(corpus=corpus, actor=SYSTEM, file=as_file(text), file_name="x", **values)


@pytest.mark.parametrize(
    ("text", "read_as", "grades"),
    [
        (BEIR_QRELS, "beir_qrels", {"d1": 1, "d4": 0}),
        (MS_MARCO_QRELS, "qrels", {"d1": 1, "d4": 0}),
        (QUEPID, "quepid", {"d1": 1, "d4": 0}),
        (BOOK, "quepid_book", {"d1": 3, "d4": 1}),
        (OPENSEARCH, "opensearch", {"d1": 1, "d4": 0}),
        (RANKLIB, "ranklib", {"d1": 3, "d4": 0}),
    ],
)
def test_judgments_of_other_tools_reach_the_candidates(
    corpus: Corpus, text: str, read_as: str, grades: dict[str, int]
) -> None:
    outcome = do(corpus, text)

    assert outcome.read_as == {"file": read_as}
    assert outcome.reach == Reach(judgments=2, on_candidates=2, runs=1)
    assert dict(Judgment.objects.values_list("document__external_id", "grade")) == grades


def test_queries_of_a_group_get_the_ratings_of_the_group(corpus: Corpus) -> None:
    outcome = do(corpus, RRE)

    assert outcome.reach == Reach(judgments=4, on_candidates=3, runs=1)


def test_beir_files_go_in_as_they_are() -> None:
    corpus = make_evaluation().corpus
    queries = '{"_id": "q1", "text": "red shoes", "metadata": {}}\n{"_id": "q2", "text": "blue shirt"}\n'

    outcome = do(corpus, BEIR_QRELS, queries_file=as_file(queries), scale="binary")

    assert outcome.read_as == {"file": "beir_qrels", "queries": "beir_queries"}
    assert set(Judgment.objects.values_list("query__text", "document__external_id", "grade")) == {
        ("red shoes", "d1", 1),
        ("blue shirt", "d4", 0),
    }


def test_what_is_no_judgment_is_left_out_counted_and_told(corpus: Corpus) -> None:
    text = "q1 0 d1 3\nq1 0 d2 -1\nq1 0 d1 3\nq9 0 d1 2\nq9 0 d2 2\nq2 0 d4 nan\nq1 0 d3 -2\n"

    outcome = do(corpus, text, read_as={"file": "qrels"})

    assert (outcome.read, outcome.written, Judgment.objects.count()) == (1, 1, 1)
    assert outcome.warnings == [
        "grades without a scale were read on that of the corpus's runs: graded",
        "left out: 1 line without a grade",
        "left out: 2 lines with a grade below 0 (not judged)",
        "left out: 1 repeated line",
        'left out: 2 judgments of queries that are not known here (first in line 4: the query_id "q9" is not in any run'
        " of this corpus)",
    ]


def test_a_file_of_unknown_queries_alone_is_refused(corpus: Corpus) -> None:
    before = row_counts()
    with pytest.raises(ImportRejected) as refused:
        do(corpus, "q8 0 d1 3\nq9 0 d1 2\n")
    assert 'the query_id "q8" is not in any run of this corpus' in refused.value.message
    assert row_counts() == before


def test_lines_that_contradict_each_other_are_refused(corpus: Corpus) -> None:
    with pytest.raises(ImportRejected, match=r"line 2: a judgment by .* stands in line 1, too"):
        do(corpus, "q1 0 d1 3\nq1 0 d1 2\n")


def test_the_scale_is_asked_for_when_the_runs_have_several_or_there_are_none(
    corpus: Corpus, run: EvaluationRun
) -> None:
    assert do(corpus, "q1 0 d1 3\n").warnings[0].endswith("the corpus's runs: graded")
    make_run(evaluation=run.evaluation, scale="binary")
    for text in (MS_MARCO_QRELS, QUEPID, OPENSEARCH, RANKLIB):
        with pytest.raises(Invalid, match=r"have several \(binary, graded\): give the scale") as refused:
            do(corpus, text)
        assert set(refused.value.errors) == {"scale"}
    with pytest.raises(ImportRejected, match="line 2: no scale: give a scale column"):
        do(corpus, "query,doc_id,grade\nred shoes,d1,1\n")
    with pytest.raises(Invalid, match="this corpus has no runs yet: give the scale"):
        do(make_evaluation().corpus, MS_MARCO_QRELS)


def reach_warning(corpus: Corpus, text: str, **values: Any) -> str:
    outcome = do(corpus, text, **{"scale": "graded", **values})
    return "; ".join(outcome.warnings)


def test_judgments_that_reach_enough_are_not_warned_of(corpus: Corpus) -> None:
    assert reach_warning(corpus, "q1 0 d1 3\nq1 0 x1 3\n") == ""


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (
            "query,doc_id,grade\nRed  Shoes,d1,1\n",
            'differ from those of the runs in case or white space ("Red  Shoes", there "red shoes")',
        ),
        ("query,doc_id,grade\ngreen hat,d1,1\n", 'their queries are not those of the runs (such as "green hat")'),
        ("query,doc_id,grade\nred shoes,D1,1\n", '("D1", there "d1")'),
        ("query,doc_id,grade\nred shoes,x1,1\n", 'their documents\' ids are not those of the runs (such as "x1")'),
        ("query,doc_id,grade\nred shoes,d4,1\nblue shirt,d1,1\n", "but the runs do not have them together"),
        (
            "query,doc_id,grade,scale\nred shoes,d1,1,binary\n",
            "the runs that hold these candidates are on another scale (graded)",
        ),
    ],
)
def test_judgments_that_reach_none_say_the_likely_cause(corpus: Corpus, text: str, cause: str) -> None:
    warning = reach_warning(corpus, text)

    assert warning.startswith("none of the ")
    assert "concern a candidate of a run on their scale" in warning
    assert cause in warning


def test_numbers_in_another_form_are_a_likely_cause() -> None:
    run = make_run({"a": ["12", "13"]})

    warning = reach_warning(run.evaluation.corpus, "query,doc_id,grade\na,12.0,1\n")

    assert '("12.0", there "12")' in warning


def test_few_are_warned_of_too(corpus: Corpus) -> None:
    lines = "".join(f"q1 0 x{number} 1\n" for number in range(20))

    assert reach_warning(corpus, f"q1 0 d1 1\n{lines}").startswith("only 1 of the 21 judgments concern a candidate")


def test_without_a_run_the_judgments_wait_for_one() -> None:
    outcome = do(make_evaluation().corpus, "query,doc_id,grade\na,d1,1\n", scale="graded")

    assert outcome.reach == Reach(judgments=1, on_candidates=0, runs=0)
    assert outcome.warnings == ["the corpus has no run yet: the judgments count as soon as one is imported"]


def test_the_same_mistake_in_many_lines_is_one_line(corpus: Corpus) -> None:
    with pytest.raises(ImportRejected) as refused:
        do(corpus, "query,doc_id,grade\n" + "".join(f"red shoes,d{number},9\n" for number in range(25)), scale="graded")

    [message] = refused.value.errors["file"]
    assert message == ('lines 2, 3, 4 and 22 more: the grade must be a whole number from 0 to 4 (graded), not "9"')
    assert refused.value.total == 25


def test_what_is_no_text_is_refused_for_the_whole_file(corpus: Corpus) -> None:
    before = row_counts()
    with pytest.raises(ImportRejected) as refused:
        import_judgments(corpus=corpus, actor=SYSTEM, file=as_file(b"\x1f\x8b\x08"), file_name="x.gz")
    assert refused.value.errors["file"] == ["this is a gzip archive: unpack it (gunzip) and upload what is in it"]
    assert row_counts() == before


def test_the_same_mistake_in_other_columns_is_one_line_too(corpus: Corpus) -> None:
    lines = ['{"query": "a", "doc_id": "d", "grade": 1}', *(f'{{"query": "{"x" * number}"' for number in range(1, 26))]
    with pytest.raises(ImportRejected) as refused:
        do(corpus, "\n".join(lines), scale="graded")

    [message] = refused.value.errors["file"]
    assert message.startswith("lines 2, 3, 4 and 22 more: not valid JSON: ")


def test_a_file_without_a_single_grade_says_what_stands_in_it(corpus: Corpus) -> None:
    with pytest.raises(ImportRejected, match="there are no judgments in it, but 1 line without a grade, 2 lines with"):
        do(corpus, "query,doc_id,grade\na,d1,\na,d2,-1\na,d3,-2\n", scale="graded")
