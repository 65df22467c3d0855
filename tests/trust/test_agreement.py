"""Agreement of two sides of a run: who counts as people, which pairs count, and what is refused with which word."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from rest_framework.test import APIClient

from judging.models import EvaluationRun, Judgment, User
from judging.runs.locks import lock_run
from judging.statistics.agreement.jackknife import agreement_figures
from judging.statistics.tables import query_tables
from tests.factories import candidate, make_evaluation, make_run
from tests.rest_clients import assert_problem
from tests.review.giving import GivenGrade, record_judgments
from tests.review.test_grid import ai_grades
from tests.trust.graded import Rows, give_grades, make_graded_run

pytestmark = pytest.mark.django_db

QUERIES, DEPTH = 12, 6


def some_grades(seed: int, *, like: Rows | None = None) -> list[list[int]]:
    """Draw grades 0 to 4; `like` others three times out of four."""
    random = np.random.default_rng(seed)
    drawn = random.integers(0, 5, (QUERIES, DEPTH))
    if like is not None:
        drawn = np.where(random.random(drawn.shape) < 0.75, np.array(like, dtype=np.int64), drawn)
    return [[int(grade) for grade in row] for row in drawn]


PEOPLE = some_grades(1)
AI = some_grades(2, like=PEOPLE)


def agreement(client: APIClient, run: EvaluationRun, **query: Any) -> dict[str, Any]:
    response = client.get("/api/v1/agreement", {"run_id": str(run.pk), **query})
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


@pytest.mark.on_both
def test_the_figures_are_those_of_the_tables_by_query(as_member: APIClient) -> None:
    run = make_graded_run(ai=AI, raters={"ann": PEOPLE}, relevant_from=2)
    body = agreement(as_member, run, a="ai", b="people")
    query = np.repeat(np.arange(QUERIES), DEPTH)
    tables = query_tables(query, np.ravel(AI), np.ravel(PEOPLE), grade_count=5)
    for name, figure in agreement_figures(tables, relevant_from=2).items():
        assert (body[name]["value"], body[name]["low"]) == pytest.approx((figure.value, figure.low)), name
        assert body[name]["low_total"] == body[name]["low"]
    assert body["confusion"] == tables.sum(0).astype(int).tolist()
    assert body["kappa_quadratic"]["grade_count"] == QUERIES * DEPTH


def test_several_people_s_grades_are_averaged_and_rounded_half_up(as_member: APIClient) -> None:
    run = make_graded_run(ai=[[3]], raters={"ann": [[2]], "ben": [[3]]})
    assert agreement(as_member, run)["confusion"][3][3] == 1


@pytest.mark.on_both
def test_shown_and_unknown_grades_do_not_count_unless_asked_for(as_member: APIClient, member: User) -> None:
    run = make_graded_run(ai=[[1, 1, 1]])
    for rank, saw in ((1, False), (2, True), (3, None)):
        row = candidate(run, "query 0", f"d{rank}")
        record_judgments(grades=[GivenGrade(row.run_query_id, f"d{rank}", 2, saw_ai_grade=saw)], actor=member)
    body = agreement(as_member, run)
    assert body["kappa_quadratic"]["grade_count"] == 1
    counts = (body["blind_count"], body["shown_count"], body["unknown_count"], body["unblind_share"])
    assert counts == (1, 1, 1, 0.5)
    assert agreement(as_member, run, blind="false")["kappa_quadratic"]["grade_count"] == 3


def test_a_changed_grade_counts_as_it_was_before_the_ai_s_was_shown(as_member: APIClient, member: User) -> None:
    run = make_graded_run(ai=[[1]])
    row = candidate(run, "query 0", "d1")
    for grade, saw in ((4, False), (1, True)):
        record_judgments(grades=[GivenGrade(row.run_query_id, "d1", grade, saw_ai_grade=saw)], actor=member)
    assert agreement(as_member, run)["confusion"][1][4] == 1
    assert agreement(as_member, run, blind="false")["confusion"][1][1] == 1


@pytest.mark.parametrize(
    ("ai", "raters", "code"),
    [
        (None, {"ann": [[1]]}, "no_ai_grades"),
        ([[1]], {}, "no_people"),
        ([[1]], {"ann": [[2]]}, "too_few_queries"),
    ],
)
def test_what_is_missing_is_said_and_no_number_is_given(
    as_member: APIClient, ai: Rows | None, raters: dict[str, Rows], code: str
) -> None:
    figure = agreement(as_member, make_graded_run(ai=ai, raters=raters))["kappa_quadratic"]
    assert figure["refused_code"] == code
    assert {figure[name] for name in ("value", "low", "high", "low_total", "high_total")} == {None}


def test_only_unblind_grades_are_no_blind_grades(as_member: APIClient, member: User) -> None:
    run = make_graded_run(ai=[[1]])
    row = candidate(run, "query 0", "d1")
    record_judgments(grades=[GivenGrade(row.run_query_id, "d1", 1, saw_ai_grade=True)], actor=member)
    assert agreement(as_member, run)["exact"]["refused_code"] == "no_blind_grades"


def test_one_and_the_same_grade_throughout_is_no_variance(as_member: APIClient) -> None:
    ones: Sequence[Sequence[int]] = [[1] * DEPTH] * QUERIES
    run = make_graded_run(ai=ones, raters={"ann": ones})
    assert agreement(as_member, run)["kappa_quadratic"]["refused_code"] == "no_variance"


def test_one_person_stands_alone_under_the_name_the_exports_use(as_member: APIClient, member: User) -> None:
    run = make_graded_run(ai=[[1]], raters={"ann": [[2]], "ben": [[0]], member.email: [[3]]})
    assert agreement(as_member, run, a="author:ann", b="author:ben")["confusion"][2][0] == 1
    assert agreement(as_member, run, a="ai", b=f"author:rater:{member.email}")["confusion"][1][3] == 1
    assert_problem(
        as_member.get("/api/v1/agreement", {"run_id": str(run.pk), "a": f"author:{member.email}"}), 400, "unknown_side"
    )


@pytest.mark.on_both
def test_a_judging_run_and_the_newest_of_a_version_are_sides(as_member: APIClient) -> None:
    run = make_graded_run(raters={"ann": [[2, 2]]})
    older = ai_grades(run, {("query 0", "d1"): 0, ("query 0", "d2"): 4})
    newer = ai_grades(run, {("query 0", "d1"): 1}, older.judge_version.judge)
    body = agreement(as_member, run, a=f"judging_run:{older.pk}", b="people")
    assert (body["confusion"][0][2], body["confusion"][4][2]) == (1, 1)
    body = agreement(as_member, run, a=f"judge_version:{newer.judge_version_id}", b="people")
    assert (body["confusion"][1][2], body["confusion"][4][2], body["confusion"][0][2]) == (1, 1, 0)


def test_each_query_is_told_when_asked_for(as_member: APIClient) -> None:
    run = make_graded_run(ai=[[1, 2], [None, None]], raters={"ann": [[1, 4], [1, 1]]})
    (row,) = agreement(as_member, run, per_query="true")["per_query"]
    assert (row["query"], row["pair_count"], row["exact_count"], row["bias"]) == ("query 0", 2, 1, -1.0)


@pytest.mark.on_both
def test_a_locked_run_answers_from_its_snapshot(as_member: APIClient, member: User) -> None:
    run = make_graded_run(ai=[[1]], raters={"ann": [[2]]}, metrics=["P@1"])
    other = make_run({"query 0": ["d1"]}, evaluation=make_evaluation(run.evaluation.corpus))
    lock_run(run=run, actor=member)
    Judgment.objects.filter(author_kind="rater").delete()
    give_grades(other, raters={"ann": [[4]]})
    assert agreement(as_member, run)["confusion"][1][2] == 1
    assert agreement(as_member, run, b="author:ann")["confusion"][1][2] == 1


def test_an_unfinished_run_and_an_unknown_side_are_refused(as_member: APIClient) -> None:
    run = make_run({"a": ["d1"]}, status="pending")
    assert_problem(as_member.get("/api/v1/agreement", {"run_id": str(run.pk)}), 409, "run_not_completed")
    run = make_graded_run(ai=[[1]])
    for side in ("nobody", "author:", "judging_run:x", f"judge_version:{run.pk}", "people:1"):
        assert_problem(as_member.get("/api/v1/agreement", {"run_id": str(run.pk), "a": side}), 400, "unknown_side")
    assert_problem(as_member.get("/api/v1/agreement"), 400, "invalid", "run_id")


def test_reading_a_run_asks_the_same_number_of_questions_whatever_its_size(
    as_member: APIClient, django_assert_max_num_queries: Any
) -> None:
    run = make_graded_run(ai=AI, raters={"ann": PEOPLE, "ben": AI})
    with django_assert_max_num_queries(10):
        agreement(as_member, run)


def test_a_sample_of_agreement_tells_of_the_run_itself(as_member: APIClient) -> None:
    run = make_graded_run(ai=AI, raters={"ann": PEOPLE})
    refused = agreement(as_member, run, scope="this_run")["kappa_quadratic"]
    assert refused["refused_code"] == "no_check_sample"
    body = {"evaluation_run_id": str(run.pk), "goal": "agreement"}
    assert as_member.post("/api/v1/check-samples", body, format="json").status_code == 201
    told, pairs = agreement(as_member, run, scope="this_run"), agreement(as_member, run)
    for name in ("kappa_quadratic", "bias", "exact"):
        # All is graded: what holds for this run is known, what holds for queries like these is not.
        assert told[name]["value"] == pytest.approx(pairs[name]["value"])
        assert told[name]["low"] == pytest.approx(told[name]["high"])
        assert told[name]["low_total"] < told[name]["value"] < told[name]["high_total"]


def test_only_the_ai_and_people_have_a_sample_of_agreement(as_member: APIClient) -> None:
    run = make_graded_run(ai=[[1]], raters={"ann": [[1]]})
    for query in ({"scope": "this_run", "b": "author:ann"}, {"scope": "else"}, {"scope": "this_run", "blind": "false"}):
        address = as_member.get("/api/v1/agreement", {"run_id": str(run.pk), **query})
        assert_problem(address, 400, "invalid", "scope")
