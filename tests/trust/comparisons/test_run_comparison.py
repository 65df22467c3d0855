"""Two evaluation runs against each other: what is compared, what is refused, and what is warned of."""

import time
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from judging import ledger
from judging.models import Candidate, EvaluationRun, EvaluationRunStatus, Judgment, User
from judging.runs.locks import lock_run
from judging.statistics.figures import Figure, refused
from judging.statistics.paired import compare_paired, holm
from judging.trust.comparisons.people_difference import reversed_figure
from judging.trust.comparisons.run_comparison import PeoplesDifference, compare_runs, verdict_of
from tests.factories import make_judge, make_run
from tests.rest_clients import assert_problem
from tests.trust.compared import make_scored_run, some_values
from tests.trust.graded import give_grades, make_graded_run
from tests.trust.sampled import grade_beginning, start

pytestmark = pytest.mark.django_db


def path(a: EvaluationRun, b: EvaluationRun) -> str:
    return f"/api/v1/evaluations/runs/{a.pk}/compare/{b.pk}"


def comparison(client: APIClient, a: EvaluationRun, b: EvaluationRun, **query: Any) -> dict[str, Any]:
    response = client.get(path(a, b), query)
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


def two_runs(metric: str = "P@10", **fields: Any) -> tuple[EvaluationRun, EvaluationRun]:
    a = make_scored_run({metric: some_values(seed=1)})
    b = make_scored_run({metric: some_values(seed=2, shift=0.08)}, corpus=a.evaluation.corpus, **fields)
    return a, b


def test_the_values_of_the_pages_are_compared_query_by_query(as_member: APIClient) -> None:
    a, b = two_runs()
    body = comparison(as_member, a, b)
    before, after = np.array(some_values(seed=1)), np.array(some_values(seed=2, shift=0.08))
    expected = compare_paired(before[:, None], after[:, None])[0]
    found = body["significance"]["P@10"]
    assert found["difference"] == pytest.approx(float((after - before).mean()))
    assert found["difference"] == pytest.approx(b.metric_values["P@10"] - a.metric_values["P@10"])
    assert (found["low"], found["high"]) == pytest.approx((expected.figure.low, expected.figure.high))
    assert found["p_randomisation"] == expected.p_randomisation
    assert (found["wins"], found["ties"], found["losses"]) == (expected.wins, expected.ties, expected.losses)
    assert found["minimum_detectable_difference"] == pytest.approx(expected.minimum_detectable_difference)
    assert (found["refused_code"], found["query_count"], found["verdict"]) == (None, 30, "better")
    assert (body["a"], body["b"], body["query_count"]) == (str(a.pk), str(b.pk), 30)
    assert (body["people"], body["warnings"], body["has_ai_grades"]) == ({}, [], False)
    assert "pairs" not in body
    assert found["p_holm"] is None


def test_exchanged_runs_give_the_opposite(as_member: APIClient) -> None:
    a, b = two_runs()
    there, back = (comparison(as_member, *runs)["significance"]["P@10"] for runs in ((a, b), (b, a)))
    assert back["difference"] == pytest.approx(-there["difference"])
    assert (back["low"], back["high"]) == pytest.approx((-there["high"], -there["low"]))
    assert back["p_randomisation"] == there["p_randomisation"]
    assert (back["wins"], back["losses"], back["verdict"]) == (there["losses"], there["wins"], "worse")


def test_only_queries_scored_in_both_count(as_member: APIClient) -> None:
    a = make_scored_run({"P@10": [*some_values(), None, 0.5]})
    b = make_scored_run({"P@10": some_values(seed=2)}, corpus=a.evaluation.corpus, first=3)
    body = comparison(as_member, a, b)
    # a: queries 0 to 31 without 30; b: 3 to 32.
    assert body["query_count"] == body["significance"]["P@10"]["query_count"] == 28
    assert body["significance"]["P@10"]["value_b"] == pytest.approx(
        np.mean([*some_values(seed=2)[:27], some_values(seed=2)[28]])
    )


def test_metrics_are_matched_by_what_they_are_and_not_by_how_they_are_spelled(as_member: APIClient) -> None:
    a = make_scored_run({"Precision@10": some_values(), "MAP": some_values()})
    b = make_scored_run({"ndcg@5": some_values(), "p@10": some_values(seed=2)}, corpus=a.evaluation.corpus)
    assert list(comparison(as_member, a, b)["significance"]) == ["P@10"]


def test_runs_without_a_common_metric_or_query_say_so(as_member: APIClient) -> None:
    a = make_scored_run({"P@10": some_values(), "MAP": some_values()})
    corpus = a.evaluation.corpus
    other_metric = make_scored_run({"RBP": some_values()}, corpus=corpus)
    other_queries = make_scored_run({"MAP": some_values()}, corpus=corpus, first=100)
    assert comparison(as_member, a, other_metric)["significance"] == {}
    found = comparison(as_member, a, other_queries)["significance"]["MAP"]
    assert (found["query_count"], found["value_a"], found["refused_code"]) == (0, None, "too_few_queries")


def test_few_queries_are_counted_and_nothing_is_claimed(as_member: APIClient) -> None:
    a = make_scored_run({"P@10": [0.1] * 9})
    b = make_scored_run({"P@10": [0.2] * 5 + [0.1] * 4}, corpus=a.evaluation.corpus)
    found = comparison(as_member, a, b)["significance"]["P@10"]
    assert (found["wins"], found["ties"], found["losses"], found["query_count"]) == (5, 4, 0, 9)
    assert found["refused_code"] == "too_few_queries"
    assert {found[key] for key in ("difference", "low", "high", "p_randomisation")} == {None}
    assert found["verdict"] == "cannot_tell"


def test_a_run_against_itself_differs_in_nothing(as_member: APIClient) -> None:
    run = make_scored_run({"P@10": some_values()})
    found = comparison(as_member, run, run)["significance"]["P@10"]
    assert (found["difference"], found["low"], found["high"], found["p_randomisation"]) == (0, 0, 0, 1)
    assert (found["ties"], found["verdict"]) == (30, "no_difference_seen")


def test_further_runs_make_p_stricter(as_member: APIClient) -> None:
    a, b = two_runs()
    c = make_scored_run({"P@10": some_values(seed=3), "MAP": some_values()}, corpus=a.evaluation.corpus)
    body = comparison(as_member, a, b, **{"with": f"{c.pk}, {a.pk}"})
    assert [(pair["a"], pair["b"]) for pair in body["pairs"]] == [
        (str(x.pk), str(y.pk)) for x, y in ((a, b), (a, c), (b, c))
    ]
    found = [pair["significance"]["P@10"] for pair in body["pairs"]]
    assert [each["p_holm"] for each in found] == pytest.approx(holm([each["p_randomisation"] for each in found]))
    assert body["significance"]["P@10"] == found[0]
    assert comparison(as_member, a, b)["significance"]["P@10"] == {**found[0], "p_holm": None}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"scale": "binary"}, "scales_differ"),
        ({"relevant_from": 2}, "relevant_from_differs"),
        ({"status": EvaluationRunStatus.PENDING}, "run_not_completed"),
        ({"status": EvaluationRunStatus.CANCELLED}, "run_not_completed"),
    ],
)
def test_what_does_not_mean_the_same_is_not_compared(as_member: APIClient, fields: dict[str, Any], code: str) -> None:
    a, b = two_runs(**fields)
    assert_problem(as_member.get(path(a, b)), 409, code)
    assert_problem(as_member.get(path(b, a)), 409, code)


def test_runs_of_two_corpora_are_not_compared(as_member: APIClient) -> None:
    assert_problem(as_member.get(path(make_run(), make_run())), 409, "corpora_differ")


def test_unknown_and_too_many_runs_are_refused(as_member: APIClient) -> None:
    a, b = two_runs()
    unknown = uuid4()
    assert_problem(as_member.get(f"/api/v1/evaluations/runs/{a.pk}/compare/{unknown}"), 404)
    assert_problem(as_member.get(f"/api/v1/evaluations/runs/{unknown}/compare/{a.pk}"), 404)
    assert_problem(as_member.get(path(a, b), {"with": str(unknown)}), 404)
    assert_problem(as_member.get(path(a, b), {"with": "nonsense"}), 400, field="with")
    assert_problem(as_member.get(path(a, b), {"with": ",".join(str(uuid4()) for _ in range(7))}), 400, field="with")


def test_raters_and_visitors_compare_nothing(as_rater: APIClient, anonymous: APIClient) -> None:
    a, b = two_runs()
    assert_problem(as_rater.get(path(a, b)), 403)
    assert_problem(anonymous.get(path(a, b)), 401)


# Whose grades


def test_a_grade_of_the_ai_that_counts_is_told(as_member: APIClient) -> None:
    a = make_graded_run(ai=[[1, 2]], raters={"ann": [[1, 2]]})
    b = make_graded_run(raters={"ben": [[1, None]]}, corpus=a.evaluation.corpus)
    assert comparison(as_member, a, b)["has_ai_grades"] is False
    Judgment.objects.filter(author_kind="rater", document__external_id="d2").delete()
    ledger.refresh_run(a.pk)
    assert comparison(as_member, a, b)["has_ai_grades"] is True


def test_a_locked_run_tells_of_the_grades_it_was_locked_with(as_member: APIClient) -> None:
    a = make_graded_run(ai=[[1, 2]])
    lock_run(run=a, actor=as_member.user)  # type: ignore[attr-defined]
    Judgment.objects.all().delete()
    assert comparison(as_member, a, a)["has_ai_grades"] is True


def test_a_judge_of_the_engine_s_family_is_warned_of(as_member: APIClient) -> None:
    a = make_graded_run(ai=[[1, 2]])
    b = make_graded_run(corpus=a.evaluation.corpus, ai=None, raters={"ann": [[None, None]]}, engine_model="e5-large-v2")
    Judgment.objects.filter(author_kind="ai").update(judge_version=make_judge(model="intfloat/e5-base").versions.get())
    warning, *more = comparison(as_member, a, b)["warnings"]
    assert not more
    assert (warning["code"], warning["run_id"]) == ("same_model_family", str(b.pk))
    assert (warning["engine_model"], warning["judge_model"]) == ("e5-large-v2", "intfloat/e5-base")
    assert b.name in warning["message"]
    EvaluationRun.objects.filter(pk=b.pk).update(engine_model="text-embedding-3-small")
    assert comparison(as_member, a, b)["warnings"] == []


# What people would say


def people(value: float, half: float) -> Figure:
    # Narrow for these queries, whatever for queries like these: the verdict must not read the narrow one.
    return Figure(value, value - 0.001, value + 0.001, value - half, value + half, "difference_by_document", 30, 200)


@pytest.mark.parametrize(
    ("figure", "verdict"),
    [
        (people(0.05, 0.04), "better"),
        (people(-0.05, 0.04), "worse"),
        (people(0.05, 0.06), "no_difference_seen"),
        (people(-0.05, 0.05), "no_difference_seen"),
        (refused("too_few_grades", method="difference_by_document", query_count=9, grade_count=40), "cannot_tell"),
    ],
)
def test_the_verdict_comes_from_the_interval_for_queries_like_these(figure: Figure, verdict: str) -> None:
    assert verdict_of(figure) == verdict
    opposite = {"better": "worse", "worse": "better"}.get(verdict, verdict)
    assert verdict_of(reversed_figure(figure)) == opposite
    assert reversed_figure(reversed_figure(figure)) == figure


def test_people_s_difference_stands_beside(as_member: APIClient) -> None:
    a, b = two_runs()
    found = compare_runs([a, b], people={"P@10": PeoplesDifference(people(0.05, 0.04))})
    assert found.people["P@10"].verdict == "better"


def test_while_people_look_the_wider_interval_decides() -> None:
    figure = people(0.05, 0.04)
    assert PeoplesDifference(figure, 0.06).verdict == "no_difference_seen"
    assert PeoplesDifference(figure, 0.045).verdict == "better"


def reversed_lists(run: EvaluationRun, depth: int) -> EvaluationRun:
    results = {f"query {i}": [f"d{rank}" for rank in range(depth, 0, -1)] for i in range(run.query_count)}
    other = make_run(results, evaluation=run.evaluation, scale=run.scale, metrics=run.metrics)
    give_grades(other)
    return other


def test_a_check_sample_of_what_differs_says_what_people_would(as_member: APIClient, member: User) -> None:
    grades = [[int(rank < 6) for rank in range(12)] for _ in range(14)]
    a = make_graded_run(ai=grades, metrics=["P@6", "NDCG@6"])
    b = reversed_lists(a, 12)
    sample = start(a, "compare", metric="P@6", other_run=b)
    assert comparison(as_member, a, b)["people"]["P@6"]["verdict"] == "cannot_tell"
    grade_beginning(
        sample, member, {(f"query {i}", f"d{rank + 1}"): grades[i][rank] for i in range(14) for rank in range(12)}
    )
    there, back = (comparison(as_member, *runs)["people"] for runs in ((a, b), (b, a)))
    # b has the six relevant ones last.
    assert there["P@6"]["difference"]["value"] == pytest.approx(-1)
    assert back["P@6"]["difference"]["value"] == pytest.approx(1)
    assert back["P@6"]["difference"]["low_total"] == pytest.approx(-there["P@6"]["difference"]["high_total"])
    assert (there["P@6"]["verdict"], back["P@6"]["verdict"]) == ("worse", "better")
    assert list(there) == ["P@6"]
    assert comparison(as_member, a, a)["people"] == {}


def test_a_void_sample_says_nothing(as_member: APIClient) -> None:
    a = make_graded_run(ai=[[1, 0]] * 12, metrics=["P@1"])
    b = reversed_lists(a, 2)
    start(a, "compare", metric="P@1", other_run=b)
    Candidate.objects.filter(run=b, rank=2).update(rank=3)
    assert comparison(as_member, a, b)["people"] == {}


# How much it takes


def test_a_comparison_takes_the_same_queries_however_long_the_runs(
    as_member: APIClient, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    a, b = two_runs()
    with django_assert_max_num_queries(17):
        comparison(as_member, a, b)


@pytest.mark.seldom
def test_thousands_of_queries_are_compared_quickly() -> None:
    a = make_scored_run({"P@10": some_values(2000), "MAP": some_values(2000, seed=3)})
    b = make_scored_run(
        {"P@10": some_values(2000, seed=2), "MAP": some_values(2000, seed=4)}, corpus=a.evaluation.corpus
    )
    began = time.process_time()
    assert compare_runs([a, b]).query_count == 2000
    assert time.process_time() - began < 2


def test_the_model_of_the_engine_can_be_given_changed_and_is_bounded(as_member: APIClient) -> None:
    run = make_run()
    url = f"/api/v1/evaluations/runs/{run.pk}"
    assert as_member.get(url).json()["engine_model"] == ""
    assert as_member.patch(url, {"engine_model": " e5-large "}, format="json").json()["engine_model"] == "e5-large"
    assert_problem(as_member.patch(url, {"engine_model": "x" * 201}, format="json"), 400, field="engine_model")
    body = {"name": "r", "scale": "graded", "metrics": ["P@10"], "engine_model": "bge-m3"}
    made = as_member.post(f"/api/v1/evaluations/{run.evaluation_id}/runs", body, format="json")
    assert made.json()["engine_model"] == "bge-m3"


def test_people_without_grades_are_no_people() -> None:
    run = make_graded_run(ai=[[1]])
    give_grades(run, raters={"ann": [[2]]})
    assert compare_runs([run, run]).has_ai_grades is False
