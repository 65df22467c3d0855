"""Exports: what they hold, and that they come back the same."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judging import ledger
from judging.exports import (
    JUDGMENT_FORMATS,
    RUN_FORMATS,
    export_file_name,
    export_judging_run,
    export_judgments,
    export_run,
)
from judging.foundation.errors import Conflict, Invalid
from judging.models import (
    Candidate,
    Corpus,
    EvaluationRun,
    JudgingItem,
    JudgingRun,
    Judgment,
    User,
)
from judging.records.files.cells import csv_line, defuse, restore
from judging.records.files.formats import in_chunks
from judging.records.reading.upload import Problems, SourceFile
from judging.records.roles import SYSTEM
from judging.runs.importing.formats.recognition import recognised
from judging.runs.importing.formats.shapes import Reading
from judging.runs.importing.judgment_files import JudgmentFile
from judging.runs.importing.judgment_import import import_judgments
from judging.runs.importing.run_files import ResultsFile, RunFiles
from tests.factories import candidate, make_evaluation, make_judge, make_run, make_user
from tests.lazily import Lazily
from tests.runs.importing import DEMO, as_file, do_import, do_import_inline, row

ir_measures = Lazily("ir_measures")

pytestmark = pytest.mark.django_db


def grade(run: EvaluationRun, text: str, document: str, grade: int, author: User | str = "ann", **values: Any) -> None:
    """Import one grade, of an imported rater, a member or (`judge=`) the AI."""
    line = {"query": text, "doc_id": document, "grade": grade, "scale": run.scale, **values}
    line["author"] = author.email if isinstance(author, User) else author
    if "judge" in values:
        line["kind"] = "ai"
    corpus = run.evaluation.corpus
    import_judgments(corpus=corpus, actor=SYSTEM, file=as_file(json.dumps(line)), file_name="x.jsonl")


def exported(run: EvaluationRun, file_format: str) -> str:
    return "".join(export_judgments(run, file_format))


def make_electronics() -> EvaluationRun:
    evaluation = make_evaluation()
    with (
        (DEMO / "bm25-all-fields.run").open("rb") as run_file,
        (DEMO / "queries.tsv").open("rb") as queries,
        (DEMO / "documents.jsonl").open("rb") as documents,
        (DEMO / "judgments.csv").open("rb") as judgments,
    ):
        run = do_import(
            evaluation, RunFiles(run_file, queries, documents), scale="trec", metrics=["NDCG@10", "NDCG_lin@10"]
        ).run
        import_judgments(
            corpus=evaluation.corpus, actor=SYSTEM, file=judgments, file_name="judgments.csv", scale="trec"
        )
    run.refresh_from_db()
    return run


@pytest.mark.slow(seconds=4)
def test_other_tools_compute_the_same_metrics_from_exported_electronics() -> None:
    run = make_electronics()
    trec_run = "".join(export_run(run, "trec_run"))
    lines = [line.split() for line in trec_run.splitlines()]
    originals = [line.split() for line in (DEMO / "bm25-all-fields.run").read_text().splitlines()]
    assert [line[:4] for line in lines] == [line[:4] for line in originals]
    qrels = list(ir_measures.read_trec_qrels(exported(run, "qrels")))
    ranking = list(ir_measures.read_trec_run(trec_run))

    exponential = ir_measures.nDCG(gains={each: 2**each - 1 for each in range(4)}) @ 10
    assert ir_measures.calc_aggregate([exponential], qrels, ranking)[exponential] == pytest.approx(
        run.metric_values["NDCG@10"], abs=1e-9
    )
    linear = ir_measures.nDCG @ 10
    assert ir_measures.calc_aggregate([linear], qrels, ranking)[linear] == pytest.approx(
        run.metric_values["NDCG_lin@10"], abs=1e-9
    )
    # Every judgment, also those of documents which this run did not return.
    assert len(qrels) == 3188
    assert exported(run, "csv").count("\n") == 1 + 9564


AWKWARD_ROWS = [
    row(
        "plain",
        {
            "id": "d1",
            "title": "One",
            "fields": {"a": [1, {"b": None}], "ü": 2.5},
            "image": "https://x/1.png",
            "score": 2,
        },
        {"id": "document with spaces", "title": "", "score": -1e-9},
        query_id="label with spaces",
    ),
    row({"query": "object", "filter": ["x"]}, "d1"),
    row("nothing found\nfor it", query_id="=1+1"),
    row("same document, other content", {"id": "d1", "title": "Another"}),
]


@pytest.mark.on_both
@pytest.mark.parametrize("match_mode", ["qid", "oid"])
def test_a_run_as_jsonl_comes_back_the_same(match_mode: str) -> None:
    def imported(source: ResultsFile) -> str:
        corpus = Corpus.objects.create(name="c", match_mode=match_mode)
        return "".join(export_run(do_import(make_evaluation(corpus), source).run, "jsonl"))

    first = imported(ResultsFile(as_file("\n".join(json.dumps(each) for each in AWKWARD_ROWS))))

    assert imported(ResultsFile(as_file(first))) == first
    assert json.loads(first.splitlines()[0]) == AWKWARD_ROWS[0]
    assert json.loads(first.splitlines()[2]) == AWKWARD_ROWS[2]


def test_scores_of_a_trec_run_fall_strictly_and_its_columns_hold_no_spaces() -> None:
    scores = ({"id": f"d{number}", "title": "", "score": 1} for number in range(12))
    run = do_import_inline(make_evaluation(), row("a", *scores), row("b", query_id="q2"), name="two words")

    lines = "".join(export_run(run, "trec_run")).splitlines()

    query_id = run.run_queries.get(position=1).pk
    assert lines[0] == f"{query_id} Q0 d0 1 12 two-words"
    assert lines[-1] == f"{query_id} Q0 d11 12 1 two-words"
    assert len(lines) == 12


@pytest.mark.parametrize("rows", [[row("a", "d 1")], [row("a", "d1", query_id="q 1")]])
def test_what_trec_columns_can_t_hold_is_refused_before_anything_is_sent(rows: list[Any]) -> None:
    run = do_import_inline(make_evaluation(), *rows)
    grade(run, "a", "d 1", 1)

    for export, name in ((export_run, "trec_run"), (export_judgments, "qrels")):
        if export is export_run or rows[0]["candidates"][0]["id"] == "d 1":
            with pytest.raises(Conflict) as refused:
                export(run, name)
            assert refused.value.code == "not_exportable"
    assert list(export_run(run, "jsonl"))


def test_an_unknown_format_is_refused_before_anything_is_sent() -> None:
    run = make_run()

    for export in (export_run, export_judgments):
        with pytest.raises(Invalid) as refused:
            export(run, "xlsx")
        assert set(refused.value.errors) == {"file_format"}


@pytest.mark.on_both
def test_judgments_of_all_kinds_come_back_the_same() -> None:
    run = make_run()
    member = make_user(email="ann@example.com")
    grade(run, "blue shirt", "d2", 0, "=cmd|' /C calc'!A0", reasoning="'=already quoted")
    grade(run, "red shoes", "d77", 3, member, reasoning='says "red",\r\nand\nshoes', created_at="2024-05-06T07:08:09Z")
    grade(run, "red shoes", "d1", 4, "", judge="Judge v3", reasoning="-1 is no formula")
    grade(run, "red shoes", "d1", 1, member)

    for file_format in ("csv", "jsonl"):
        text = exported(run, file_format)
        Judgment.objects.all().delete()
        import_judgments(corpus=run.evaluation.corpus, actor=SYSTEM, file=as_file(text), file_name=f"x.{file_format}")
        assert exported(run, file_format) == text

    rows = [json.loads(line) for line in exported(run, "jsonl").splitlines()]
    assert [(each["query_id"], each["doc_id"], each["author"], each["kind"], each["judge"]) for each in rows] == [
        ("q1", "d1", "ann@example.com", "human", ""),
        ("q1", "d1", "", "ai", "Judge v3"),
        ("q1", "d77", "ann@example.com", "human", ""),
        ("q2", "d2", "=cmd|' /C calc'!A0", "human", ""),
    ]
    assert rows[2]["created_at"] == "2024-05-06T07:08:09Z"
    assert ",'=cmd|" in exported(run, "csv")


@pytest.mark.on_both
def test_queries_of_an_object_corpus_come_back_the_same_through_csv() -> None:
    corpus = Corpus.objects.create(name="objects", match_mode="oid")
    bodies = [{"query": "shoes", "filter": 1}, {"query": "shoes"}, "{looks like json}"]
    run = do_import_inline(make_evaluation(corpus), *(row(body, "d1") for body in bodies))
    lines = [{"query": body, "doc_id": "d1", "grade": 2, "scale": run.scale} for body in bodies]
    file = as_file("\n".join(json.dumps(each) for each in lines))
    import_judgments(corpus=corpus, actor=SYSTEM, file=file, file_name="x.jsonl")
    text = exported(run, "csv")
    Judgment.objects.all().delete()

    import_judgments(corpus=corpus, actor=SYSTEM, file=as_file(text), file_name="x.csv")

    assert exported(run, "csv") == text
    assert corpus.queries.count() == 3


@pytest.mark.on_both
def test_qrels_hold_the_effective_grades() -> None:
    run = make_run()
    grade(run, "red shoes", "d1", 1, "ann")
    grade(run, "red shoes", "d1", 2, "bob")
    grade(run, "red shoes", "d1", 4, judge="Judge v1")
    grade(run, "red shoes", "d88", 3, judge="Judge v1")
    grade(run, "unknown to the run", "d1", 4)

    assert exported(run, "qrels") == "q1 0 d1 2\nq1 0 d88 3\n"


@pytest.mark.on_both
def test_a_locked_run_s_judgments_are_exported_as_they_stood(member: User) -> None:
    run = make_run()
    grade(run, "red shoes", "d1", 1, member)
    grade(run, "red shoes", "d88", 2)
    grade(run, "blue shirt", "d2", 3, judge="Judge v1")
    before = {file_format: exported(run, file_format) for file_format in JUDGMENT_FORMATS}
    ledger.snapshot_run(run.pk, by_id=member.pk)
    run.refresh_from_db()

    grade(run, "red shoes", "d1", 4, member)
    grade(run, "red shoes", "d3", 4)

    assert {file_format: exported(run, file_format) for file_format in JUDGMENT_FORMATS} == before
    ledger.unlock_run(run.pk)
    run.refresh_from_db()
    assert exported(run, "qrels") == "q1 0 d1 4\nq1 0 d3 4\nq1 0 d88 2\nq2 0 d2 3\n"


@pytest.mark.on_both
def test_only_judgments_of_the_run_s_queries_and_scale_are_exported() -> None:
    evaluation = make_evaluation()
    run, other = make_run({"a": ["d1"]}, evaluation=evaluation), make_run({"b": ["d1"]}, evaluation=evaluation)
    detailed = make_run({"a": ["d1"]}, evaluation=evaluation, scale="detailed")
    grade(run, "a", "d1", 1)
    grade(other, "b", "d1", 2)
    grade(detailed, "a", "d1", 9)

    assert exported(run, "qrels") == "q1 0 d1 1\n"
    assert exported(detailed, "qrels") == "q1 0 d1 9\n"


def make_judging_run(run: EvaluationRun) -> JudgingRun:
    judging_run = JudgingRun.objects.create(
        evaluation_run=run,
        judge_version=make_judge(name="=Judge").versions.get(),
        provider_name="p",
        provider_type="custom",
        max_concurrency=1,
        total_count=3,
    )
    items: list[tuple[str, str, dict[str, Any]]] = [
        ("red shoes", "d2", {"status": "failed", "failure_code": "unparseable"}),
        ("red shoes", "d1", {"status": "judged", "grade": 3, "reasoning": "=fits"}),
        ("blue shirt", "d4", {"status": "skipped"}),
    ]
    for text, document, values in items:
        each: Candidate = candidate(run, text, document)
        JudgingItem.objects.create(
            judging_run=judging_run, candidate=each, run_query=each.run_query, prompt_number=1, **values
        )
    return judging_run


@pytest.mark.on_both
def test_a_judging_run_is_exported_item_by_item_in_the_order_of_its_run() -> None:
    judging_run = make_judging_run(make_run())

    assert "".join(export_judging_run(judging_run, "csv")) == (
        "query_id,query,doc_id,rank,status,grade,scale,kind,judge,reasoning,failure_code\n"
        "q1,red shoes,d1,1,judged,3,graded,ai,'=Judge v1,'=fits,\n"
        "q1,red shoes,d2,2,failed,,graded,ai,'=Judge v1,,unparseable\n"
        "q2,blue shirt,d4,2,skipped,,graded,ai,'=Judge v1,,\n"
    )
    lines = [json.loads(line) for line in "".join(export_judging_run(judging_run, "jsonl")).splitlines()]
    assert [(each["doc_id"], each["grade"], each["reasoning"]) for each in lines] == [
        ("d1", 3, "=fits"),
        ("d2", None, ""),
        ("d4", None, ""),
    ]


@pytest.mark.on_both
@pytest.mark.parametrize("export", [export_run, export_judgments])
def test_the_number_of_statements_does_not_grow_with_the_export(
    export: Any, django_assert_max_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run({f"query {number}": [f"d{each}" for each in range(3)] for number in range(40)})
    # Fewer than there are: a cursor of the server has to go on behind the first of them.
    monkeypatch.setattr("judging.exports.runs._ROWS", 50)
    monkeypatch.setattr("judging.exports.judgments._ROWS", 50)
    Judgment.objects.bulk_create(
        Judgment(
            corpus=run.evaluation.corpus,
            query_id=each.query_id,
            document_id=each.document_id,
            scale=run.scale,
            author_kind="ai",
            judge_label="Judge v1",
            grade=1,
        )
        for each in Candidate.objects.filter(run=run)
    )
    run = EvaluationRun.objects.select_related("evaluation__corpus").get(pk=run.pk)
    names = RUN_FORMATS if export is export_run else JUDGMENT_FORMATS

    for name in names:
        with django_assert_max_num_queries(4):
            assert "".join(export(run, name)).count("\n") >= 40


def test_exports_are_sent_in_pieces_worth_sending() -> None:
    pieces = list(in_chunks("x" * 99 + "\n" for _ in range(2000)))

    assert sum(map(len, pieces)) == 200_000
    assert [len(piece) for piece in pieces] == [64_000, 64_000, 64_000, 8_000]


def test_file_names_are_safe_everywhere() -> None:
    assert export_file_name('../über "run"\r\n', "judgments", JUDGMENT_FORMATS["csv"]) == "ber-run-judgments.csv"
    assert export_file_name("搜索", "run", RUN_FORMATS["trec_run"]) == "export-run.run"


CELLS = st.text(st.sampled_from("'=+-@\t\r\n,\"ab 7ü"), max_size=8) | st.text(max_size=8)


@settings(deadline=None)
@given(CELLS)
def test_a_defused_cell_begins_no_formula_and_comes_back(cell: str) -> None:
    assert not defuse(cell).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert restore(defuse(cell)) == cell


@settings(deadline=None)
@given(st.text(st.sampled_from("'=+-@\t\r\n,\"ab 7ü\u2028\x85"), max_size=10))
def test_a_reasoning_of_any_characters_comes_back_through_csv(reasoning: str) -> None:
    text = "query,doc_id,grade,reasoning\n" + csv_line(("q", "d", 1, reasoning))
    source = SourceFile("file", as_file(text))
    file = JudgmentFile(source, recognised(source, {}), scale="graded")
    reading = Reading(Problems())

    [read] = file.rows(reading)

    assert (read.reasoning, reading.problems.total) == (reasoning, 0)


@pytest.mark.on_both
def test_judgments_of_former_members_and_of_raters_who_became_members_come_back_the_same() -> None:
    run = make_run()
    former = make_user(email="former@example.com")
    grade(run, "red shoes", "d1", 1, former)
    grade(run, "red shoes", "d1", 2, "new@example.com")
    grade(run, "red shoes", "d1", 3, "rater:rater:odd")
    former.is_active = False
    former.save(update_fields=["is_active"])
    new = make_user(email="new@example.com")
    grade(run, "red shoes", "d1", 4, new)
    Judgment.objects.filter(member=new).update(saw_ai_grade=True)

    for file_format in ("csv", "jsonl"):
        text = exported(run, file_format)
        import_judgments(corpus=run.evaluation.corpus, actor=SYSTEM, file=as_file(text), file_name=f"x.{file_format}")
        assert exported(run, file_format) == text

    assert candidate(run, "red shoes", "d1").people_count == 4
    assert Judgment.objects.get(member=new).saw_ai_grade is True
    grade(run, "red shoes", "d1", 0, new)
    assert Judgment.objects.get(member=new).saw_ai_grade is True, "what was shown once stays so"


def test_an_exported_judging_run_with_failures_is_imported_without_them() -> None:
    run = make_run({"red shoes": ["d1", "d2"]})
    lines = [
        {"query": "red shoes", "doc_id": "d1", "rank": 1, "status": "judged", "grade": 3, "failure_code": ""},
        {"query": "red shoes", "doc_id": "d2", "rank": 2, "status": "failed", "grade": None, "failure_code": "missing"},
    ]
    text = "\n".join(json.dumps({**each, "scale": run.scale, "kind": "ai", "judge": "J v1"}) for each in lines)
    outcome = import_judgments(corpus=run.evaluation.corpus, actor=SYSTEM, file=as_file(text), file_name="x.jsonl")
    assert (outcome.read, outcome.written) == (1, 1)
    assert outcome.warnings == ["left out: 1 line with candidates that an AI judging run gave no grade"]
    assert candidate(run, "red shoes", "d2").ai_grade is None
