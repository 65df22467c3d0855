"""Importing runs and judgments through the pages, and the first steps of a new installation."""

import json
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from judging.demo.electronics import ensure_local_judge, load_electronics
from judging.models import AIJudge, Corpus, Evaluation, EvaluationRun, EvaluationRunStatus, Judgment, User
from tests.factories import make_evaluation, make_run, make_user
from tests.markup import one_line
from tests.runs.importing import DOCUMENTS, QUERIES, RUN

HTMX = {"HX-Request": "true"}
RESULT = {"query": "red shoes", "candidates": [{"id": "d1", "title": "One", "score": 1}, {"id": "d2", "title": "Two"}]}


@pytest.fixture
def visit(member: User) -> Client:
    client = Client()
    client.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    return client


def upload(name: str, content: str | bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content.encode() if isinstance(content, str) else content)


def values(**more: Any) -> dict[str, Any]:
    return {
        "name": "bm25",
        "scale": "graded",
        "metrics": ["NDCG@10"],
        "more_metrics": "P@3, ndcg@10",
        "relevant_from": "2",
        "file_format": "jsonl",
        **more,
    }


def test_a_jsonl_file_becomes_a_run_and_its_warnings_are_told(visit: Client) -> None:
    evaluation = make_evaluation()
    line = json.dumps({**RESULT, "extra": 1})
    fields = values(results=upload("r.jsonl", line), more_metrics="P@3")
    response = visit.post(f"/evaluations/{evaluation.pk}/import", fields, headers=HTMX)
    run = EvaluationRun.objects.get()
    assert response["HX-Redirect"] == f"/evaluations/runs/{run.pk}"
    assert (run.status, run.metrics, run.relevant_from) == (EvaluationRunStatus.COMPLETED, ["NDCG@10", "P@3"], 2)
    page = visit.get(response["HX-Redirect"]).content.decode()
    assert "bm25 is imported: 1 queries, 2 candidates" in page
    assert "were ignored: &quot;extra&quot;" in page


def test_trec_files_become_a_run_without_javascript(visit: Client) -> None:
    evaluation = make_evaluation()
    files = {
        "run": upload("a.run", RUN),
        "queries": upload("q.tsv", QUERIES),
        "documents": upload("d.jsonl", DOCUMENTS),
    }
    response = visit.post(f"/evaluations/{evaluation.pk}/import", values(file_format="trec", more_metrics="", **files))
    assert response["Location"] == f"/evaluations/runs/{EvaluationRun.objects.get().pk}"


def test_everything_wrong_is_said_beside_its_field_and_what_was_typed_is_kept(visit: Client) -> None:
    evaluation = make_evaluation()
    fields = values(relevant_from="9", more_metrics="P@3, NDGC@10", name="<b>")
    bad = "\n".join(["no json", json.dumps(RESULT), json.dumps({"query": "x"})])
    for headers in (None, HTMX):
        given = {**fields, "results": upload("r.jsonl", bad)}
        page = visit.post(f"/evaluations/{evaluation.pk}/import", given, headers=headers).content.decode()
        for words in ("The highest grade of this scale is 4.", "Did you mean NDCG@10?", 'value="&lt;b&gt;"'):
            assert words in page
        assert ("<html" in page) is (headers is None)
    right = {**values(more_metrics=""), "results": upload("r.jsonl", bad)}
    page = visit.post(f"/evaluations/{evaluation.pk}/import", right).content.decode()
    assert "Line 1: " in page
    assert "Line 3: candidates is missing." in page
    assert "Nothing was imported: 2 problems in the files." in page
    assert not EvaluationRun.objects.exists()


def test_a_file_with_more_problems_than_are_listed_says_how_many(visit: Client) -> None:
    evaluation = make_evaluation()
    lines = (
        json.dumps({"query": "x", "candidates": [{"id": f"d{number}", "title": "t"}] * 2}) for number in range(150)
    )
    page = visit.post(
        f"/evaluations/{evaluation.pk}/import", values(results=upload("r.jsonl", "\n".join(lines)), more_metrics="")
    ).content.decode()
    assert "150 problems in the files. The first 100 are listed." in page


def test_the_same_problem_in_many_lines_is_listed_once(visit: Client) -> None:
    evaluation = make_evaluation()
    given = values(results=upload("r.jsonl", "no json\n" * 150), more_metrics="")
    page = visit.post(f"/evaluations/{evaluation.pk}/import", given).content.decode()
    assert "Lines 1, 2, 3 and 147 more: not valid JSON" in page
    assert "150 problems in the files." in page
    assert "are listed" not in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Choose the file with the results."),
        ({"file_format": "trec"}, "Choose the run."),
        (
            {"file_format": "trec", "run": upload("a.run", RUN), "more_metrics": ""},
            "A queries file is needed: the run names its queries by id only.",
        ),
        ({"metrics": [], "more_metrics": "", "results": upload("r", json.dumps(RESULT))}, "Name at least one metric."),
        ({"results": upload("r.jsonl", ""), "more_metrics": ""}, "There are no queries in it."),
    ],
    ids=["no results", "no run", "no queries", "no metrics", "empty file"],
)
def test_what_is_missing_is_asked_for(visit: Client, fields: dict[str, Any], words: str) -> None:
    evaluation = make_evaluation()
    for value in fields.values():
        if isinstance(value, SimpleUploadedFile):
            value.seek(0)
    assert words in visit.post(f"/evaluations/{evaluation.pk}/import", values(**fields)).content.decode()
    assert not EvaluationRun.objects.exists()


def test_the_form_knows_how_much_may_be_sent(visit: Client, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 1234
    assert 'data-max-bytes="1234"' in visit.get(f"/evaluations/{make_evaluation().pk}/import").content.decode()


def test_the_import_begins_with_what_the_newest_run_was_made_with(visit: Client) -> None:
    run = make_run(scale="binary", metrics=["MAP", "P@77"])
    page = visit.get(f"/evaluations/{run.evaluation_id}/import").content.decode()
    assert 'value="P@77"' in page
    assert re.search(r'value="binary"[^>]* checked', page)


def test_the_progress_of_an_import_counts_what_is_written(visit: Client, member: User) -> None:
    evaluation = make_evaluation()
    path = f"/evaluations/{evaluation.pk}/import/progress"
    assert "Checking every line" in visit.get(path, headers=HTMX).content.decode()
    make_run(evaluation=evaluation, status=EvaluationRunStatus.RUNNING, created_by=member)
    assert "All 5 candidates are written" in visit.get(path, headers=HTMX).content.decode()
    EvaluationRun.objects.update(candidate_count=8)
    assert "5 of 8 candidates" in one_line(visit.get(path, headers=HTMX).content.decode())


def test_judgments_are_imported_into_the_corpus_of_the_evaluation(visit: Client) -> None:
    run = make_run()
    path = f"/evaluations/{run.evaluation_id}/import-judgments"
    file = upload("j.csv", "query,doc_id,grade,rater\nred shoes,d1,3,ada\n")
    response = visit.post(path, {"file": file, "scale": "graded"}, headers=HTMX)
    assert response["HX-Redirect"] == f"/evaluations/{run.evaluation_id}"
    assert Judgment.objects.get().grade == 3
    assert "1 lines read, 1 judgments written" in visit.get(response["HX-Redirect"]).content.decode()


def test_refused_judgments_stand_beside_the_file(visit: Client) -> None:
    run = make_run()
    path = f"/evaluations/{run.evaluation_id}/import-judgments"
    file = upload("j.csv", "query,doc_id,grade\nred shoes,d1,9\n")
    page = visit.post(path, {"file": file, "scale": "graded"}).content.decode()
    assert "Line 2: " in page
    assert "Choose the file with the judgments." in visit.post(path, {}).content.decode()
    assert not Judgment.objects.exists()


# First steps


@pytest.mark.slow(seconds=6)
def test_the_electronics_collection_is_loaded_once_whoever_asks_and_no_namesake_is_touched(
    visit: Client, member: User, admin: User
) -> None:
    namesake = Corpus.objects.create(name="Electronics", created_by=member)
    for _ in range(2):
        response = visit.post("/first-steps/sample")
    evaluation = Evaluation.objects.get()
    assert response["Location"] == f"/evaluations/{evaluation.pk}"
    assert evaluation.corpus != namesake
    runs = {run.name: run for run in EvaluationRun.objects.all()}
    assert runs["bm25-title"].query_count == 135
    assert runs["bm25-all-fields"].metric_values["NDCG@10"] == pytest.approx(0.624, abs=0.001)
    assert load_electronics(actor=admin).evaluation == evaluation
    assert EvaluationRun.objects.count() == 2


def test_the_local_judge_is_shared_when_an_admin_makes_it_and_personal_otherwise(member: User, admin: User) -> None:
    mine = ensure_local_judge(actor=member)
    assert (mine.shared, mine.owner) == (False, member)
    shared = ensure_local_judge(actor=admin)
    assert (shared.shared, shared.owner) == (True, None)
    assert ensure_local_judge(actor=make_user()) == shared
    assert ensure_local_judge(actor=admin) == shared
    assert AIJudge.objects.count() == 2


def test_pages_say_what_files_were_read_as_and_how_far_judgments_reach(visit: Client) -> None:
    run = make_run()
    path = f"/evaluations/{run.evaluation_id}/import-judgments"
    file = upload("beir.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\t0\n")
    response = visit.post(path, {"file": file, "read_as": "auto"}, headers=HTMX)
    page = one_line(visit.get(response["HX-Redirect"]).content.decode())
    assert "2 of them concern a candidate of 1 run. beir.tsv was read as a BEIR qrels file." in page
    assert "grades without a scale were read on that of the corpus&#x27;s runs: graded" in page.lower()

    table = upload("top.csv", "query,doc_id,rank,title\na,d1,1,One\n")
    fields = values(results=table, more_metrics="", read_as_results="csv")
    response = visit.post(f"/evaluations/{run.evaluation_id}/import", fields, headers=HTMX)
    assert "top.csv was read as a run as a table (CSV)." in visit.get(response["HX-Redirect"]).content.decode()


def test_pages_let_people_say_what_a_file_is(visit: Client) -> None:
    run = make_run()
    path = f"/evaluations/{run.evaluation_id}/import-judgments"
    text = "query,docid,rating,Ann\nred shoes,d1,1,2\n"
    page = visit.post(path, {"file": upload("x.csv", text), "scale": "graded"}).content.decode()
    assert "This may be a table of judgments (CSV) or a Quepid book" in page
    assert '<option value="quepid_book">A Quepid book</option>' in page
    visit.post(path, {"file": upload("x.csv", text), "scale": "graded", "read_as": "quepid_book"})
    assert sorted(Judgment.objects.values_list("rater__name", "grade")) == [("Ann", 2), ("rating", 1)]
