"""Two runs query by query through the API: rows, summary, pages, the file, one query side by side, the noise."""

import csv
import io
from typing import Any

import pytest
from rest_framework.test import APIClient

from judging import ledger
from judging.metrics.list_similarity import compare_lists
from judging.models import Candidate, EvaluationRun, SearchItem, SearchRun
from judging.runs.locks import lock_run
from judging.runs.run_lists import get_evaluation_run
from judging.trust.comparisons.queries.query_rows import query_order, query_rows, step_of
from judging.trust.comparisons.queries.query_table import choose_measure, read_query, read_query_table
from tests.databases import Standing
from tests.factories import candidate, make_evaluation, make_judge, make_run, make_user
from tests.rest_clients import assert_problem
from tests.security.installation import browser_of
from tests.trust.compared import make_scored_run, some_values
from tests.trust.graded import give_grades

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("forgetful")]

A = {"shoes": ["d1", "d2", "d3"], "hats": ["d4", "d5"], "gone": ["d1"], "empty": []}
B = {"shoes": ["d2", "d1", "d9"], "hats": ["d4", "d6"], "new": ["d1"], "empty": []}


def path(a: EvaluationRun, b: EvaluationRun, rest: str = "") -> str:
    return f"/api/v1/evaluations/runs/{a.pk}/compare/{b.pk}{rest}"


def answer(client: APIClient, url: str, **query: Any) -> dict[str, Any]:
    response = client.get(url, query)
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


@pytest.fixture(scope="module")
def made(standing: Standing) -> tuple[EvaluationRun, EvaluationRun]:
    """Two runs on P@2; d1 and d2 are graded 2 and 0 for shoes, nothing for the other queries."""
    with standing():
        evaluation = make_evaluation()
        a = make_run(A, evaluation=evaluation, metrics=["P@2", "MAP"], name="Old")
        b = make_run(B, evaluation=evaluation, metrics=["P@2"], name="New")
        give_grades(a, raters={"ann": [[2, 0, None], [None, None], [None], []]})
        ledger.refresh_run(b.pk)
    return a, b


@pytest.fixture
def runs(db: None, made: tuple[EvaluationRun, EvaluationRun]) -> tuple[EvaluationRun, EvaluationRun]:
    a, b = made
    return get_evaluation_run(a.pk), get_evaluation_run(b.pk)


def test_a_row_tells_values_lists_and_what_is_open(as_member: APIClient, runs: Any) -> None:
    rows = {row["query"]: row for row in answer(as_member, path(*runs), metric="P@2", k=3)["results"]}
    shoes, hats = rows["shoes"], rows["hats"]
    assert (shoes["value_a"], shoes["value_b"], shoes["delta"]) == (0.5, 0.5, 0)
    assert (shoes["entered"], shoes["left"], shoes["moved"], shoes["jaccard"]) == (1, 1, 2, 0.5)
    assert shoes["rbo"] == pytest.approx(compare_lists(A["shoes"], B["shoes"], k=1).rbo, abs=1e-12)
    assert (shoes["unjudged_a"], shoes["unjudged_b"]) == (1, 1)
    assert shoes["range"] == {"low": 0, "high": 0}  # d3 and d9 stand below the cut-off
    # Without judgments there is no value; d5 or d6 could still decide either way.
    assert (hats["value_a"], hats["delta"]) == (None, None)
    assert hats["range"] == {"low": -0.5, "high": 0.5}
    assert (rows["empty"]["rbo"], rows["empty"]["jaccard"]) == (1, 1)
    assert rows.keys() == {"shoes", "hats", "empty"}


def test_the_summary_counts_shared_queries_and_says_which_are_left_out(as_member: APIClient, runs: Any) -> None:
    summary = answer(as_member, path(*runs))["summary"]
    assert (summary["metric"], summary["k"], summary["p"]) == ("P@2", 2, 0.9)
    assert (summary["query_count"], summary["scored_count"]) == (3, 1)
    assert (summary["only_a_count"], summary["only_b_count"], summary["failed_count"]) == (1, 1, 0)
    assert (summary["mean_delta"], summary["wins"], summary["ties"], summary["losses"]) == (0, 0, 1, 0)
    assert summary["mean_jaccard"] == pytest.approx((1 + 1 / 3 + 1) / 3)
    # d4, d5 and d6 of the hats: what both returned is one document.
    assert summary["undecided_count"] == 3
    assert summary["range"] == {"low": 0, "high": 0}
    assert summary["noise"] is None


def test_the_range_holds_what_grading_brings(as_member: APIClient, runs: Any) -> None:
    a, b = runs
    bounds = {row["query"]: row["range"] for row in answer(as_member, path(a, b))["results"]}
    give_grades(b, raters={"ben": [[None, None, None], [2, 2], [None], []]})
    give_grades(a, raters={"ben": [[None, None, None], [None, 0], [None], []]})
    rows = {row["query"]: row for row in answer(as_member, path(a, b))["results"]}
    assert rows["hats"]["delta"] == bounds["hats"]["high"] == 0.5


def test_rows_and_their_file_have_the_tags_of_queries(as_member: APIClient, runs: Any) -> None:
    a, b = runs
    a.run_queries.filter(text__in=("shoes", "hats")).update(tags=["before"])
    b.run_queries.filter(text="shoes").update(tags=["head", "brand"])
    expected = {"shoes": ["head", "brand"], "hats": ["before"], "empty": []}
    assert {row["query"]: row["tags"] for row in answer(as_member, path(a, b))["results"]} == expected
    exported = csv.DictReader(io.StringIO(as_member.get(path(a, b), {"file_format": "csv"}).getvalue().decode()))
    assert {row["query"]: row["tags"] for row in exported} == {key: "|".join(tags) for key, tags in expected.items()}


def test_judged_only_leaves_the_unjudged_out_of_the_lists(as_member: APIClient) -> None:
    evaluation = make_evaluation()
    # d1 is relevant: a finds it first, b below two documents that nobody has judged.
    a = make_run({"shoes": ["d1", "d2"], "hats": ["d4"]}, evaluation=evaluation, metrics=["MRR"])
    b = make_run({"shoes": ["d8", "d9", "d1", "d2"], "hats": ["d5"]}, evaluation=evaluation, metrics=["MRR"])
    give_grades(a, raters={"ann": [[2, 0], [2]]})
    ledger.refresh_run(b.pk)
    body = answer(as_member, path(a, b))
    rows = {row["query"]: row for row in body["results"]}
    assert (rows["shoes"]["delta"], rows["shoes"]["judged_only_delta"]) == (pytest.approx(-2 / 3), 0)
    # Nothing that b returned for hats is judged: it says nothing.
    assert (rows["hats"]["delta"], rows["hats"]["judged_only_delta"]) == (-1, None)
    summary = body["summary"]
    assert (summary["judged_only_delta"], summary["judged_only_count"]) == (0, 1)
    assert (summary["judged_only_low"], summary["judged_only_high"]) == (None, None)
    exported = csv.DictReader(io.StringIO(as_member.get(path(a, b), {"file_format": "csv"}).getvalue().decode()))
    assert {row["query"]: row["judged_only_delta"] for row in exported} == {"shoes": "0.0", "hats": ""}
    judged = answer(as_member, path(a, b), metric="Judged@2")["summary"]
    assert (judged["judged_only_delta"], judged["judged_only_count"]) == (None, 0)


def test_a_metric_that_runs_were_not_made_with_is_computed(as_member: APIClient, runs: Any) -> None:
    a, b = runs
    found = answer(as_member, path(a, b), metric="MRR")
    shoes = next(row for row in found["results"] if row["query"] == "shoes")
    assert (shoes["value_a"], shoes["value_b"], shoes["delta"]) == (1, 0.5, -0.5)
    # b has no MAP: its values are computed, a's are the stored ones.
    shoes = next(row for row in answer(as_member, path(a, b), metric="MAP")["results"] if row["query"] == "shoes")
    assert (shoes["value_a"], shoes["value_b"], shoes["range"]) == (1, 0.5, None)


def test_what_can_t_be_read_is_refused(as_member: APIClient, runs: Any) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"metric": "Nonsense"}, "unknown_metric"),
        ({"k": 0}, "invalid"),
        ({"k": 1001}, "invalid"),
        ({"p": 1}, "invalid"),
        ({"p": "nan"}, "invalid"),
        ({"p": "1e-320"}, "invalid"),
        ({"ordering": "rank"}, "invalid"),
        ({"cursor": "n999999"}, "invalid"),
        ({"cursor": "x"}, "invalid"),
        ({"noise": "x"}, "invalid"),
        ({"search": "x" * 201}, "invalid"),
        ({"file_format": "pdf"}, "unknown_format"),
    ]
    for query, code in cases:
        assert_problem(as_member.get(path(*runs), query), 400, code)


def test_pages_hold_every_query_once_in_either_direction(as_member: APIClient) -> None:
    a = make_scored_run({"P@10": some_values(23)})
    b = make_scored_run({"P@10": some_values(23, seed=2)}, corpus=a.evaluation.corpus)
    url: str | None = f"{path(a, b)}?page_size=10&ordering=-delta"
    pages = []
    while url:
        page = as_member.get(url).json()
        pages.append(page)
        url = page["next"]
    deltas = [row["delta"] for page in pages for row in page["results"]]
    assert len(deltas) == 23
    assert deltas == sorted(deltas, reverse=True)
    back = as_member.get(pages[2]["previous"]).json()
    assert back["results"] == pages[1]["results"]
    assert as_member.get(back["previous"]).json()["previous"] is None


def test_rows_are_ordered_and_searched(as_member: APIClient, runs: Any) -> None:
    def queries(**query: Any) -> list[str]:
        return [row["query"] for row in answer(as_member, path(*runs), **query)["results"]]

    assert queries(ordering="query") == ["empty", "hats", "shoes"]
    assert queries(ordering="jaccard")[0] == "hats"
    # What has no value comes last either way.
    assert queries(ordering="delta")[0] == queries(ordering="-delta")[0] == "shoes"
    assert queries(search="HAT") == ["hats"]


def test_the_file_holds_every_row_unrounded_and_defused(as_member: APIClient) -> None:
    a = make_run({"=1+1": ["d1"], "shoes": ["d1", "d2", "d3"]}, metrics=["P@3"])
    b = make_run({"=1+1": ["d1"], "shoes": ["d1"]}, evaluation=a.evaluation, metrics=["P@3"])
    give_grades(a, raters={"ann": [[1], [1, 1, 0]]})
    ledger.refresh_run(b.pk)
    response = as_member.get(path(a, b), {"file_format": "csv", "ordering": "query"})
    assert response["Content-Type"].startswith("text/csv")
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["query"] for row in rows] == ["'=1+1", "shoes"]
    assert rows[1]["delta"] == repr(1 / 3 - 2 / 3)
    assert (rows[1]["left"], rows[1]["range_low"]) == ("2", repr(1 / 3 - 2 / 3))


def test_tied_scores_are_said(as_member: APIClient, runs: Any) -> None:
    a, b = runs
    Candidate.objects.filter(run=a, query__text="shoes").update(score=1.5)
    body = answer(as_member, path(a, b))
    assert body["summary"]["tied_count"] == 1
    assert [row["query"] for row in body["results"] if row["has_ties"]] == ["shoes"]


def test_one_query_shows_both_lists_aligned_with_their_grades(as_member: APIClient, runs: Any) -> None:
    a, b = runs
    key = next(row["query_key"] for row in answer(as_member, path(a, b))["results"] if row["query"] == "shoes")
    body = answer(as_member, path(a, b, f"/queries/{key}"))
    found = [(each["candidate_id"], each["rank_a"], each["rank_b"], each["mark"]) for each in body["documents"]]
    assert found == [("d2", 2, 1, "moved"), ("d1", 1, 2, "moved"), ("d9", None, 3, "new"), ("d3", 3, None, "gone")]
    assert (body["documents"][1]["a"]["effective_grade"], body["documents"][2]["a"]) == (2, None)
    assert body["row"]["value_a"] == 0.5
    assert as_member.get(path(a, b, "/queries/nothing")).status_code == 404
    assert as_member.get(path(a, b, "/queries/%00")).status_code == 404


def test_one_query_alone_comes_to_what_the_table_says_of_it(runs: Any) -> None:
    a, b = runs
    measure = choose_measure(a, b, metric="NDCG@3")
    table = read_query_table(a, b, measure)
    order = [int(place) for place in query_order(a, b, table, ordering="query")]
    for row, place in zip(query_rows(a, b, table, order), order, strict=True):
        alone = read_query(a, b, measure, int(table.query_ids[place]))
        assert query_rows(a, b, alone, [0]) == [row]


def test_steps_go_from_the_largest_difference_to_the_smallest() -> None:
    a = make_scored_run({"P@10": [0.5, 0.5, 0.5]})
    b = make_scored_run({"P@10": [0.6, 0.1, 0.5]}, corpus=a.evaluation.corpus)
    measure = choose_measure(a, b)
    by_text = {row.text: row.query for row in b.run_queries.select_related("query")}
    step = step_of(a, b, measure, by_text["query 0"].pk)
    assert (step.number, step.count) == (2, 3)
    assert (step.previous_key, step.next_key) == (by_text["query 1"].identity, by_text["query 2"].identity)


def test_a_change_no_larger_than_an_a_a_run_s_is_named_noise(as_member: APIClient) -> None:
    a = make_scored_run({"P@10": [0.5] * 4})
    corpus = a.evaluation.corpus
    again = make_scored_run({"P@10": [0.5, 0.5, 0.5, 0.7]}, corpus=corpus)
    little = make_scored_run({"P@10": [0.5, 0.5, 0.5, 0.6]}, corpus=corpus)
    much = make_scored_run({"P@10": [0.5, 0.7, 0.7, 0.7]}, corpus=corpus)
    noise = answer(as_member, path(a, little), noise=str(again.pk))["summary"]["noise"]
    assert (noise["run_id"], noise["level"], noise["is_noise"]) == (str(again.pk), pytest.approx(0.05), True)
    assert answer(as_member, path(a, much), noise=str(again.pk))["summary"]["noise"]["is_noise"] is False


def test_a_locked_run_with_other_grades_has_no_range(as_member: APIClient, runs: Any, member: Any) -> None:
    a, b = runs
    lock_run(run=a, actor=member)
    give_grades(b, raters={"ben": [[None, 0, None], [None, None], [None], []]})
    rows = {row["query"]: row for row in answer(as_member, path(a, b))["results"]}
    assert rows["shoes"]["range"] is None
    assert rows["hats"]["range"] == {"low": -0.5, "high": 0.5}


def test_judging_what_decides_takes_each_document_once(as_member: APIClient, runs: Any) -> None:
    a, b = runs
    body = {"ai_judge_id": str(make_judge().pk), "k": 2}
    response = as_member.post(path(a, b, "/ai-judge"), body, format="json", headers={"Idempotency-Key": "once"})
    assert response.status_code == 201, response.content
    started = response.json()
    assert [run["evaluation_run_id"] for run in started["judging_runs"]] == [str(b.pk), str(a.pk)]
    # d4 and d6 with b, d5 with a: what the summary counts. Queries that only one has decide nothing.
    assert [run["total_count"] for run in started["judging_runs"]] == [2, 1]
    assert started["total_count"] == answer(as_member, path(a, b), k=2)["summary"]["undecided_count"]
    again = as_member.post(path(a, b, "/ai-judge"), body, format="json", headers={"Idempotency-Key": "once"})
    assert [run["id"] for run in again.json()["judging_runs"]] == [run["id"] for run in started["judging_runs"]]


def test_nothing_is_judged_where_nothing_decides_or_a_run_is_locked(as_member: APIClient, member: Any) -> None:
    run = make_run({"shoes": ["d1"]}, metrics=["P@1"])
    give_grades(run, raters={"ann": [[1]]})
    body = {"ai_judge_id": str(make_judge().pk), "k": 1}
    assert_problem(as_member.post(path(run, run, "/ai-judge"), body, format="json"), 409, "nothing_to_judge")
    lock_run(run=run, actor=member)
    assert_problem(as_member.post(path(run, run, "/ai-judge"), body, format="json"), 409, "run_locked")


def test_a_grade_is_in_the_next_answer(as_member: APIClient, runs: Any) -> None:
    a, b = runs
    assert answer(as_member, path(a, b))["summary"]["scored_count"] == 1
    d6 = candidate(b, "hats", "d6")
    judged = {"query_id": str(d6.run_query_id), "judgments": [{"candidate_id": "d6", "grade": 2}]}
    assert as_member.post("/api/v1/judgments", {"queries": [judged]}, format="json").status_code == 200
    ledger.renew_metrics(a.pk)
    rows = {row["query"]: row for row in answer(as_member, path(a, b))["results"]}
    assert (rows["hats"]["value_a"], rows["hats"]["value_b"], rows["hats"]["delta"]) == (0, 0.5, 0.5)


def test_a_failed_search_is_shown_and_counted_nowhere(as_member: APIClient, runs: Any) -> None:
    a, b = runs
    search_it(b, failed="shoes")
    body = answer(as_member, path(a, b))
    assert [row["query"] for row in body["results"] if row["is_failed"]] == ["shoes"]
    assert next(row for row in body["results"] if row["is_failed"])["delta"] is None
    summary = body["summary"]
    assert (summary["failed_count"], summary["query_count"], summary["scored_count"]) == (1, 2, 0)


def test_lists_that_were_asked_for_less_deep_are_refused(as_member: APIClient, runs: Any) -> None:
    a, b = runs
    search_it(b)
    assert_problem(as_member.get(path(a, b), {"metric": "P@5"}), 400, "depth_too_small")
    assert_problem(as_member.get(path(b, a), {"metric": "P@5"}), 400, "depth_too_small")


def test_a_clone_tells_the_noise_unless_another_run_is_named(as_member: APIClient, runs: Any) -> None:
    a, b = runs
    clone = make_run(A, evaluation=a.evaluation, metrics=["P@2"], cloned_from=a, depth=3)
    search_it(a)
    ledger.refresh_run(clone.pk)
    assert answer(as_member, path(a, b))["summary"]["noise"]["run_id"] == str(clone.pk)


def search_it(run: EvaluationRun, *, failed: str = "") -> None:
    """Make a run one that was executed, three deep, with a search that failed."""
    EvaluationRun.objects.filter(pk=run.pk).update(depth=3)
    search = SearchRun.objects.create(evaluation_run=run)
    SearchItem.objects.bulk_create(
        SearchItem(search_run=search, run_query=query, status="failed", failure_code="timeout")
        for query in run.run_queries.filter(text=failed)
    )


def test_differences_by_tag_have_intervals_where_there_are_enough_queries(as_member: APIClient) -> None:
    a = make_scored_run({"P@2": [0.0] * 12})
    b = make_scored_run({"P@2": [number / 12 for number in range(12)]}, corpus=a.evaluation.corpus)
    b.run_queries.update(tags=["all"])
    a.run_queries.filter(position__lte=2).update(tags=["few"])
    every, few = answer(as_member, path(a, b))["by_tag"]
    assert (every["tag"], every["query_count"], every["wins"], every["losses"]) == ("all", 12, 11, 0)
    assert every["mean_delta"] == pytest.approx(66 / 144)
    assert every["low"] < every["mean_delta"] < every["high"]
    assert (few["tag"], few["scored_count"], few["low"], few["high"]) == ("few", 2, None, None)
    shown = browser_of(make_user()).get(f"/evaluations/runs/{a.pk}/compare/{b.pk}").content.decode()
    assert "too few queries" in shown
    assert answer(as_member, path(b, b))["by_tag"][0]["mean_delta"] == 0
