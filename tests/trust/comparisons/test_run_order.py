"""The order of evaluation runs by two judges' grades: the same, swapped, and whether a swap is real."""

import uuid
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from judging.models import EvaluationRun, JudgingRun, User
from tests.factories import make_evaluation, make_judge, make_run
from tests.lazily import Lazily
from tests.markup import one_line
from tests.rest_clients import assert_problem
from tests.trust.judged import make_judged_run

stats = Lazily("scipy.stats")
pytestmark = [pytest.mark.django_db, pytest.mark.seldom]

QUERIES = 12
Judged = tuple[list[EvaluationRun], list[JudgingRun], list[JudgingRun]]


def order_of(client: APIClient, old: object, new: object, runs: str = "graded", **given: str) -> Any:
    response = client.get("/api/v1/judging-runs/compare", {"old": str(old), "new": str(new), "order_of": runs, **given})
    assert response.status_code == 200, response.content
    return response.json()["order"]


def judged_twice(columns: list[list[list[int]]]) -> Judged:
    """Make a run per column, each query returning one document of its own, which two judges gave grades by query."""
    evaluation = make_evaluation()
    judges = make_judge(name="Careful"), make_judge(name="Bold")
    runs: list[EvaluationRun] = []
    old: list[JudgingRun] = []
    new: list[JudgingRun] = []
    for number, grades in enumerate(columns):
        results = {f"query {q}": [f"d{number}-{q}"] for q in range(len(grades[0]))}
        run = make_run(results, evaluation=evaluation, name=f"run {number}", metrics=["P@1", "DCG@1"], relevant_from=2)
        runs.append(run)
        for judge, given, side in zip(judges, grades, (old, new), strict=True):
            side.append(make_judged_run(run, [[grade] for grade in given], judge=judge))
    return runs, old, new


def mixed(count: int, high: int = 4) -> list[int]:
    """Grade so many of the queries high, the first ones first, and the others 0."""
    return [high] * count + [0] * (QUERIES - count)


def test_the_values_are_each_side_s_and_the_order_is_compared(as_member: APIClient) -> None:
    shares = [(2, 3), (5, 4), (9, 12), (6, 2)]
    runs, old, new = judged_twice([[mixed(count) for count in pair] for pair in shares])
    found = order_of(as_member, old[0].pk, new[0].pk)
    ids = [str(run.pk) for run in runs]
    place = [ids.index(run["id"]) for run in found["runs"]]  # the newest first
    assert place == [3, 2, 1, 0]
    assert {run["graded_share"] for run in found["runs"]} == {1.0}
    assert found["query_count"] == QUERIES
    precision = found["metrics"]["P@1"]
    expected = np.array(shares)[place] / QUERIES
    assert precision["old"] == pytest.approx(expected[:, 0].tolist())
    assert precision["new"] == pytest.approx(expected[:, 1].tolist())
    assert precision["tau_b"] == pytest.approx(stats.kendalltau(*expected.T).statistic)
    swapped = {(ids.index(pair["first"]), ids.index(pair["second"])) for pair in precision["swapped"]}
    assert swapped == {(3, 1), (3, 0)}
    pair = next(pair for pair in precision["swapped"] if pair["second"] == ids[1])
    assert pair["old"]["value"] == pytest.approx((5 - 6) / QUERIES)
    assert pair["new"]["value"] == pytest.approx((4 - 2) / QUERIES)
    assert (pair["old"]["method"], pair["old"]["query_count"]) == ("paired_by_query", QUERIES)


def test_a_swap_is_real_where_an_interval_excludes_0(as_member: APIClient) -> None:
    far = mixed(2), mixed(11)
    near = mixed(4), mixed(3)
    _, old, new = judged_twice([[*far], [*near], [mixed(3), mixed(4)]])
    swapped = order_of(as_member, old[0].pk, new[0].pk)["metrics"]["P@1"]["swapped"]
    real = {round(pair["new"]["value"] * QUERIES): pair["is_real"] for pair in swapped}
    # Newest first: the third run to the second, to the first; the second to the first.
    assert real == {-1: False, 7: True, 8: True}


def test_few_queries_refuse_the_figures_and_no_swap_is_real(as_member: APIClient) -> None:
    _, old, new = judged_twice([[[4], [0]], [[0], [4]], [[0], [0]]])
    swapped = order_of(as_member, old[0].pk, new[0].pk)["metrics"]["P@1"]["swapped"]
    assert [pair["is_real"] for pair in swapped] == [False]
    assert swapped[0]["old"]["refused_code"] == "too_few_queries"


def test_without_any_difference_on_one_side_there_is_no_order(as_member: APIClient) -> None:
    _, old, new = judged_twice([[mixed(3), mixed(count)] for count in (1, 2, 3)])
    precision = order_of(as_member, old[0].pk, new[0].pk)["metrics"]["P@1"]
    assert (precision["tau_b"], precision["swapped"]) == (None, [])


def test_only_queries_of_all_runs_count_and_what_is_ungraded_is_told(as_member: APIClient) -> None:
    runs, old, new = judged_twice([[mixed(count), mixed(count)] for count in (1, 2)])
    wide = make_run(
        {f"query {q}": [f"d1-{q}", "unknown"] for q in range(QUERIES + 1)},
        evaluation=runs[0].evaluation,
        name="wide",
        metrics=["P@1"],
        relevant_from=2,
    )
    chosen = ",".join(str(run.pk) for run in (*runs, wide))
    found = order_of(as_member, old[0].pk, new[0].pk, chosen)
    assert found["query_count"] == QUERIES
    assert [run["graded_share"] for run in found["runs"]] == [1.0, 1.0, pytest.approx(QUERIES / (2 * QUERIES + 2))]
    assert found["metrics"]["P@1"]["old"] == pytest.approx([1 / QUERIES, 2 / QUERIES, 2 / QUERIES])


def test_fewer_than_three_runs_and_the_same_judge_have_no_order(as_member: APIClient) -> None:
    _, old, new = judged_twice([[mixed(1), mixed(2)]] * 2)
    assert order_of(as_member, old[0].pk, new[0].pk) is None
    runs, old, _ = judged_twice([[mixed(1), mixed(2)]] * 3)
    again = make_judged_run(runs[0], [[1]] * QUERIES, judge=old[0].judge_version.judge)
    assert order_of(as_member, old[0].pk, again.pk) is None


def test_a_consensus_puts_runs_into_an_order_too(as_member: APIClient) -> None:
    runs, old, new = judged_twice([[mixed(2), mixed(9)], [mixed(5), mixed(6)], [mixed(8), mixed(3)]])
    third = make_judge(name="Third")
    for run, count in zip(runs, (9, 5, 1), strict=True):
        make_judged_run(run, [[grade] for grade in mixed(count)], judge=third)
    versions = [old[0].judge_version_id, new[0].judge_version_id, third.versions.get().pk]
    side = f"consensus:{','.join(str(version) for version in versions)}"
    found = order_of(as_member, old[0].pk, side, run_id=str(runs[0].pk))
    assert found["metrics"]["P@1"]["new"] == pytest.approx([3 / QUERIES, 5 / QUERIES, 9 / QUERIES])
    assert found["metrics"]["P@1"]["tau_b"] == pytest.approx(-1)


def test_runs_that_can_t_be_put_into_an_order_are_refused(as_member: APIClient) -> None:
    runs, old, new = judged_twice([[mixed(1), mixed(2)]] * 3)
    binary = make_run({"query 0": ["d"]}, evaluation=runs[0].evaluation, scale="binary")

    def get(chosen: str) -> Any:
        query = {"old": str(old[0].pk), "new": str(new[0].pk), "order_of": chosen}
        return as_member.get("/api/v1/judging-runs/compare", query)

    two = f"{runs[0].pk},{runs[1].pk}"
    for chosen in ("", "all", two, f"{two},{runs[0].pk}", ",".join(str(uuid.uuid4()) for _ in range(9))):
        assert_problem(get(chosen), 400, field="order_of")
    assert_problem(get(f"{two},{uuid.uuid4()}"), 404)
    assert_problem(get(f"{two},{binary.pk}"), 409, "scales_differ")


def test_statements_do_not_grow_with_queries(as_member: APIClient, django_assert_max_num_queries: Any) -> None:
    _, old, new = judged_twice([[mixed(count), mixed(count + 1)] for count in (1, 2, 3)])
    with django_assert_max_num_queries(16):
        order_of(as_member, old[0].pk, new[0].pk)


def fragment(client: Client, old: object, new: object) -> str:
    address = f"{reverse('compare_judging_runs')}?old={old}&new={new}"
    page = client.get(address)
    assert 'id="run-order"' in page.content.decode()
    part = client.get(address, headers={"HX-Request": "true", "HX-Target": "run-order"})
    return one_line(part.content.decode())


def test_the_page_says_which_runs_change_places(client: Client, member: User) -> None:
    _, old, new = judged_twice([[mixed(2), mixed(11)], [mixed(4), mixed(3)], [mixed(3), mixed(4)]])
    client.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    shown = fragment(client, old[0].pk, new[0].pk)
    assert "The new one puts <strong>run 0</strong> above <strong>run 1</strong>" in shown
    assert shown.count(">Real<") == shown.count(">Too close to tell<") * 2 > 0


def test_the_page_says_nothing_of_the_order_of_two_runs(client: Client, member: User) -> None:
    _, old, new = judged_twice([[mixed(2), mixed(11)], [mixed(4), mixed(3)]])
    client.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    assert "order" not in fragment(client, old[0].pk, new[0].pk).replace("run-order", "")
