"""Evaluation runs over REST: made, filled, imported, changed, locked, read, exported, deleted."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from judging import ledger
from judging.models import Candidate, EvaluationRun, Judgment, User
from tests.factories import candidate, make_evaluation, make_run, make_user
from tests.rest_clients import assert_problem
from tests.review.giving import GivenGrade, record_judgments
from tests.review.test_grid import ai_grades

pytestmark = pytest.mark.django_db

RESULTS = [
    {
        "query": "red shoes",
        "query_id": "7",
        "candidates": [{"id": "d1", "title": "Shoes", "fields": {"colour": "red"}}, {"id": "d2", "title": "Hat"}],
    },
    {"query": {"query": "blue shirt", "lang": "en"}, "candidates": []},
]
NEW = {"name": "first", "scale": "graded", "metrics": ["NDCG@10", "P@2"]}


def upload(name: str, text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text.encode())


def make(client: APIClient, **fields: Any) -> dict[str, Any]:
    evaluation = make_evaluation()
    response = client.post(f"/api/v1/evaluations/{evaluation.pk}/runs", {**NEW, "results": RESULTS, **fields})
    assert response.status_code == 201, response.content
    return dict(response.json())


def test_a_run_made_with_results_is_completed(as_member: APIClient) -> None:
    run = make(as_member)
    assert run["status"] == "completed"
    assert {name: run[name] for name in ("query_count", "candidate_count", "judged_count", "is_locked")} == {
        "query_count": 2, "candidate_count": 2, "judged_count": 0, "is_locked": False,
    }  # fmt: skip
    assert run["metric_values"] == {"NDCG@10": None, "P@2": None}
    assert run["scored_query_count"] == 0
    assert run["completed_at"]
    assert run["warnings"] == []
    assert run["created_by"] == str(as_member.user.pk)  # type: ignore[attr-defined]
    del run["warnings"]
    assert as_member.get(f"/api/v1/evaluations/runs/{run['id']}").json() == run


def test_a_run_made_without_results_waits_for_them(as_member: APIClient) -> None:
    evaluation = make_evaluation()
    run = as_member.post(f"/api/v1/evaluations/{evaluation.pk}/runs", NEW).json()
    assert run["status"] == "pending"
    url = f"/api/v1/evaluations/runs/{run['id']}/results"
    assert_problem(as_member.post(url, {"results": [{"query": 5}]}), 400)
    assert_problem(as_member.post(url, {}), 400, field="results")
    filled = as_member.post(url, {"results": RESULTS})
    assert (filled.status_code, filled.json()["status"]) == (200, "completed")
    assert_problem(as_member.post(url, {"results": RESULTS}), 409, "run_not_pending")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"scale": "stars"}, "scale"),
        ({"metrics": ["NDCG@0"]}, "metrics"),
        ({"metrics": "NDCG@10"}, "metrics"),
        ({"relevant_from": 5}, "relevant_from"),
        ({"results": {}}, "results"),
        ({"results": [{"query": "", "candidates": []}]}, "results"),
        ({"results": [{"query": "a", "candidates": [{"id": "x"}, {"id": "x"}]}]}, "results"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_run_is_refused_with_the_field_named(as_member: APIClient, change: dict[str, Any], field: str) -> None:
    url = f"/api/v1/evaluations/{make_evaluation().pk}/runs"
    assert_problem(as_member.post(url, {**NEW, **change}), 400, field=field)
    assert not EvaluationRun.objects.exists()


def test_runs_are_listed_newest_first_without_a_query_per_row(
    as_rater: APIClient, django_assert_max_num_queries: Any
) -> None:
    evaluation = make_evaluation()
    runs = [make_run({"a": ["d1"]}, evaluation=evaluation) for _ in range(4)]
    make_run({"a": ["d1"]})
    with django_assert_max_num_queries(6):
        page = as_rater.get(f"/api/v1/evaluations/{evaluation.pk}/runs", {"page_size": 3}).json()
    assert [row["id"] for row in page["results"]] == [str(run.pk) for run in reversed(runs)][:3]
    assert [row["id"] for row in as_rater.get(page["next"]).json()["results"]] == [str(runs[0].pk)]


@pytest.mark.parametrize("as_list", [True, False])
def test_a_run_is_imported_from_jsonl(as_member: APIClient, as_list: bool) -> None:
    url = f"/api/v1/evaluations/{make_evaluation().pk}/runs/import"
    metrics: Any = ["NDCG@10", "P@2"] if as_list else "NDCG@10, P@2"
    lines = "\n".join(json.dumps(line) for line in RESULTS)
    form = {"name": "files", "scale": "graded", "metrics": metrics, "results": upload("r.jsonl", lines)}
    response = as_member.post(url, form, format="multipart")
    assert response.status_code == 201, response.content
    assert (response.json()["candidate_count"], response.json()["metrics"]) == (2, ["NDCG@10", "P@2"])


def trec_form(**change: Any) -> dict[str, Any]:
    return {
        "name": "trec", "scale": "trec", "metrics": "MAP", "run": upload("x.run", "7 Q0 d1 1 3.5 tag\n7 Q0 d2 2 4 tag\n"),
        "queries": upload("q.tsv", "7\tred shoes\n8\tnothing found\n"),
        "documents": upload("d.jsonl", '{"doc_id": "d1", "title": "Shoes"}\n{"doc_id": "d2", "title": "Hat"}\n'), **change,
    }  # fmt: skip


def test_a_trec_import_warns_where_scores_and_ranks_disagree(as_member: APIClient) -> None:
    url = f"/api/v1/evaluations/{make_evaluation().pk}/runs/import"
    response = as_member.post(url, trec_form(), format="multipart")
    assert response.status_code == 201, response.content
    run = response.json()
    assert (run["query_count"], run["candidate_count"]) == (2, 2)
    assert len(run["warnings"]) == 1
    rows = as_member.get(f"/api/v1/evaluations/runs/{run['id']}/candidates").json()["results"]
    assert [(row["candidate_id"], row["rank"], row["title"]) for row in rows] == [("d1", 1, "Shoes"), ("d2", 2, "Hat")]


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"name": "x", "scale": "trec", "metrics": "MAP"}, "results"),
        ({**NEW, "run": upload("x.run", "1 Q0 d 1 1 t\n")}, "queries"),
        ({**NEW, "results": upload("r", "{}"), "queries": upload("q", "1\ta")}, "queries"),
        ({**NEW, "results": upload("r", '{"query": "a", "candidates": []}\nnonsense\n')}, "results"),
        ({**NEW, "results": "no file"}, "results"),
        ({"name": "x", "scale": "trec", "results": upload("r", "{}")}, "metrics"),
    ],
)
def test_wrong_files_are_refused_and_nothing_is_written(as_member: APIClient, form: dict[str, Any], field: str) -> None:
    url = f"/api/v1/evaluations/{make_evaluation().pk}/runs/import"
    assert_problem(as_member.post(url, form, format="multipart"), 400, field=field)
    assert not EvaluationRun.objects.exists()


def test_missing_documents_need_to_be_allowed(as_member: APIClient) -> None:
    url = f"/api/v1/evaluations/{make_evaluation().pk}/runs/import"
    form = trec_form()
    del form["documents"]
    assert_problem(as_member.post(url, form, format="multipart"), 400, field="documents")
    form = trec_form(allow_missing_documents="true")
    del form["documents"]
    assert as_member.post(url, form, format="multipart").status_code == 201


def test_an_unlocked_run_is_changed_and_a_locked_one_not(as_member: APIClient) -> None:
    url = f"/api/v1/evaluations/runs/{make(as_member)['id']}"
    changed = as_member.patch(url, {"name": "renamed", "metrics": ["MAP"], "relevant_from": 2}).json()
    assert (changed["name"], changed["metrics"], changed["metric_values"]) == ("renamed", ["MAP"], {"MAP": None})
    assert_problem(as_member.patch(url, {"metrics": ["MAP", "map"]}), 400, field="metrics")
    assert as_member.patch(url, {"scale": "graded"}).status_code == 200
    assert_problem(as_member.patch(url, {"scale": "binary"}), 400, field="scale")
    locked = as_member.post(f"{url}/lock").json()
    assert (locked["is_locked"], locked["locked_by"]) == (True, str(as_member.user.pk))  # type: ignore[attr-defined]
    assert_problem(as_member.patch(url, {"name": "again"}), 409, "run_locked")
    assert_problem(as_member.delete(url), 409, "run_locked")
    assert_problem(as_member.post(f"{url}/lock"), 409, "run_locked")
    assert as_member.post(f"{url}/unlock").json()["is_locked"] is False
    assert_problem(as_member.post(f"{url}/unlock"), 409, "run_not_locked")
    assert as_member.delete(url).status_code == 204
    assert_problem(as_member.get(url), 404)


def test_the_grid_s_rows_have_the_fields_of_the_reference(as_stranger: APIClient, member: User) -> None:
    run = make_run({"a": ["d1", "d2"]})
    judging_run = ai_grades(run, {("a", "d1"): 2})
    row = candidate(run, "a", "d1")
    record_judgments(grades=[GivenGrade(row.run_query_id, "d1", 4)], actor=member)
    url = f"/api/v1/evaluations/runs/{run.pk}/candidates"
    first = as_stranger.get(url).json()["results"][0]
    assert first == {
        "query_id": str(row.run_query_id),
        "query": "a",
        "candidate_id": "d1",
        "rank": 1,
        "title": "Title of d1",
        "fields": {"brand": "Acme"},
        "image": "",
        "effective_grade": 4,
        "people_mean": 4.0,
        "people_count": 1,
        "ai_grade": 2,
        "ai_judge_id": str(judging_run.judge_version.judge_id),
        "ai_judge_name": judging_run.judge_version.name,
        "reasoning": "because of d1",
        "my_grade": None,
        "my_reasoning": "",
        "people": [{"author": member.email, "grade": 4, "reasoning": ""}],
        "cant_tell": [],
        "last_item_status": "judged",
        "failure_code": "",
        "content_changed": False,
    }


def test_the_grid_is_filtered_ordered_and_paged(as_member: APIClient) -> None:
    run = make_run({"a": ["d1", "d2", "d3"], "b": ["d1"]})
    ai_grades(run, {("a", "d1"): 0, ("a", "d2"): 4, ("b", "d1"): 4})
    url = f"/api/v1/evaluations/runs/{run.pk}/candidates"

    def ids(page: Any) -> list[str]:
        return [row["query"] + row["candidate_id"] for row in page["results"]]

    first = as_member.get(url, {"ordering": "-ai_grade", "page_size": "3"}).json()
    assert (ids(first), first["previous"]) == (["ad2", "bd1", "ad1"], None)
    second = as_member.get(first["next"]).json()
    assert (ids(second), second["next"]) == (["ad3"], None)
    assert as_member.get(second["previous"]).json()["results"] == first["results"]
    assert ids(as_member.get(url, {"status": "unjudged"}).json()) == ["ad3"]
    assert ids(as_member.get(url, {"search": "D2"}).json()) == ["ad2"]
    query_id = candidate(run, "b", "d1").run_query_id
    assert ids(as_member.get(url, {"query_id": str(query_id)}).json()) == ["bd1"]
    for wrong in ({"status": "x"}, {"grade": "9"}, {"page_size": "501"}, {"ordering": "title"}, {"cursor": "x"}):
        assert_problem(as_member.get(url, wrong), 400, field=next(iter(wrong)))


def test_a_page_of_the_grid_takes_as_many_queries_for_one_row_as_for_all(
    as_member: APIClient, django_assert_num_queries: Any
) -> None:
    run = make_run({f"q{n}": [f"d{m}" for m in range(5)] for n in range(5)})
    ai_grades(run, {(f"q{n}", f"d{m}"): 1 for n in range(5) for m in range(5)})
    url = f"/api/v1/evaluations/runs/{run.pk}/candidates"
    as_member.get(url)
    for size in (1, 25):
        # The token, the run, and the grid's own five.
        with django_assert_num_queries(7):
            assert len(as_member.get(url, {"page_size": size}).json()["results"]) == size


@pytest.mark.parametrize(
    ("path", "file_format", "content_type", "begins"),
    [
        ("export", "trec_run", "text/plain", "q1 Q0 d1 1 "),
        ("export", "jsonl", "application/x-ndjson", '{"query": "a"'),
        ("judgments/export", "csv", "text/csv", "query_id,query,doc_id,grade"),
        ("judgments/export", "jsonl", "application/x-ndjson", '{"query_id": "q1"'),
        ("judgments/export", "qrels", "text/plain", "q1 0 d1 3"),
    ],
)
def test_runs_and_judgments_are_exported_as_files(
    as_member: APIClient, path: str, file_format: str, content_type: str, begins: str
) -> None:
    run = make_run({"a": ["d1", "d2"]}, name="BM25: title")
    ai_grades(run, {("a", "d1"): 3})
    response = as_member.get(f"/api/v1/evaluations/runs/{run.pk}/{path}", {"file_format": file_format})
    assert response.status_code == 200
    assert response["Content-Type"].startswith(content_type)
    assert response["Content-Disposition"].startswith('attachment; filename="BM25-title-')
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    assert text.startswith(begins)


@pytest.mark.parametrize("path", ["export", "judgments/export"])
def test_an_unknown_file_format_is_refused(as_member: APIClient, path: str) -> None:
    run = make_run({"a": ["d1"]})
    response = as_member.get(f"/api/v1/evaluations/runs/{run.pk}/{path}", {"file_format": "xml"})
    assert_problem(response, 400, field="file_format")


def test_cells_that_a_spreadsheet_would_run_are_defused(as_member: APIClient, member: User) -> None:
    run = make_run({"=1+1": ["@d"]})
    row = Candidate.objects.get(run=run)
    record_judgments(grades=[GivenGrade(row.run_query_id, "@d", 1, reasoning="-2+3")], actor=make_user())
    response = as_member.get(f"/api/v1/evaluations/runs/{run.pk}/judgments/export")
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    assert "q1,'=1+1,'@d,1," in text
    assert ",'-2+3," in text


def test_judgments_are_imported_into_a_corpus_and_reach_its_runs(as_member: APIClient) -> None:
    run = make_run({"a": ["d1", "d2"]}, metrics=["P@1"])
    url = f"/api/v1/corpora/{run.evaluation.corpus_id}/judgments/import"
    form = {"file": upload("j.csv", "query,doc_id,grade,rater\na,d1,2,Ann\na,d1,3,Bob\n"), "scale": "graded"}
    answer = as_member.post(url, form, format="multipart")
    assert answer.status_code == 200, answer.content
    assert (answer.json()["read"], answer.json()["written"], answer.json()["refused"]) == (2, 2, 0)
    assert candidate(run, "a", "d1").people_mean == 2.5
    run.refresh_from_db()
    assert run.metric_values == {"P@1": 1.0}
    wrong = {"file": upload("j.csv", "query,doc_id,grade\na,d1,9\n"), "scale": "graded"}
    problem = assert_problem(as_member.post(url, wrong, format="multipart"), 400, field="file")
    assert "line 2" in problem["errors"]["file"][0]
    assert Judgment.objects.count() == 2
    assert_problem(as_member.post(url, {}, format="multipart"), 400, field="file")
    assert_problem(as_member.post(f"/api/v1/corpora/{run.pk}/judgments/import", form, format="multipart"), 404)


def test_a_run_says_when_its_metrics_are_about_to_be_renewed(as_member: APIClient) -> None:
    run = make_run(metrics=["P@2"])
    address, listed = f"/api/v1/evaluations/runs/{run.pk}", f"/api/v1/evaluations/{run.evaluation_id}/runs"
    assert as_member.get(listed).json()["results"][0]["has_stale_metrics"] is True
    ledger.renew_metrics(run.pk)
    for answer in (as_member.get(address).json(), as_member.get(listed).json()["results"][0]):
        assert (answer["has_stale_metrics"], answer["metrics_at"] is None) == (False, False)
    run.run_queries.filter(position=1).update(has_stale_metrics=True)
    assert as_member.get(address).json()["has_stale_metrics"] is True
    locked = as_member.post(f"{address}/lock").json()
    assert (locked["has_stale_metrics"], as_member.get(listed).json()["results"][0]["has_stale_metrics"]) == (
        False,
        False,
    )


BEIR = {
    "run": "q1 Q0 d1 0 1.5 t\nq1 Q0 d2 0 2.5 t\n",
    "queries": '{"_id": "q1", "text": "red shoes"}\n',
    "documents": '{"_id": "d1", "title": "One", "text": "a"}\n{"_id": "d2", "title": "Two", "text": "b"}\n',
}


def test_a_run_says_what_its_files_were_read_as(as_member: APIClient) -> None:
    url = f"/api/v1/evaluations/{make_evaluation().pk}/runs/import"
    form = {"name": "beir", "scale": "binary", "metrics": "P@1"}
    answer = as_member.post(
        url, {**form, **{name: upload(name, text) for name, text in BEIR.items()}}, format="multipart"
    )
    assert answer.status_code == 201, answer.content
    assert answer.json()["read_as"] == {"run": "trec_run", "queries": "beir_queries", "documents": "beir_corpus"}
    assert "every line has the rank 0" in answer.json()["warnings"][0]

    table = {**form, "results": upload("r.csv", "query,doc_id,rank,title\na,d1,1,One\n"), "read_as": "csv"}
    assert as_member.post(url, table, format="multipart").json()["read_as"] == {"results": "csv"}
    only = {**form, **{name: upload(name, text) for name, text in BEIR.items()}, "only_ranked_queries": "true"}
    only["queries"] = upload("queries", BEIR["queries"] + '{"_id": "q2", "text": "other"}\n')
    assert as_member.post(url, only, format="multipart").json()["query_count"] == 1


@pytest.mark.parametrize("read_as", ["xlsx", "queries=rre", "beir_corpus", '{"file": 3}', "{", "nowhere=csv"])
def test_an_unknown_format_is_refused_with_those_that_are_known(as_member: APIClient, read_as: str) -> None:
    url = f"/api/v1/corpora/{make_run().evaluation.corpus_id}/judgments/import"
    form = {"file": upload("j", "q1 0 d1 1\n"), "scale": "graded", "read_as": read_as}
    assert_problem(as_member.post(url, form, format="multipart"), 400, field="read_as")


def test_an_import_of_judgments_says_what_was_read_and_how_far_it_reaches(as_member: APIClient) -> None:
    run = make_run()
    url = f"/api/v1/corpora/{run.evaluation.corpus_id}/judgments/import"
    form = {
        "file": upload("qrels.tsv", "query-id\tcorpus-id\tscore\nx1\td1\t1\nx1\tD2\t1\n"),
        "queries": upload("q.tsv", "_id\ttext\nx1\tred shoes\n"),
        "read_as": '{"file": "beir_qrels", "queries": "tsv"}',
    }
    answer = as_member.post(url, form, format="multipart").json()
    assert answer["read_as"] == {"file": "beir_qrels", "queries": "tsv"}
    assert answer["reach"] == {"judgments": 2, "on_candidates": 1, "runs": 1}
    assert answer["warnings"] == ["grades without a scale were read on that of the corpus's runs: graded"]

    ambiguous = {"file": upload("j.csv", "query,docid,rating,Ann\nred shoes,d1,1,2\n"), "scale": "graded"}
    problem = assert_problem(as_member.post(url, ambiguous, format="multipart"), 400, field="file")
    assert "a table of judgments (CSV) or a Quepid book" in problem["errors"]["file"][0]
    named = {"file": upload("j.csv", "query,docid,rating,Ann\nred shoes,d1,1,2\n"), "scale": "graded", "read_as": "csv"}
    assert as_member.post(url, named, format="multipart").json()["written"] == 1
    older = {"file": upload("j", "q1 0 d1 3\n"), "scale": "graded", "file_format": "qrels"}
    assert as_member.post(url, older, format="multipart").json()["read_as"] == {"file": "qrels"}


def test_judgments_are_exported_for_excel_and_other_tools(as_member: APIClient) -> None:
    run = make_run({"grün": ["d1"]})
    row = Candidate.objects.get(run=run)
    record_judgments(grades=[GivenGrade(row.run_query_id, "d1", 1)], actor=make_user())
    url = f"/api/v1/evaluations/runs/{run.pk}/judgments/export"
    excel = as_member.get(url, {"file_format": "csv_excel"})
    assert b"".join(excel.streaming_content).startswith(b"\xef\xbb\xbfquery_id,query,")  # type: ignore[attr-defined]
    opensearch = as_member.get(url, {"file_format": "opensearch"})
    assert json.loads(b"".join(opensearch.streaming_content))["judgmentRatings"][0]["query"] == "grün"  # type: ignore[attr-defined]
    assert opensearch["Content-Type"] == "application/json"
