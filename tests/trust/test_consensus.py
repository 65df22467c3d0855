"""Several judges as one side of a run's agreement, over REST."""

import uuid
from typing import Any

import pytest
from rest_framework.test import APIClient

from judging.models import EvaluationRun
from judging.trust.comparisons.changed_rows import read_rows
from judging.trust.comparisons.judged_sides import find_side
from judging.trust.comparisons.judging_run_comparison import compare_judging
from tests.factories import make_evaluation, make_run
from tests.rest_clients import assert_problem
from tests.trust.graded import make_graded_run
from tests.trust.judged import make_judged_run
from tests.trust.test_agreement import AI, PEOPLE, agreement, some_grades

pytestmark = pytest.mark.django_db


def consensus_of(*judges: object) -> str:
    return f"consensus:{','.join(str(judge) for judge in judges)}"


def three_judges(run: EvaluationRun) -> list[Any]:
    return [make_judged_run(run, [row]) for row in ([0, 3, 1], [2, 3, 1], [4, 0, 1])]


def test_the_median_is_a_side_and_the_majority_when_asked_for(as_member: APIClient) -> None:
    run = make_graded_run(raters={"ann": [[2, 2, 2]]})
    side = consensus_of(*(judge.pk for judge in three_judges(run)))
    body = agreement(as_member, run, a=side)
    assert [row[2] for row in body["confusion"]] == [0, 1, 1, 1, 0]  # 2, 3 and 1, where people said 2
    body = agreement(as_member, run, a=side, method="majority")
    assert [row[2] for row in body["confusion"]] == [1, 1, 0, 1, 0]  # 0, as nobody else said the same, 3 and 1
    assert body["a"] == side
    assert body["consensus"]["a"]["method"] == "majority"


def test_every_judge_of_it_stands_beside_with_each_pair_of_them(as_member: APIClient) -> None:
    run = make_graded_run(raters={"ann": PEOPLE})
    judges = [make_judged_run(run, rows) for rows in (AI, some_grades(3, like=PEOPLE), some_grades(4, like=PEOPLE))]
    body = agreement(as_member, run, a="people", b=consensus_of(*(judge.pk for judge in judges)))
    consensus = body["consensus"]["b"]
    assert list(body["consensus"]) == ["b"]
    assert [each["judge"] for each in consensus["judges"]] == [f"judging_run:{judge.pk}" for judge in judges]
    for each in consensus["judges"]:
        alone = agreement(as_member, run, a=each["judge"])["kappa_quadratic"]
        assert each["kappa_quadratic"]["value"] == pytest.approx(alone["value"])
    assert len(consensus["pairwise"]) == 3
    for pair in consensus["pairwise"]:
        alone = agreement(as_member, run, a=pair["first"], b=pair["second"])["kappa_quadratic"]
        assert pair["kappa_quadratic"]["low"] == pytest.approx(alone["low"])


def test_versions_and_runs_are_named_with_or_without_their_kind(as_member: APIClient) -> None:
    run = make_graded_run(raters={"ann": [[2, 2, 2]]})
    first, second, third = three_judges(run)
    plain = agreement(as_member, run, a=consensus_of(first.pk, second.judge_version_id, third.pk))
    named = consensus_of(f"judging_run:{first.pk}", f"judge_version:{second.judge_version_id}", third.pk)
    assert agreement(as_member, run, a=named)["confusion"] == plain["confusion"]
    assert plain["consensus"]["a"]["judges"][1]["judge"] == f"judge_version:{second.judge_version_id}"


def test_where_half_of_the_judges_or_more_are_silent_there_is_no_consensus(as_member: APIClient) -> None:
    run = make_graded_run(raters={"ann": [[2, 2, 2]]})
    judges = [make_judged_run(run, [row]) for row in ([0, 3, 1], [None, 3, None])]
    body = agreement(as_member, run, a=consensus_of(*(judge.pk for judge in judges)))
    assert body["kappa_quadratic"]["grade_count"] == 1
    silent = [make_judged_run(run, [[None, None, None]]) for _ in range(2)]
    body = agreement(as_member, run, a=consensus_of(*(judge.pk for judge in silent)))
    assert body["kappa_quadratic"]["refused_code"] == "no_ai_grades"


def test_what_is_no_consensus_is_refused(as_member: APIClient) -> None:
    run = make_graded_run(ai=[[1]])
    first, second = make_judged_run(run, [[1]]), make_judged_run(run, [[2]])
    elsewhere = make_judged_run(make_run({"a": ["d1"]}, evaluation=make_evaluation()), [[1]])

    def get(side: str, **given: str) -> Any:
        return as_member.get("/api/v1/agreement", {"run_id": str(run.pk), "a": side, **given})

    for judges in (
        [],
        [first.pk],
        [first.pk, first.pk],
        [first.pk, f"judging_run:{first.pk}"],
        [first.pk, "people"],
        [first.pk, f"author:{second.pk}"],
        [first.pk, ""],
        [first.pk, uuid.uuid4()],
        [first.pk, elsewhere.pk],
        [first.pk, f"judging_run:{second.judge_version_id}"],
        [uuid.uuid4() for _ in range(11)],
    ):
        assert_problem(get(consensus_of(*judges)), 400, "unknown_side")
    binary = make_judged_run(make_run({"a": ["d1"]}, evaluation=run.evaluation, scale="binary"), [[1]])
    assert_problem(get(consensus_of(first.pk, binary.pk)), 409, "scales_differ")
    assert_problem(get(consensus_of(first.pk, second.pk), method="mean"), 400, "invalid", "method")


def test_statements_do_not_grow_with_the_run(as_member: APIClient, django_assert_max_num_queries: Any) -> None:
    run = make_graded_run(raters={"ann": PEOPLE})
    judges = [make_judged_run(run, rows) for rows in (AI, some_grades(3, like=PEOPLE))]
    with django_assert_max_num_queries(12):
        agreement(as_member, run, a=consensus_of(*(judge.pk for judge in judges)))


def test_a_consensus_is_a_side_of_a_comparison_of_judges(as_member: APIClient) -> None:
    run = make_graded_run(raters={"ann": [[2, 2, 2]]}, metrics=["P@3"])
    judges = three_judges(run)
    side = consensus_of(*(judge.pk for judge in judges))
    address = {"old": str(judges[0].pk), "new": side, "method": "majority"}
    found = as_member.get("/api/v1/judging-runs/compare", address).json()
    assert (found["compared_count"], found["changed_count"]) == (3, 0)
    found = as_member.get("/api/v1/judging-runs/compare", {**address, "method": "median"}).json()
    assert (found["changed_count"], found["matrix"][0][2]) == (1, 1)
    assert (found["new"]["judging_run_id"], found["new"]["ai_judge_id"]) == (None, None)
    assert found["new"]["judge_label"].startswith("Median of ")
    version = consensus_of(judges[0].pk, f"judge_version:{judges[1].judge_version_id}")
    refused = as_member.get("/api/v1/judging-runs/compare", {**address, "new": version})
    assert_problem(refused, 400, field="run_id")
    elsewhere = make_judged_run(make_run({"a": ["d1"]}, evaluation=run.evaluation, scale="binary"), [[1]])
    refused = as_member.get(
        "/api/v1/judging-runs/compare", {**address, "new": consensus_of(judges[0].pk, elsewhere.pk)}
    )
    assert_problem(refused, 409, "scales_differ")


def test_of_each_pair_a_consensus_has_the_words_of_a_judge_who_said_so() -> None:
    run = make_graded_run(raters={"ann": [[2, 2, 2]]})
    judges = three_judges(run)
    found = compare_judging(
        find_side(str(judges[0].pk)), find_side(consensus_of(*(judge.pk for judge in judges)), method="median")
    )
    rows = read_rows(found, range(3))
    assert [row.new.grade for row in rows] == found.pairs.new.tolist() == [2, 3, 1]
    assert [row.new.judging_run_id for row in rows] == [judges[1].pk, judges[0].pk, judges[0].pk]
