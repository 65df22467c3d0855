"""Two judging runs or judge versions on the candidates they share: over REST, and against computations by hand."""

import math
import uuid
from typing import Any

import numpy as np
import pytest
from rest_framework.test import APIClient

from judging.judges.judges import save_judge
from judging.models import EvaluationRun, User
from judging.runs.locks import lock_run
from judging.trust.comparisons.judged_sides import find_side
from judging.trust.comparisons.judging_run_comparison import changed_rows, compare_judging
from tests.factories import make_judge, make_run
from tests.lazily import Lazily
from tests.rest_clients import assert_problem
from tests.trust.judged import make_judged_run

stats = Lazily("scipy.stats")
pytestmark = pytest.mark.django_db

QUERIES, DEPTH = 24, 8


def rows_of(seed: int, *, queries: int = QUERIES) -> list[list[int]]:
    draw = np.random.default_rng(seed)
    found: list[list[int]] = draw.integers(0, 5, (queries, DEPTH)).tolist()
    return found


def shifted(rows: list[list[int]], seed: int, share: float = 0.2) -> list[list[int]]:
    """Change some of the grades, mostly upwards."""
    draw = np.random.default_rng(seed)
    return [
        [min(max(grade + int(draw.choice([1, 1, -1])), 0), 4) if draw.random() < share else grade for grade in row]
        for row in rows
    ]


def wide_run(queries: int = QUERIES, **fields: Any) -> EvaluationRun:
    results = {f"query {q}": [f"d{q}-{c}" for c in range(DEPTH)] for q in range(queries)}
    return make_run(results, **{"metrics": ["P@5", "NDCG@8"], **fields})


def compared(client: APIClient, old: object, new: object, **given: str) -> dict[str, Any]:
    response = client.get("/api/v1/judging-runs/compare", {"old": str(old), "new": str(new), **given})
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


def test_counts_matrix_and_figures_are_those_of_the_pairs(as_member: APIClient) -> None:
    run, before = wide_run(), rows_of(1)
    after = shifted(before, 2)
    old, new = make_judged_run(run, before), make_judged_run(run, after)
    found = compared(as_member, old.pk, new.pk)
    a, b = np.array(before).ravel(), np.array(after).ravel()
    assert found["compared_count"] == QUERIES * DEPTH
    assert (found["up_count"], found["down_count"]) == ((b > a).sum(), (b < a).sum())
    assert found["changed_count"] == found["up_count"] + found["down_count"] > 20
    assert (found["only_old_count"], found["only_new_count"]) == (0, 0)
    matrix = np.zeros((5, 5), dtype=int)
    np.add.at(matrix, (a, b), 1)
    assert found["matrix"] == matrix.tolist()
    assert found["kappa_quadratic"]["value"] == pytest.approx(0.95, abs=0.05)
    assert found["kappa_quadratic"]["method"] == "jackknife_by_query"
    change = found["signed_change"]
    assert change["value"] == pytest.approx((b - a).mean(), abs=1e-12)
    # All queries have as many pairs, so the clustered interval is that of the queries' means.
    means = (np.array(after) - np.array(before)).mean(1)
    margin = stats.t.ppf(0.975, QUERIES - 1) * means.std(ddof=1) / math.sqrt(QUERIES)
    assert (change["low"], change["high"]) == pytest.approx((means.mean() - margin, means.mean() + margin), abs=1e-9)
    assert (change["method"], change["query_count"], change["grade_count"]) == ("clustered", QUERIES, QUERIES * DEPTH)
    assert 0 < found["distribution_p"] < 1
    assert (found["old"]["judge_label"], found["new"]["judging_run_id"]) == (old.judge_version.label, str(new.pk))


def test_a_metric_s_difference_is_that_of_each_side_s_grades_alone(as_member: APIClient) -> None:
    run, before = wide_run(relevant_from=2), rows_of(3)
    after = shifted(before, 4, share=0.5)
    found = compared(as_member, make_judged_run(run, before).pk, make_judged_run(run, after).pk)["metrics"]
    assert list(found) == ["P@5", "NDCG@8"]
    precision = [(np.array(rows)[:, :5] >= 2).mean(1) for rows in (before, after)]
    d = precision[1] - precision[0]
    test = stats.ttest_rel(precision[1], precision[0]).confidence_interval(0.95)
    assert found["P@5"]["value"] == pytest.approx(d.mean(), abs=1e-12)
    assert (found["P@5"]["low"], found["P@5"]["high"]) == pytest.approx((test.low, test.high), abs=1e-9)
    assert found["P@5"]["method"] == "paired_by_query"

    def ndcg(rows: list[list[int]]) -> float:
        discounts = np.log2(np.arange(2, DEPTH + 2))
        gains = 2.0 ** np.array(rows) - 1
        return float(((gains / discounts).sum(1) / (-np.sort(-gains, axis=1) / discounts).sum(1)).mean())

    assert found["NDCG@8"]["value"] == pytest.approx(ndcg(after) - ndcg(before), abs=1e-9)


def test_only_what_both_graded_is_compared(as_member: APIClient) -> None:
    run, before = wide_run(), rows_of(5)
    failed: list[list[int | None]] = [[None, *row[1:]] for row in before[:12]]
    old, new = make_judged_run(run, before), make_judged_run(run, failed)
    found = compared(as_member, old.pk, new.pk)
    assert (found["compared_count"], found["changed_count"]) == (12 * (DEPTH - 1), 0)
    assert (found["only_old_count"], found["only_new_count"]) == (QUERIES * DEPTH - 12 * (DEPTH - 1), 0)
    for name in ("P@5", "NDCG@8"):  # nothing changed, and nothing that was left out looks like a change
        assert (found["metrics"][name]["value"], found["metrics"][name]["query_count"]) == (0, 12)
    assert (found["signed_change"]["value"], found["signed_change"]["high"]) == (0, 0)


def test_few_queries_are_counted_and_every_figure_refused(as_member: APIClient) -> None:
    run, before = wide_run(9), rows_of(6, queries=9)
    found = compared(as_member, make_judged_run(run, before).pk, make_judged_run(run, shifted(before, 7)).pk)
    assert found["compared_count"] == 9 * DEPTH
    assert found["changed_count"] > 0
    figures = [found["kappa_quadratic"], found["signed_change"], *found["metrics"].values()]
    for figure in figures:
        assert (figure["value"], figure["low"], figure["high_total"]) == (None, None, None)
        assert (figure["refused_code"], figure["query_count"]) == ("too_few_queries", 9)
    assert found["distribution_p"] is None


def test_nothing_shared_is_said_as_such(as_member: APIClient) -> None:
    run, before = wide_run(), rows_of(8)
    ungraded = make_judged_run(run, [[None] * DEPTH] * QUERIES)
    found = compared(as_member, make_judged_run(run, before).pk, ungraded.pk)
    assert (found["compared_count"], found["only_old_count"]) == (0, QUERIES * DEPTH)
    assert found["matrix"] == [[0] * 5] * 5
    assert {found["signed_change"]["refused_code"], found["metrics"]["P@5"]["refused_code"]} == {"no_ai_grades"}
    elsewhere = make_run({"another query": ["x"]})
    other = make_judged_run(elsewhere, [[3]])
    found = compared(as_member, make_judged_run(run, before).pk, other.pk)
    assert (found["compared_count"], found["only_new_count"]) == (0, 1)
    assert found["kappa_quadratic"]["refused_code"] == "too_few_queries"


def test_a_change_alike_everywhere_has_no_interval(as_member: APIClient) -> None:
    run = wide_run()
    old, new = (make_judged_run(run, [[grade] * DEPTH] * QUERIES) for grade in (1, 2))
    found = compared(as_member, old.pk, new.pk)
    assert found["changed_count"] == QUERIES * DEPTH
    assert (found["signed_change"]["refused_code"], found["distribution_p"]) == ("no_variance", None)


def test_runs_of_two_evaluation_runs_meet_on_their_pairs(as_member: APIClient) -> None:
    run, before = wide_run(), rows_of(9)
    turned = make_run(
        {f"query {q}": [f"d{q}-{c}" for c in reversed(range(DEPTH))] for q in range(QUERIES)}, evaluation=run.evaluation
    )
    old, new = make_judged_run(run, before), make_judged_run(turned, [list(reversed(row)) for row in before])
    found = compared(as_member, old.pk, new.pk)
    assert (found["compared_count"], found["changed_count"]) == (QUERIES * DEPTH, 0)
    assert list(found["metrics"]) == turned.metrics


def test_a_judge_version_counts_with_its_newest_grades_on_the_run(as_member: APIClient, member: User) -> None:
    run, before = wide_run(), rows_of(10)
    judge = make_judge(owner=member)
    make_judged_run(run, [[0] * DEPTH] * QUERIES, judge=judge)
    make_judged_run(run, before, judge=judge)
    first = judge.versions.get()
    judge = save_judge(actor=member, judge=judge, fields={"temperature": 0.5})
    second = judge.versions.order_by("-number")[0]
    make_judged_run(run, shifted(before, 11), judge=judge)
    found = compared(as_member, f"judge_version:{first.pk}", f"judge_version:{second.pk}", run_id=str(run.pk))
    assert found["compared_count"] == QUERIES * DEPTH
    assert found["matrix"][0] != [QUERIES * DEPTH, 0, 0, 0, 0]
    assert (found["old"]["judging_run_id"], found["old"]["judge_label"]) == (None, first.label)


def test_what_cannot_be_compared_is_refused(as_member: APIClient, as_rater: APIClient, member: User) -> None:
    run = make_run({"a": ["d1"]})
    old = make_judged_run(run, [[1]])
    binary = make_judged_run(make_run({"a": ["d1"]}, evaluation=run.evaluation, scale="binary"), [[1]])

    def get(**given: object) -> Any:
        return as_member.get("/api/v1/judging-runs/compare", {name: str(value) for name, value in given.items()})

    assert_problem(get(old=old.pk, new=binary.pk), 409, "scales_differ")
    assert_problem(get(old=old.pk), 400, "unknown_side")
    assert_problem(get(old=old.pk, new="people"), 400, "unknown_side")
    assert_problem(get(old=old.pk, new="author:x"), 400, "unknown_side")
    assert_problem(get(old=old.pk, new=uuid.uuid4()), 404)
    version = f"judge_version:{old.judge_version_id}"
    assert_problem(get(old=old.pk, new=version), 400, field="run_id")
    assert_problem(get(old=old.pk, new=version, run_id="x"), 400, field="run_id")
    assert_problem(get(old=old.pk, new=version, run_id=uuid.uuid4()), 404)
    assert_problem(get(old=old.pk, new=f"judge_version:{uuid.uuid4()}", run_id=run.pk), 404)
    assert get(old=old.pk, new=f"judging_run:{old.pk}").status_code == 200
    path = f"/api/v1/judging-runs/compare?old={old.pk}&new={old.pk}"
    assert_problem(as_rater.get(path), 403)
    lock_run(run=run, actor=member)  # judging runs answer from their items
    assert as_member.get(path).json()["compared_count"] == 1


def test_statements_do_not_grow_with_the_run(as_member: APIClient, django_assert_max_num_queries: Any) -> None:
    run = wide_run()
    old, new = make_judged_run(run, rows_of(1)), make_judged_run(run, rows_of(2))
    with django_assert_max_num_queries(10):
        compared(as_member, old.pk, new.pk)


def test_rows_are_chosen_by_cell_or_change_the_largest_first() -> None:
    run = make_run({"a": ["d1", "d2", "d3", "d4"]})
    old, new = make_judged_run(run, [[0, 1, 2, 4]]), make_judged_run(run, [[1, 4, 2, 2]])
    found = compare_judging(find_side(str(old.pk)), find_side(str(new.pk)))
    change = found.pairs.change
    assert change[changed_rows(found)].tolist() == [3, -2, 1]
    assert change[changed_rows(found, change="up")].tolist() == [3, 1]
    assert change[changed_rows(found, change="down")].tolist() == [-2]
    assert change[changed_rows(found, change="all")].tolist() == [3, -2, 1, 0]
    assert change[changed_rows(found, cell=(2, 2))].tolist() == [0]
    assert not changed_rows(found, cell=(3, 3)).size
