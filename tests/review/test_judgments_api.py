"""Judgments over REST."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from judging.foundation.limits import MAX_REASONING
from judging.models import EvaluationRun, Judgment, User
from judging.runs.locks import lock_run
from tests.factories import candidate, make_run, make_user
from tests.rest_clients import assert_problem, client_of

pytestmark = pytest.mark.django_db
URL = "/api/v1/judgments"


@pytest.fixture
def run(db: None) -> EvaluationRun:
    return make_run({"a": ["d1", "d2"], "b": ["d1"]}, metrics=["P@1"])


def body(run: EvaluationRun, *grades: tuple[str, str, Any], **fields: Any) -> dict[str, Any]:
    queries: dict[str, list[dict[str, Any]]] = {}
    for text, doc, grade in grades:
        query_id = str(run.run_queries.get(text=text).pk)
        queries.setdefault(query_id, []).append({"candidate_id": doc, "grade": grade, **fields})
    return {"queries": [{"query_id": query_id, "judgments": given} for query_id, given in queries.items()]}


def test_a_rater_judges_and_is_answered_the_renewed_rows(
    as_rater: APIClient, as_member: APIClient, run: EvaluationRun
) -> None:
    response = as_rater.post(
        URL, body(run, ("b", "d1", 4), ("a", "d2", 1), ("a", "d1", 2), reasoning="ok", saw_ai_grade=False)
    )
    assert response.status_code == 200, response.content
    rows = [(row["query"], row["candidate_id"], row["my_grade"], row["effective_grade"]) for row in response.json()["results"]]  # fmt: skip
    assert rows == [("b", "d1", 4, None), ("a", "d2", 1, None), ("a", "d1", 2, None)]
    assert set(Judgment.objects.values_list("reasoning", "saw_ai_grade")) == {("ok", False)}
    shown = as_member.get(f"/api/v1/evaluations/runs/{run.pk}").json()
    assert (shown["judged_count"], shown["metric_values"]) == (3, {"P@1": 1.0})


def test_each_one_sees_the_own_grade_as_mine(as_rater: APIClient, as_member: APIClient, run: EvaluationRun) -> None:
    as_rater.post(URL, body(run, ("a", "d1", 4)))
    row = as_member.post(URL, body(run, ("a", "d1", 1))).json()["results"][0]
    assert (row["my_grade"], row["people_mean"], row["people_count"], row["effective_grade"]) == (1, 2.5, 2, 3)


def test_a_note_is_written_read_kept_and_taken_away(as_rater: APIClient, run: EvaluationRun) -> None:
    notes = []
    for value, fields in ((4, {"reasoning": "as asked"}), (3, {}), (3, {"reasoning": None}), (3, {"reasoning": ""})):
        (row,) = as_rater.post(URL, body(run, ("a", "d1", value), **fields)).json()["results"]
        notes.append((row["my_reasoning"], [(each["grade"], each["reasoning"]) for each in row["people"]]))
    kept = "as asked"
    assert notes == [(kept, [(4, kept)]), (kept, [(3, kept)]), (kept, [(3, kept)]), ("", [(3, "")])]
    too_long = as_rater.post(URL, body(run, ("a", "d1", 3), reasoning="x" * (MAX_REASONING + 1)))
    assert_problem(too_long, 400, field="queries.0.judgments.0.reasoning")


def test_null_takes_one_s_own_grade_back(as_member: APIClient, run: EvaluationRun) -> None:
    as_member.post(URL, body(run, ("a", "d1", 4)))
    row = as_member.post(URL, body(run, ("a", "d1", None))).json()["results"][0]
    assert (row["my_grade"], row["effective_grade"], row["people_count"]) == (None, None, 0)
    assert not Judgment.objects.exists()


def test_whether_the_ai_s_grade_was_seen_is_unknown_when_not_told(as_member: APIClient, run: EvaluationRun) -> None:
    as_member.post(URL, body(run, ("a", "d1", 4)))
    assert Judgment.objects.get().saw_ai_grade is None


@pytest.mark.parametrize("grade", [5, -1, 2.5, "3", True, 10**30])
def test_what_is_no_grade_of_the_scale_is_refused_and_nothing_is_written(
    as_member: APIClient, run: EvaluationRun, grade: Any
) -> None:
    assert_problem(as_member.post(URL, body(run, ("a", "d1", 1), ("a", "d2", grade))), 400)
    assert not Judgment.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"queries": []},
        {"queries": {}},
        {"queries": [{"query_id": "x", "judgments": [{"candidate_id": "d1", "grade": 1}]}]},
        {"queries": [{"query_id": "00000000-0000-0000-0000-000000000000", "judgments": [{"candidate_id": "d1", "grade": 1}]}]},
        {"queries": [], "more": 1},
        [],
    ],
)  # fmt: skip
def test_a_wrong_body_is_refused(as_member: APIClient, wrong: Any) -> None:
    assert_problem(as_member.post(URL, wrong), 400)


def test_fields_are_named_by_their_place(as_member: APIClient, run: EvaluationRun) -> None:
    given = body(run, ("a", "d1", 1), ("a", "d2", 1))
    del given["queries"][0]["judgments"][1]["grade"]
    assert_problem(as_member.post(URL, given), 400, field="queries.0.judgments.1.grade")


def test_unknown_candidates_are_refused(as_member: APIClient, run: EvaluationRun) -> None:
    assert_problem(as_member.post(URL, body(run, ("b", "d2", 1))), 400, field="candidate_id")


def test_a_locked_run_answers_409(as_member: APIClient, run: EvaluationRun, member: User) -> None:
    lock_run(run=run, actor=member)
    assert_problem(as_member.post(URL, body(run, ("a", "d1", 1))), 409, "run_locked")
    assert candidate(run, "a", "d1").effective_grade is None


def test_without_a_token_nobody_judges(anonymous: APIClient, run: EvaluationRun) -> None:
    assert_problem(anonymous.post(URL, body(run, ("a", "d1", 1))), 401)


def test_many_grades_take_no_query_each(run: EvaluationRun, django_assert_max_num_queries: Any) -> None:
    client = client_of(make_user())
    large = make_run({"a": [f"d{n}" for n in range(60)]})
    client.post(URL, body(large, ("a", "d0", 1)))
    given = body(large, *(("a", f"d{n}", 1) for n in range(60)))
    with django_assert_max_num_queries(45):
        response = client.post(URL, given)
    assert len(response.json()["results"]) == 60


def test_a_body_with_very_many_errors_is_answered_the_first_hundred(as_rater: APIClient, run: EvaluationRun) -> None:
    wrong = body(run, ("a", "d1", "x"))
    wrong["queries"][0]["judgments"] *= 500
    errors = assert_problem(as_rater.post(URL, wrong), 400)["errors"]
    assert list(errors)[:2] == ["queries.0.judgments.0.grade", "queries.0.judgments.1.grade"]
    assert len(errors) == 101
    assert "non_field_errors" in errors
    unknown = assert_problem(as_rater.post(URL, {f"field{number}": 1 for number in range(5_000)}), 400)
    assert len(unknown["errors"]) == 101
    too_long = assert_problem(as_rater.post(URL, {"queries": [1] * 5_001}), 400)
    assert list(too_long["errors"]) == ["queries"]
