"""Judgments from files: resolved, checked as a whole, and written over what the same authors said before."""

from datetime import UTC, datetime
from typing import Any

import pytest

from judging import ledger
from judging.foundation.errors import Forbidden, ImportRejected, Invalid
from judging.models import (
    AuditEvent,
    Candidate,
    Corpus,
    Document,
    DocumentVersion,
    EvaluationRun,
    ImportedRater,
    Judgment,
    JudgmentImport,
    Query,
    StagedJudgment,
    User,
)
from judging.records.roles import SYSTEM
from judging.runs.importing import judgment_import as service
from judging.runs.importing.judgment_import import JudgmentImportOutcome, import_judgments
from judging.runs.importing.reach import Reach
from judging.runs.importing.run_files import RunFiles
from tests.factories import candidate, make_evaluation, make_judge, make_run, make_user
from tests.runs.importing import DEMO, as_file, do_import, row_counts

pytestmark = [pytest.mark.django_db, pytest.mark.on_both]


def do(corpus: Corpus, text: str | bytes, file_name: str = "grades.csv", **values: Any) -> JudgmentImportOutcome:
    values = {"actor": SYSTEM, "scale": "graded", **values}
    return import_judgments(corpus=corpus, file=as_file(text), file_name=file_name, **values)


def problems_of(
    corpus: Corpus, text: str | bytes, file_name: str = "grades.csv", **values: Any
) -> list[tuple[int, str]]:
    before = row_counts()
    with pytest.raises(ImportRejected) as refused:
        do(corpus, text, file_name, **values)
    assert row_counts() == before
    return [(problem.line, problem.message) for problem in refused.value.problems]


def judgments(corpus: Corpus) -> list[tuple[str, str, str, int]]:
    """Return (query, document, author, grade) of all judgments."""
    rows = Judgment.objects.filter(corpus=corpus).select_related("query", "document", "member", "rater").order_by("pk")
    return [
        (
            each.query.text,
            each.document.external_id,
            each.member.email if each.member else each.rater.name if each.rater else each.judge_label,
            each.grade,
        )
        for each in rows
    ]


@pytest.fixture
def run() -> EvaluationRun:
    """A run with the queries q1 "red shoes" (d1, d2, d3) and q2 "blue shirt" (d2, d4)."""
    return make_run()


@pytest.fixture
def corpus(run: EvaluationRun) -> Corpus:
    return run.evaluation.corpus


@pytest.mark.slow(seconds=2)
def test_the_electronics_judgments_reach_the_candidates_and_the_metrics(member: User) -> None:
    evaluation = make_evaluation()
    with (
        (DEMO / "bm25-all-fields.run").open("rb") as run_file,
        (DEMO / "queries.tsv").open("rb") as queries,
        (DEMO / "documents.jsonl").open("rb") as documents,
    ):
        source = RunFiles(run_file, queries, documents)
        run = do_import(evaluation, source, scale="trec", metrics=["NDCG@10", "Judged@10"]).run

    text = (DEMO / "judgments.csv").read_bytes()
    outcome = do(evaluation.corpus, text, "judgments.csv", scale="trec", actor=member)

    assert outcome == JudgmentImportOutcome(
        read=9564, written=9564, reach=Reach(9564, 3288, 1), read_as={"file": "csv"}
    )
    run.refresh_from_db()
    assert run.metric_values["NDCG@10"] == pytest.approx(0.624, abs=0.0005)
    assert (run.scored_query_count, run.judged_count) == (135, 1096)
    assert set(ImportedRater.objects.values_list("name", flat=True)) == {"rater-1", "rater-2", "rater-3"}
    event = AuditEvent.objects.get(action="judgments_imported")
    assert (event.actor, event.subject_id) == (member, str(evaluation.corpus.pk))
    assert event.detail == {"file": "judgments.csv", "read": 9564, "written": 9564}
    assert not StagedJudgment.objects.exists()
    assert not JudgmentImport.objects.exists()


def test_importing_again_replaces_an_author_s_grades_and_leaves_others_alone(corpus: Corpus) -> None:
    do(corpus, "query_id,doc_id,author,grade\nq1,d1,ann,4\nq1,d1,bob,2\n")

    outcome = do(corpus, "query_id,doc_id,author,grade\nq1,d1,ann,1\n")

    assert outcome == JudgmentImportOutcome(read=1, written=1, reach=Reach(1, 1, 1), read_as={"file": "csv"})
    assert judgments(corpus) == [("red shoes", "d1", "ann", 1), ("red shoes", "d1", "bob", 2)]


def test_grades_reach_the_unlocked_runs_of_the_scale_only(member: User) -> None:
    evaluation = make_evaluation()
    unlocked, locked = make_run(evaluation=evaluation), make_run(evaluation=evaluation)
    other_scale = make_run(evaluation=evaluation, scale="detailed")
    ledger.snapshot_run(locked.pk, by_id=member.pk)

    do(evaluation.corpus, "query_id,doc_id,grade\nq1,d1,4\n")

    grades = [candidate(each, "red shoes", "d1").effective_grade for each in (unlocked, locked, other_scale)]
    assert grades == [4, None, None]
    unlocked.refresh_from_db()
    assert (unlocked.judged_count, unlocked.scored_query_count) == (1, 1)
    assert unlocked.metric_values["P@10"] == 0.1


def test_documents_and_queries_that_the_corpus_lacks_are_made(corpus: Corpus) -> None:
    do(corpus, "query,doc_id,grade\ngreen hat,d77,3\nred shoes,d1,1\n")

    assert judgments(corpus) == [("green hat", "d77", "imported", 3), ("red shoes", "d1", "imported", 1)]
    assert Query.objects.filter(corpus=corpus).count() == 3
    assert not DocumentVersion.objects.filter(document__external_id="d77").exists()


def test_a_judged_document_that_the_run_lacks_counts_in_its_ideal(corpus: Corpus, run: EvaluationRun) -> None:
    do(corpus, "query_id,doc_id,grade\nq1,d1,4\n")
    run.refresh_from_db()
    assert run.metric_values["NDCG@10"] == 1

    do(corpus, "query_id,doc_id,grade\nq1,d77,4\n")

    run.refresh_from_db()
    assert 0.5 < run.metric_values["NDCG@10"] < 0.7


def test_all_columns_are_kept(corpus: Corpus) -> None:
    text = (
        "query_id,query,doc_id,grade,scale,author,kind,judge,reasoning,created_at\n"
        'q1,red shoes,d1,7,detailed,ann,human,,"says ""red"",\nand shoes",2024-05-06T07:08:09+02:00\n'
    )
    do(corpus, text, scale="graded")

    judgment = Judgment.objects.get()
    assert (judgment.scale, judgment.grade, judgment.reasoning) == ("detailed", 7, 'says "red",\nand shoes')
    assert judgment.created_at == datetime(2024, 5, 6, 5, 8, 9, tzinfo=UTC)
    assert judgment.saw_ai_grade is None


def test_an_author_with_the_address_of_a_member_or_a_former_one_is_that_member(corpus: Corpus) -> None:
    ann = make_user(email="ann@example.com")
    gone = make_user(email="gone@example.com", is_active=False)

    do(corpus, "query_id,doc_id,grade,rater\nq1,d1,3,Ann@Example.com\nq1,d1,2,gone@example.com\n")

    authors: set[Any] = set(Judgment.objects.values_list("author_kind", "member", "rater__name"))
    assert authors == {
        ("member", ann.pk, None),
        ("member", gone.pk, None),
    }


def test_an_imported_ai_grade_stays_behind_those_of_judging_runs(corpus: Corpus, run: EvaluationRun) -> None:
    version = make_judge().versions.get()
    graded = candidate(run, "red shoes", "d1")
    source = ledger.ai_grades.Source(run.pk, datetime.now(UTC), version.pk, version.label)
    ledger.record_ai_grades(
        [ledger.AIGrade(graded.query_id, graded.document_id, 4, "")],
        corpus_id=corpus.pk,
        scale="graded",
        source=source,
        unlocked_run_ids=[run.pk],
    )
    text = "query_id,doc_id,grade,kind,judge\nq1,d1,0,ai,Old v1\nq1,d2,2,ai,Old v1\n"

    outcome = do(corpus, text)

    assert (outcome.read, outcome.written, outcome.kept) == (2, 1, 1)
    assert outcome.warnings == [
        "1 AI judgment was not imported, since judging runs of this installation wrote others",
    ]
    assert judgments(corpus) == [("red shoes", "d1", version.label, 4), ("red shoes", "d2", "Old v1", 2)]

    do(corpus, "query_id,doc_id,grade,kind,judge\nq1,d2,3,AI,New v2\n")
    assert judgments(corpus)[1] == ("red shoes", "d2", "New v2", 3)
    assert candidate(run, "red shoes", "d2").ai_grade == 3


def test_qrels_are_the_grades_of_the_rater_imported(corpus: Corpus) -> None:
    do(corpus, "q1 0 d1 3\r\nq2 0 d4 0\r\n", "x.qrels")

    assert judgments(corpus) == [("red shoes", "d1", "imported", 3), ("blue shirt", "d4", "imported", 0)]


def test_a_queries_file_gives_labels_their_text(corpus: Corpus) -> None:
    do(corpus, "q1 0 d1 3\nx9 0 d1 1\n", "x.qrels", queries_file=as_file("q1\tother\nx9\tred shoes\n"))

    assert judgments(corpus) == [("other", "d1", "imported", 3), ("red shoes", "d1", "imported", 1)]


def test_a_label_that_means_different_queries_in_different_runs_is_refused(corpus: Corpus, run: EvaluationRun) -> None:
    make_run({"blue shirt": ["d1"]}, evaluation=run.evaluation)

    [(line, message)] = problems_of(corpus, "q2 0 d1 3\nq1 0 d1 3\n", "x.qrels")

    assert line == 2
    assert "stands for different queries" in message


def test_a_query_without_label_is_known_by_the_id_that_exports_give_it(corpus: Corpus, run: EvaluationRun) -> None:
    query = run.run_queries.get(position=1)
    run.run_queries.filter(pk=query.pk).update(label="")

    do(corpus, f"{query.pk} 0 d1 3\n", "x.qrels")

    assert judgments(corpus) == [("red shoes", "d1", "imported", 3)]


KNOWN = [
    ("x.csv", "query_id,doc_id,grade\nq1,d1,3\n"),
    ("x.csv", "query_id;doc_id;grade\r\nq1;d1;3\r\n"),
    ("x.tsv", "query_id\tdoc_id\tgrade\nq1\td1\t3\n"),
    ("x", "\ufeffDoc_ID , Query_ID,grade\nd1,q1, 3\n\n"),
    ("x", '{"query_id": "q1", "doc_id": "d1", "grade": 3}\n'),
    ("x.ndjson", '\n{"query": "red shoes", "doc_id": "d1", "grade": 3, "scale": null}\n'),
    ("x.txt", "q1 Q0 d1 3\n"),
    ("x.qrels", "q1\t0\td1\t3\n"),
]


def test_the_format_is_known_by_name_or_content(corpus: Corpus) -> None:
    for name, text in KNOWN:
        Judgment.objects.all().delete()
        do(corpus, text, name)
        assert judgments(corpus) == [("red shoes", "d1", "imported", 3)], (name, text)


WRONG_LINES = [
    ("q1,d1,5,,,,,,", 'the grade must be a whole number from 0 to 4 (graded), not "5"'),
    ("q1,d1,3.5,,,,,,", 'the grade must be a whole number from 0 to 4 (graded), not "3.5"'),
    ("q1,d1,2,binary,,,,,", 'the grade must be a whole number from 0 to 1 (binary), not "2"'),
    ("q1,d1,2,stars,,,,,", 'the scale must be one of binary, graded, detailed, trec, not "stars"'),
    ("q1,,2,,,,,,", "doc_id is empty"),
    (",d1,2,,,,,,", "query_id or query is needed"),
    ("q1,d1,2,,x,robot,,,", 'kind must be human or ai, not "robot"'),
    ("q1,d1,2,,x,ai,,,", "judge (needed with kind ai) is empty"),
    (f"q1,d1,2,,{'x' * 255},,,,", "author is longer than 254 characters"),
    ("q1,d1,2,,,,,,yesterday", 'created_at must be an ISO 8601 time, not "yesterday"'),
    ("q1,d1,2,,,,,,0001-01-01T00:00:00+14:00", "created_at must be an ISO 8601 time"),
    ("q1,d1,2", "3 columns, but the header has 9"),
    ("q1,d2,2,,ann,,,,", 'a judgment by "ann" of the same query and document stands in line 2, too'),
    ("q1,d3,1,,,ai,Other v1,,", "an AI judgment of the same query and document stands in line 4, too"),
    ('q1,d1,2,,,,,"x', "not valid CSV: unexpected end of data"),
    ('q1,d1,2,,,,,"x"y,', "not valid CSV: ',' expected after '\"'"),
]


def test_a_wrong_line_of_a_csv_file_is_refused_with_its_number(corpus: Corpus) -> None:
    text = (
        "query_id,doc_id,grade,scale,author,kind,judge,reasoning,created_at\n"
        'q1,d2,2,,ann,,,"two\nlines",\n'
        "q1,d3,2,,,ai,Judge v1,,\n"
    )

    for line, message in WRONG_LINES:
        [(number, found)] = problems_of(corpus, text + line + "\n")
        # The row before begins in line 2 and ends in line 3.
        assert number == 5, line
        assert message in found


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("query_id,grade", "the header lacks doc_id"),
        ("doc_id,score", "the header lacks grade"),
        ("doc_id,grade", "the header has neither query_id nor query"),
        ("query_id,doc_id,grade,Grade", "a column stands twice in the header"),
        ("query_id,doc_id,grade,rater,author", "rater and author are the same: give one of them"),
    ],
)
def test_a_wrong_header_is_refused(corpus: Corpus, header: str, message: str) -> None:
    assert problems_of(corpus, f"{header}\nq1,d1,2\n") == [(1, message)]


WRONG_OBJECTS = [
    ("3", "a JSON object is expected"),
    (
        '{"query_id": "q1", "doc_id": "d1", "grade": "9"}',
        'the grade must be a whole number from 0 to 4 (graded), not "9"',
    ),
    ('{"query_id": "q1", "doc_id": "d1", "grade": true}', "the grade must be a whole number"),
    ('{"query_id": "q1", "doc_id": "d1", "grade": 3.5}', "the grade must be a whole number"),
    ('{"query_id": "q1", "doc_id": "d1", "grade": 3, "scale": []}', "the scale must be one of"),
    ('{"query": {"q": 1}, "doc_id": "d1", "grade": 3, "scale": "graded"}', 'needs a text under "query"'),
    ('{"query_id": "q1", "doc_id": ["d1"], "grade": 3, "scale": "graded"}', "doc_id must be text"),
    ('{"query_id": "q1", "doc_id": "d1", "grade": 3, "scale": "graded", "reasoning": "\\u0000"}', "NUL"),
    ('{"query_id": "q1", "doc_id": "d1", "grade": 3, "scale": "graded", "created_at": 17}', "ISO 8601"),
    ('{"query_id": "q1", "doc_id": "d1", "grade": 3, "scale": "graded", "rater": "a", "author": "b"}', "the same"),
]


def test_a_wrong_line_of_a_jsonl_file_is_refused_with_its_number(corpus: Corpus) -> None:
    fine = '{"query_id": "q1", "doc_id": "d2", "grade": 1, "scale": "graded"}'
    for line, message in WRONG_OBJECTS:
        scale = None if "scale" in line or line == "3" else "graded"
        [(number, found)] = problems_of(corpus, f"{fine}\n{line}\n", "x.jsonl", scale=scale)
        assert number == 2, line
        assert message in found


def test_a_wrong_line_of_qrels_or_queries_is_refused_with_its_number(corpus: Corpus) -> None:
    assert problems_of(corpus, "q1 0 d1 3\nq1 0 d1\n", "x.qrels") == [
        (2, "4 columns are expected (query_id 0 doc_id grade), not 3")
    ]
    assert problems_of(corpus, "q1 0 d1 3\nq2 0 d1 9\n", "x.qrels")[0][0] == 2
    with_queries = {"queries_file": as_file("q1\tx\noops\n")}
    assert problems_of(corpus, "q1 0 d1 3\n", "x.qrels", **with_queries)[0][0] == 2


def test_a_file_without_judgments_is_refused(corpus: Corpus) -> None:
    for text in ("", "query_id,doc_id,grade\n"):
        assert problems_of(corpus, text) == [(0, "there are no judgments in it")]


def test_an_unknown_format_or_scale_is_refused(corpus: Corpus) -> None:
    with pytest.raises(Invalid) as refused:
        do(corpus, "x", read_as={"file": "xlsx"})
    assert set(refused.value.errors) == {"read_as"}
    with pytest.raises(Invalid) as refused:
        do(corpus, "x", scale="stars")
    assert set(refused.value.errors) == {"scale"}


def test_raters_import_no_judgments(corpus: Corpus, rater: User) -> None:
    with pytest.raises(Forbidden):
        do(corpus, "query_id,doc_id,grade\nq1,d1,3\n", actor=rater)


def test_unknown_columns_are_a_warning(corpus: Corpus) -> None:
    outcome = do(corpus, "query_id,doc_id,grade,colour\nq1,d1,3,red\n")

    assert outcome.warnings == ['columns that have no meaning here were ignored: "colour"']


def test_when_writing_fails_no_grade_is_written_and_nothing_stays_staged(
    corpus: Corpus, run: EvaluationRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def apply_then_fail(judgment_import_id: Any) -> int:
        raise RuntimeError("disk full")

    monkeypatch.setattr(service, "apply_staged", apply_then_fail)

    with pytest.raises(RuntimeError):
        do(corpus, "query_id,doc_id,grade\nq1,d1,3\n")

    assert not Judgment.objects.exists()
    assert not StagedJudgment.objects.exists()
    assert not JudgmentImport.objects.exists()
    assert not Candidate.objects.filter(effective_grade__isnull=False).exists()


def test_left_overs_of_a_killed_import_go_with_the_next_one(corpus: Corpus) -> None:
    JudgmentImport.objects.create(corpus=corpus, created_at=datetime(2020, 1, 1, tzinfo=UTC))
    running = JudgmentImport.objects.create(corpus=corpus)

    do(corpus, "query_id,doc_id,grade\nq1,d1,3\n")

    assert list(JudgmentImport.objects.all()) == [running]


def test_a_file_of_several_chunks_is_written_whole(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_CHUNK", 3)
    lines = "".join(f"new {number % 4},d{number},{number % 5},ann\n" for number in range(20))

    outcome = do(corpus, f"query,doc_id,grade,author\n{lines}")

    assert outcome.written == 20
    assert judgments(corpus) == [(f"new {number % 4}", f"d{number}", "ann", number % 5) for number in range(20)]
    assert Document.objects.filter(corpus=corpus).count() == 20
