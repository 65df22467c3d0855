"""Evaluation runs from results: written whole or not at all, pre-judged with what the corpus knows."""

from collections.abc import Iterator
from typing import Any

import pytest

from judging.foundation.errors import Conflict, Forbidden, ImportRejected, Invalid
from judging.models import (
    AuditEvent,
    Candidate,
    Corpus,
    Document,
    DocumentVersion,
    EvaluationRun,
    EvaluationRunStatus,
    Judgment,
    Query,
    RunQuery,
    User,
)
from judging.records.lists import ranked_lists
from judging.records.lists.ranked_lists import RankedList
from judging.runs.importing import run_import as service
from judging.runs.importing.results import CheckedResults, InlineResults
from judging.runs.importing.run_files import RunFiles
from judging.runs.importing.run_import import create_run, fill_run
from tests.factories import make_evaluation
from tests.runs.importing import DEMO, METRICS, RUN, as_file, do_import, do_import_inline, jsonl, row, row_counts, trec

pytestmark = [pytest.mark.django_db, pytest.mark.on_both]


class BrokenLater:
    """A source that is right when it is checked and breaks when its second query is read for writing."""

    def __init__(self, error: BaseException, before: InlineResults) -> None:
        self._error, self._before = error, before

    def check(self, match_mode: str) -> CheckedResults:
        checked = self._before.check(match_mode)

        def read() -> Iterator[RankedList]:
            yield next(checked.read())
            raise self._error

        return CheckedResults(checked.query_count, checked.candidate_count, [], read)


def test_the_electronics_runs_are_imported_as_they_stand_in_their_files(member: User) -> None:
    evaluation = make_evaluation()
    with (
        (DEMO / "bm25-title.run").open("rb") as run_file,
        (DEMO / "queries.tsv").open("rb") as queries,
        (DEMO / "documents.jsonl").open("rb") as documents,
    ):
        source = RunFiles(run_file, queries, documents)
        outcome = do_import(evaluation, source, actor=member, scale="trec", metrics=["NDCG@10", "MAP"])

    run = outcome.run
    lines = [line.split() for line in (DEMO / "bm25-title.run").read_text().splitlines()]
    rows = Candidate.objects.filter(run=run).values_list("run_query__label", "document__external_id", "rank", "score")
    assert [(label, doc, rank, score) for label, doc, rank, score in rows] == [
        (label, doc, int(rank), float(score)) for label, _, doc, rank, score, _ in lines
    ]
    assert (run.status, run.query_count, run.candidate_count) == ("completed", 135, len(lines))
    assert run.completed_at is not None
    assert RunQuery.objects.filter(run=run, candidate_count=0).count() == 135 - 127
    assert outcome.warnings == []
    version = DocumentVersion.objects.get(document__external_id="778555")
    assert version.title
    assert version.fields["brand"]
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.subject_id) == ("run_imported", member, str(run.pk))
    assert event.detail == {"queries": 135, "candidates": len(lines)}


def test_a_new_run_over_a_judged_corpus_starts_pre_judged() -> None:
    evaluation = make_evaluation()
    run = do_import_inline(evaluation, row("red shoes", "d1", "d2"))
    judged = Candidate.objects.get(run=run, rank=1)
    Judgment.objects.create(
        corpus=evaluation.corpus,
        query=judged.query,
        document=judged.document,
        scale="graded",
        author_kind="ai",
        judge_label="Judge v1",
        grade=4,
    )

    again = do_import_inline(evaluation, row("red shoes", "d9", "d1"), row("green hat", "d1"))

    grades = Candidate.objects.filter(run=again).values_list("position", "rank", "effective_grade", "ai_grade")
    assert list(grades) == [(1, 1, None, None), (1, 2, 4, 4), (2, 1, None, None)]
    assert (again.judged_count, again.scored_query_count, again.metric_values["P@10"]) == (1, 1, 0.1)


def test_queries_documents_and_unchanged_contents_are_shared_by_the_runs_of_a_corpus() -> None:
    evaluation = make_evaluation()
    do_import_inline(evaluation, row("red shoes", "d1", "d2"))

    changed = {"id": "d1", "title": "another title", "image": "http://x/1.png"}
    run = do_import_inline(evaluation, row(" red shoes", changed, "d2"))

    assert (Query.objects.count(), Document.objects.count(), DocumentVersion.objects.count()) == (1, 2, 3)
    versions = Candidate.objects.filter(run=run).values_list("document_version__title", "document_version__image")
    assert list(versions) == [("another title", "http://x/1.png"), ("Title d2", "")]


def test_one_document_may_have_two_contents_in_one_import() -> None:
    early, late = ({"id": "d1", "title": title} for title in ("early", "late"))

    run = do_import_inline(make_evaluation(), row("a", early), row("b", late))

    titles = Candidate.objects.filter(run=run).values_list("document_version__title", flat=True)
    assert list(titles) == ["early", "late"]


def test_a_document_without_content_has_the_newest_one_the_corpus_knows_or_an_empty_one() -> None:
    evaluation = make_evaluation()
    do_import_inline(evaluation, row("a", {"id": "d1", "title": "old"}))
    do_import_inline(evaluation, row("a", {"id": "d1", "title": "new"}))

    source = RunFiles(as_file("q1 Q0 d1 1 2 t\nq1 Q0 d2 2 1 t\n"), as_file("q1\ta\n"), allow_missing_documents=True)
    outcome = do_import(evaluation, source)

    titles = Candidate.objects.filter(run=outcome.run).values_list("document_version__title", flat=True)
    assert list(titles) == ["new", ""]
    assert outcome.warnings == ["1 document of the run has no content, neither in the files nor in the corpus"]


def test_results_of_many_chunks_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranked_lists, "_CANDIDATES_PER_CHUNK", 3)
    rows = [row(f"query {number}", *(f"d{number + each}" for each in range(2))) for number in range(7)]

    run = do_import_inline(make_evaluation(), *rows)

    kept = RunQuery.objects.filter(run=run).values_list("position", "text", "candidate_count")
    assert list(kept) == [(number + 1, f"query {number}", 2) for number in range(7)]
    documents = Candidate.objects.filter(run=run).values_list("document__external_id", flat=True)
    assert list(documents) == [f"d{number + each}" for number in range(7) for each in range(2)]


def test_the_number_of_statements_does_not_grow_with_the_candidates(django_assert_max_num_queries) -> None:
    evaluation = make_evaluation()
    rows = [row(f"query {number}", *(f"d{number}-{each}" for each in range(40))) for number in range(10)]

    # On SQLite an INSERT takes 999 values.
    with django_assert_max_num_queries(70):
        do_import_inline(evaluation, *rows)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "n" * 201}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"scale": "stars"}, "scale"),
        ({"metrics": []}, "metrics"),
        ({"metrics": ["NDCG"]}, "metrics"),
        ({"relevant_from": 0}, "relevant_from"),
        ({"relevant_from": 2, "scale": "binary"}, "relevant_from"),
        ({"judgments_wanted": 21}, "judgments_wanted"),
    ],
)
def test_a_run_with_a_wrong_setting_is_refused_and_nothing_is_written(values: dict[str, object], field: str) -> None:
    evaluation = make_evaluation()
    before = row_counts()

    with pytest.raises(Invalid) as refused:
        do_import(evaluation, trec(), **values)

    assert set(refused.value.errors) == {field}
    assert row_counts() == before


def test_all_wrong_settings_are_told_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        do_import(make_evaluation(), trec(), name="", scale="stars", metrics=["x"])

    assert set(refused.value.errors) == {"name", "scale", "metrics"}


@pytest.mark.parametrize(
    "source",
    [
        trec(run=f"{RUN}q1 Q0 d9 1 1 t\n"),
        jsonl(row("fine", "d1"), "{"),
        InlineResults([row("fine", "d1"), row("fine", "d2")]),
    ],
)
def test_a_refused_file_leaves_nothing_behind(source: object) -> None:
    evaluation = make_evaluation()
    before = row_counts()

    with pytest.raises(ImportRejected):
        do_import(evaluation, source)  # type: ignore[arg-type]

    assert row_counts() == before


@pytest.mark.parametrize("error", [RuntimeError("disk full"), KeyboardInterrupt(), SystemExit(1)])
def test_a_run_whose_writing_breaks_off_is_failed_and_says_why(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranked_lists, "_CANDIDATES_PER_CHUNK", 1)
    source = BrokenLater(error, InlineResults([row("a", "d1"), row("b", "d2")]))

    with pytest.raises(type(error)):
        do_import(make_evaluation(), source)

    run = EvaluationRun.objects.get()
    assert (run.status, run.error) == ("failed", f"the import broke off ({type(error).__name__})")
    assert run.completed_at is None
    assert not AuditEvent.objects.exists()
    run.delete()
    assert not Candidate.objects.exists()


def test_a_run_that_is_deleted_while_it_is_written_ends_in_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def delete_then_refresh(run_id: Any) -> None:
        EvaluationRun.objects.filter(pk=run_id).delete()

    monkeypatch.setattr(service, "refresh_run", delete_then_refresh)

    with pytest.raises(Conflict) as refused:
        do_import(make_evaluation(), trec())

    assert refused.value.code == "run_not_running"
    assert not EvaluationRun.objects.exists()


def test_raters_import_nothing(rater: User) -> None:
    evaluation = make_evaluation()

    with pytest.raises(Forbidden):
        do_import(evaluation, trec(), actor=rater)
    with pytest.raises(Forbidden):
        create_run(evaluation=evaluation, actor=rater, name="x", scale="graded", metrics=METRICS)

    assert not EvaluationRun.objects.exists()


def _pending(member: User) -> EvaluationRun:
    return create_run(
        evaluation=make_evaluation(), actor=member, name=" later ", scale="graded", metrics=METRICS, relevant_from=2
    )


def test_a_run_without_results_is_pending_until_it_is_filled(member: User) -> None:
    run = _pending(member)
    assert (run.status, run.name, run.created_by, run.relevant_from) == ("pending", "later", member, 2)

    outcome = fill_run(run=run, actor=member, source=trec())

    assert outcome.run.status == EvaluationRunStatus.COMPLETED
    assert (outcome.run.query_count, outcome.run.candidate_count) == (2, 3)
    assert Candidate.objects.filter(run=run).count() == 3


def test_a_pending_run_stays_pending_when_its_results_are_refused(member: User) -> None:
    run = _pending(member)
    before = row_counts()

    with pytest.raises(ImportRejected):
        fill_run(run=run, actor=member, source=trec(run="oops"))

    run.refresh_from_db()
    assert (run.status, run.query_count) == ("pending", 0)
    assert row_counts() == before


def test_a_run_is_filled_once(member: User) -> None:
    run = _pending(member)
    fill_run(run=run, actor=member, source=trec())

    with pytest.raises(Conflict) as refused:
        fill_run(run=EvaluationRun.objects.get(pk=run.pk), actor=member, source=trec())

    assert refused.value.code == "run_not_pending"
    assert Candidate.objects.filter(run=run).count() == 3


def test_of_two_who_fill_a_run_at_once_one_wins(member: User) -> None:
    run = _pending(member)

    class Overtaken:
        """A source during whose check someone else fills the run."""

        def check(self, match_mode: str) -> CheckedResults:
            fill_run(run=EvaluationRun.objects.get(pk=run.pk), actor=member, source=trec())
            return trec().check(match_mode)

    with pytest.raises(Conflict) as refused:
        fill_run(run=run, actor=member, source=Overtaken())

    assert refused.value.code == "run_not_pending"
    run.refresh_from_db()
    assert (run.status, Candidate.objects.filter(run=run).count()) == ("completed", 3)


def test_queries_of_an_object_corpus_are_told_apart_by_the_whole_object() -> None:
    evaluation = make_evaluation(Corpus.objects.create(name="objects", match_mode="oid"))
    with_filter = {"query": "shoes", "filter": {"b": 1, "a": 2}}

    do_import_inline(evaluation, row(with_filter, "d1"), row("shoes", "d1"))
    run = do_import_inline(evaluation, row({"filter": {"a": 2, "b": 1}, "query": "shoes"}, "d1"))

    assert Query.objects.count() == 2
    assert RunQuery.objects.get(run=run).query.body == with_filter
