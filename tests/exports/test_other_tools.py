"""Judgments for other tools: in their own form, and the same when they come back."""

import json

import pytest

from judging.exports import JUDGMENT_FORMATS, export_judgments
from judging.foundation.errors import Conflict
from judging.models import Candidate, Corpus, EvaluationRun, Judgment
from judging.records.roles import SYSTEM
from judging.runs.importing.judgment_import import import_judgments
from tests.exports.test_exports import grade
from tests.factories import candidate, make_evaluation, make_run
from tests.runs.importing import as_file, do_import_inline, row

pytestmark = pytest.mark.django_db


def exported(run: EvaluationRun, file_format: str) -> str:
    return "".join(export_judgments(run, file_format))


@pytest.fixture
def run() -> EvaluationRun:
    """Red shoes: d1 has 4 and 3 by people (effective 4) and 0 by the AI, d2 has 1 by the AI; blue shirt, =d4: 0."""
    run = make_run({"red shoes": ["d1", "d2"], "=blue, shirt": ["=d4"]})
    grade(run, "red shoes", "d1", 4, "Ann")
    grade(run, "red shoes", "d1", 3, "Bö, b")
    grade(run, "red shoes", "d1", 0, judge="Judge v1")
    grade(run, "red shoes", "d2", 1, judge="Judge v1")
    grade(run, "=blue, shirt", "=d4", 0, "Ann")
    return run


def test_quepid_gets_a_rating_for_each_pair(run: EvaluationRun) -> None:
    assert exported(run, "quepid") == ("query,docid,rating\nred shoes,d1,4\nred shoes,d2,1\n\"'=blue, shirt\",'=d4,0\n")


def test_a_quepid_book_has_a_column_for_every_rater(run: EvaluationRun) -> None:
    assert exported(run, "quepid_book") == (
        'query,docid,Ann,"Bö, b",ai:Judge v1\nred shoes,d1,4,3,0\nred shoes,d2,,,1\n"\'=blue, shirt",\'=d4,0,,\n'
    )


def test_opensearch_gets_a_judgment_list(run: EvaluationRun) -> None:
    assert json.loads(exported(run, "opensearch")) == {
        "name": run.name,
        "description": "Effective grades, graded",
        "type": "IMPORT_JUDGMENT",
        "judgmentRatings": [
            {"query": "red shoes", "ratings": [{"docId": "d1", "rating": "4.0"}, {"docId": "d2", "rating": "1.0"}]},
            {"query": "=blue, shirt", "ratings": [{"docId": "=d4", "rating": "0.0"}]},
        ],
    }


def test_rre_gets_a_group_for_each_query(run: EvaluationRun) -> None:
    answer = json.loads(exported(run, "rre"))

    assert (answer["id_field"], len(answer["query_groups"])) == ("id", 2)
    assert answer["query_groups"][0] == {
        "name": "red shoes",
        "queries": [{"template": "only_q.json", "placeholders": {"$query": "red shoes"}}],
        "relevant_documents": {"d1": {"gain": 4}, "d2": {"gain": 1}},
    }


def test_ranklib_gets_lines_behind_the_queries(run: EvaluationRun) -> None:
    assert exported(run, "ranklib") == (
        "# qid:1: red shoes*1\n# qid:2: =blue, shirt*1\n4 qid:1 # d1\n1 qid:1 # d2\n0 qid:2 # =d4\n"
    )


def test_every_format_comes_back_as_what_it_is(run: EvaluationRun) -> None:
    for file_format, text in {name: exported(run, name) for name in JUDGMENT_FORMATS}.items():
        if file_format == "qrels":
            text = text.replace(str(run.run_queries.get(position=1).pk), "q1")
        Judgment.objects.all().delete()
        Candidate.objects.update(effective_grade=None, people_mean=None, people_count=0, ai_grade=None)

        outcome = import_judgments(corpus=run.evaluation.corpus, actor=SYSTEM, file=as_file(text), file_name="x")

        assert outcome.read_as == {"file": "csv" if file_format == "csv_excel" else file_format}
        everyone = file_format in ("csv", "csv_excel", "jsonl", "quepid_book")
        assert outcome.reach.on_candidates == outcome.reach.judgments == (5 if everyone else 3), file_format
        shoes, shirt = candidate(run, "red shoes", "d1"), candidate(run, "=blue, shirt", "=d4")
        assert (shoes.effective_grade, shirt.effective_grade) == (4, 0), file_format
        assert (shoes.people_mean, shoes.ai_grade) == ((3.5, 0) if everyone else (4, None)), file_format


def test_queries_told_apart_as_objects_come_back_as_objects() -> None:
    evaluation = make_evaluation(Corpus.objects.create(name="objects", match_mode="oid"))
    run = do_import_inline(evaluation, row({"query": "shoes", "brand": "Ü*2"}, "d1"), row("shoes", "d1"))
    for query, value in (({"query": "shoes", "brand": "Ü*2"}, 3), ("shoes", 1)):
        line = json.dumps({"query": query, "doc_id": "d1", "grade": value, "author": "Ann"})
        import_judgments(corpus=evaluation.corpus, actor=SYSTEM, file=as_file(line), file_name="x")
    formats = ("quepid", "quepid_book", "opensearch", "rre", "ranklib")
    for file_format, text in {name: exported(run, name) for name in formats}.items():
        Judgment.objects.all().delete()
        import_judgments(corpus=evaluation.corpus, actor=SYSTEM, file=as_file(text), file_name="x")
        assert list(Judgment.objects.order_by("grade").values_list("query__body", "grade")) == [
            ("shoes", 1),
            ({"query": "shoes", "brand": "Ü*2"}, 3),
        ], file_format


def test_csv_for_excel_begins_with_the_mark_and_is_the_same_otherwise(run: EvaluationRun) -> None:
    plain, marked = exported(run, "csv"), exported(run, "csv_excel")

    assert marked.encode().startswith(b"\xef\xbb\xbfquery_id,")
    assert marked.removeprefix("\ufeff") == plain
    assert "Bö, b" in plain


def test_ranklib_can_t_hold_white_space_in_ids_or_line_ends_in_queries() -> None:
    spaced = make_run({"a": ["d 1"]})
    grade(spaced, "a", "d 1", 1)
    lines = make_run({"a\nb": ["d1"]})
    grade(lines, "a\nb", "d1", 1)
    for run in (spaced, lines):
        with pytest.raises(Conflict) as refused:
            export_judgments(run, "ranklib")
        assert refused.value.code == "not_exportable"
