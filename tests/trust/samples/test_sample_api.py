"""Check samples by REST: what is answered, what is refused, and what raters may."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from judging.models import AuditEvent, CheckSample, EvaluationRun, Judgment, User
from judging.statistics.estimates.review_queue import inclusion_probabilities
from tests.factories import make_evaluation, make_run
from tests.rest_clients import assert_problem
from tests.trust.sampled import get, start

URL = "/api/v1/check-samples"
LISTS = {"a": ["d1", "d2", "d3"], "b": ["d2", "d4"]}


@pytest.fixture
def run(db: None) -> EvaluationRun:
    return make_run(LISTS, scale="trec", metrics=["P@3", "NDCG@3"])


def body(run: EvaluationRun, **fields: Any) -> dict[str, Any]:
    return {"evaluation_run_id": str(run.pk), "goal": "certify", "metric": "P@3", **fields}


def test_a_sample_is_started_listed_shown_and_deleted(as_member: APIClient, run: EvaluationRun) -> None:
    response = as_member.post(URL, body(run))
    assert response.status_code == 201
    made = response.json()
    assert made["evaluation_run_id"] == str(run.pk)
    expected = {
        "goal": "certify",
        "metric": "P@3",
        "status": "open",
        "population_count": 5,
        "graded_count": 0,
        "skipped_count": 0,
        "needed_count": 5,
        "needed_seconds": 50,
        "is_certified": False,
    }
    assert {name: made[name] for name in expected} == expected
    assert made["estimate"]["refused_code"] == "too_few_grades"
    assert as_member.get(f"{URL}/{made['id']}").json() == made
    # Each POST makes one, and a run's list holds its own.
    twin = as_member.post(URL, body(run)).json()
    other = make_run({"a": ["d1"]})
    as_member.post(URL, body(other))
    listed = as_member.get(URL, {"evaluation_run_id": str(run.pk), "page_size": "1"}).json()
    assert [row["id"] for row in listed["results"]] == [twin["id"]]
    assert [row["id"] for row in as_member.get(listed["next"]).json()["results"]] == [made["id"]]
    assert len(as_member.get(URL).json()["results"]) == 3
    assert as_member.delete(f"{URL}/{made['id']}").status_code == 204
    assert_problem(as_member.get(f"{URL}/{made['id']}"), 404, "not_found")
    acts = AuditEvent.objects.filter(subject_type="check_sample").values_list("action", flat=True)
    assert sorted(acts) == ["check_sample_created"] * 3 + ["check_sample_deleted"]


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"metric": "Quality@3"}, "unknown_metric", "metric"),
        ({"metric": ""}, "unknown_metric", "metric"),
        ({"metric": "Judged@3"}, "not_estimable", "metric"),
        ({"goal": "precision"}, "half_width_required", "half_width"),
        ({"goal": "precision", "half_width": 0}, "invalid", "half_width"),
        ({"goal": "compare"}, "other_run_required", "other_run_id"),
        ({"goal": "everything"}, "invalid", "goal"),
    ],
)
def test_what_is_asked_for_is_checked(
    as_member: APIClient, run: EvaluationRun, fields: dict[str, Any], code: str, field: str
) -> None:
    assert_problem(as_member.post(URL, body(run, **fields)), 400, code, field)
    assert not CheckSample.objects.exists()


def test_any_known_metric_will_do_not_only_those_of_the_run(as_member: APIClient, run: EvaluationRun) -> None:
    for metric in ("SDCG@5", "rbp", "MRR", "Precision@2"):
        assert as_member.post(URL, body(run, metric=metric)).status_code == 201


def test_a_comparison_is_of_two_open_runs_of_one_corpus_and_scale(as_member: APIClient, run: EvaluationRun) -> None:
    def compare(other: EvaluationRun) -> Any:
        return as_member.post(URL, body(run, goal="compare", other_run_id=str(other.pk)))

    of_corpus = make_evaluation(run.evaluation.corpus)
    assert_problem(compare(run), 400, "invalid", "other_run_id")
    assert_problem(compare(make_run(LISTS, scale="trec")), 409, "corpora_differ")
    assert_problem(compare(make_run(LISTS, evaluation=of_corpus)), 409, "scales_differ")
    unfinished = make_run({}, evaluation=of_corpus, scale="trec", status="pending")
    assert_problem(compare(unfinished), 409, "run_not_completed")
    assert_problem(as_member.post(URL, body(run, other_run_id=str(unfinished.pk))), 400, "invalid", "other_run_id")
    other = make_run({"a": ["d2", "d1", "d3"]}, evaluation=of_corpus, scale="trec")
    answer = compare(other)
    assert answer.status_code == 201
    assert answer.json()["other_run_id"] == str(other.pk)


def test_a_rater_grades_without_seeing_what_others_say(
    as_rater: APIClient, as_member: APIClient, rater: User, run: EvaluationRun
) -> None:
    sample = start(run, metric="P@3")
    handed = get(as_rater, sample, "/next", count=2)
    assert len(handed["items"]) == 2
    assert handed["leased_until"]
    item = handed["items"][0]
    assert set(item) == {"position", "query_id", "query", "candidate_id", "title", "fields", "image"}
    judgment = {"candidate_id": item["candidate_id"], "grade": 2, "saw_ai_grade": False}
    graded = as_rater.post("/api/v1/judgments", {"queries": [{"query_id": item["query_id"], "judgments": [judgment]}]})
    assert graded.status_code == 200
    assert Judgment.objects.get().blind_grade == 2
    item = handed["items"][1]
    skipped = {"query_id": item["query_id"], "candidate_id": item["candidate_id"], "reason": "in Greek"}
    assert as_rater.post(f"{URL}/{sample.pk}/skip", skipped).status_code == 204
    assert get(as_member, sample)["graded_count"] == 1
    assert get(as_member, sample)["skipped_count"] == 1
    assert len(get(as_rater, sample, "/next")["items"]) == 3
    for path in (URL, f"{URL}/{sample.pk}", f"{URL}/{sample.pk}/items"):
        assert_problem(as_rater.get(path), 403, "permission_denied")
    assert_problem(as_rater.delete(f"{URL}/{sample.pk}"), 403, "permission_denied")
    assert_problem(as_rater.post(URL, body(run)), 403, "permission_denied")


def test_nothing_left_is_an_empty_answer_and_wrong_counts_are_refused(as_member: APIClient) -> None:
    sample = start(make_run({"a": []}), metric="P@3")
    assert get(as_member, sample, "/next") == {"items": [], "leased_until": None}
    for count in ("0", "101", "x", "1.5", ""):
        assert_problem(as_member.get(f"{URL}/{sample.pk}/next", {"count": count}), 400, "invalid", "count")


def test_a_skip_says_why_and_names_an_item(as_member: APIClient, run: EvaluationRun) -> None:
    sample = start(run, metric="P@3")
    url = f"{URL}/{sample.pk}/skip"
    query_id = str(run.run_queries.all()[0].pk)
    assert_problem(as_member.post(url, {"query_id": query_id, "candidate_id": "d1"}), 400, "invalid", "reason")
    known = {"query_id": query_id, "candidate_id": "d1", "reason": "  "}
    assert_problem(as_member.post(url, known), 400, "invalid", "reason")
    assert_problem(as_member.post(url, {**known, "candidate_id": "d9", "reason": "x"}), 404, "not_found")


def test_the_queue_is_paged_with_sizes_and_probabilities(as_member: APIClient, run: EvaluationRun) -> None:
    sample = start(run, metric="DCG@3")
    first = get(as_member, sample, "/items", page_size=3)
    second = as_member.get(first["next"]).json()
    rows = [*first["results"], *second["results"]]
    assert [row["position"] for row in rows] == [1, 2, 3, 4, 5]
    assert second["next"] is None
    assert as_member.get(second["previous"]).json()["results"] == first["results"]
    assert {row["probability"] for row in rows} == {0}
    item = first["results"][0]
    judgment = {"candidate_id": item["candidate_id"], "grade": 2, "saw_ai_grade": False}
    as_member.post("/api/v1/judgments", {"queries": [{"query_id": item["query_id"], "judgments": [judgment]}]})
    rows = get(as_member, sample, "/items")["results"]
    expected = inclusion_probabilities([row["size"] for row in rows], 1)
    assert [row["probability"] for row in rows] == pytest.approx(list(expected))
    whole = get(as_member, start(run, metric="NDCG@3"), "/items")["results"]
    assert {row["size"] for row in whole} == {1}
    assert_problem(as_member.get(f"{URL}/{sample.pk}/items", {"cursor": "x"}), 400, "invalid", "cursor")


def test_listing_costs_no_more_for_more_samples_of_a_run(
    as_member: APIClient, run: EvaluationRun, django_assert_max_num_queries: Any
) -> None:
    for metric in ("P@1", "P@2", "P@3", "SDCG@3", "RBP", "DCG@2"):
        start(run, metric=metric)
    with django_assert_max_num_queries(12):
        assert len(as_member.get(URL, {"evaluation_run_id": str(run.pk)}).json()["results"]) == 6


@pytest.mark.parametrize(("goal", "metric"), [("certify", "P@3"), ("certify", "NDCG@3"), ("agreement", "")])
def test_listing_costs_no_more_for_samples_of_more_runs(
    as_member: APIClient, run: EvaluationRun, goal: str, metric: str
) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert as_member.get(URL).status_code == 200
        return len(captured)

    results = [{**LISTS, "b": ["d2", f"own {i}", "d4"], "empty": []} for i in range(2)]
    others = [make_run(each, scale="trec", evaluation=run.evaluation) for each in results]
    start(run, goal, metric=metric)
    start(others[0], goal, metric=metric)
    few = statements()
    start(others[1], goal, metric=metric)
    assert statements() <= few
    listed = as_member.get(URL).json()["results"]
    assert len(listed) == 3
    # Read together, they say what each says alone.
    assert all(as_member.get(f"{URL}/{told['id']}").json() == told for told in listed)
