"""Archived evaluations and runs: out of lists and choices, found where they are asked for, taken back."""

from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from judging.models import AuditEvent, Evaluation, EvaluationRun, EvaluationRunStatus, User
from tests.factories import make_evaluation, make_judge, make_run
from tests.rest_clients import assert_problem
from tests.search.runs.searching import make_search_evaluation

API = "/api/v1/evaluations"
RESULTS = [{"query": "a", "candidates": [{"id": "d", "title": "D"}]}]


@pytest.fixture
def evaluation(db: None) -> Evaluation:
    return make_evaluation(name="Spring")


@pytest.fixture
def run(evaluation: Evaluation) -> EvaluationRun:
    return make_run({"red shoes": ["d1"]}, evaluation=evaluation, name="Monday")


@pytest.fixture
def pages(client: Client, member: User) -> Client:
    client.force_login(member)
    return client


def set_archived(client: APIClient, subject: Any, archived: bool = True) -> Any:
    path = f"{API}/runs/{subject.pk}" if isinstance(subject, EvaluationRun) else f"{API}/{subject.pk}"
    return client.patch(path, {"archived": archived})


def ids(client: APIClient, path: str, **query: str) -> list[str]:
    return [each["id"] for each in client.get(path, query).json()["results"]]


def test_an_archived_run_is_listed_only_where_it_is_asked_for(as_member: APIClient, run: EvaluationRun) -> None:
    path, other = f"{API}/{run.evaluation_id}/runs", make_run(evaluation=run.evaluation)
    assert set_archived(as_member, run).json()["archived"] is True
    assert (ids(as_member, path), ids(as_member, path, archived="true")) == ([str(other.pk)], [str(run.pk)])
    assert as_member.get(f"{API}/runs/{run.pk}").json()["archived"] is True
    assert set_archived(as_member, run, archived=False).json()["archived"] is False
    assert len(ids(as_member, path, archived="false")) == 2
    assert_problem(as_member.get(path, {"archived": "yes"}), 400, field="archived")


def test_an_archived_evaluation_is_listed_only_where_it_is_asked_for(
    as_member: APIClient, evaluation: Evaluation
) -> None:
    assert set_archived(as_member, evaluation).json()["archived"] is True
    assert (ids(as_member, API), ids(as_member, API, archived="true")) == ([], [str(evaluation.pk)])
    assert set_archived(as_member, evaluation, archived=False).json()["archived"] is False
    assert ids(as_member, API) == [str(evaluation.pk)]


def test_archiving_twice_is_one_line_of_the_audit_log(as_member: APIClient, run: EvaluationRun) -> None:
    for archived in (True, True, False, False):
        set_archived(as_member, run, archived)
        set_archived(as_member, run.evaluation, archived)
    actions = AuditEvent.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["run_archived", "evaluation_archived", "run_restored", "evaluation_restored"]


def test_a_locked_run_can_be_archived(as_member: APIClient, run: EvaluationRun) -> None:
    EvaluationRun.objects.filter(pk=run.pk).update(is_locked=True, locked_at=run.created_at)
    assert set_archived(as_member, run).status_code == 200
    body = {"archived": False, "name": "else"}
    assert_problem(as_member.patch(f"{API}/runs/{run.pk}", body), 409, "run_locked")
    assert as_member.get(f"{API}/runs/{run.pk}").json()["archived"] is True


@pytest.mark.parametrize("of_evaluation", [False, True])
def test_nothing_new_starts_on_what_is_archived(as_member: APIClient, run: EvaluationRun, of_evaluation: bool) -> None:
    judge = str(make_judge().pk)
    set_archived(as_member, run.evaluation if of_evaluation else run)
    body = {"ai_judge_id": judge, "evaluation_run_id": str(run.pk)}
    assert_problem(as_member.post(f"{API}/runs/{run.pk}/ai-judge", {"ai_judge_id": judge}), 409, "archived")
    assert_problem(
        as_member.post(f"/api/v1/ai-judges/{judge}/probes", {"evaluation_run_id": str(run.pk)}), 409, "archived"
    )
    assert_problem(as_member.post("/api/v1/golden-sets", {**body, "name": "weekly"}), 409, "archived")
    EvaluationRun.objects.filter(pk=run.pk).update(status=EvaluationRunStatus.PENDING)
    assert_problem(as_member.post(f"{API}/runs/{run.pk}/results", {"results": RESULTS}), 409, "archived")


def test_an_archived_evaluation_gets_no_runs(as_member: APIClient, evaluation: Evaluation) -> None:
    set_archived(as_member, evaluation)
    new = {"name": "new", "scale": "graded", "metrics": ["P@10"]}
    for body in (new, {**new, "results": RESULTS}):
        assert_problem(as_member.post(f"{API}/{evaluation.pk}/runs", body), 409, "archived")
    assert not evaluation.runs.exists()


def test_an_archived_search_is_not_started(as_member: APIClient) -> None:
    evaluation = make_search_evaluation("http://127.0.0.1:9")
    new = {"name": "new", "metrics": ["P@5"]}
    made = as_member.post(f"{API}/{evaluation.pk}/runs", new).json()
    set_archived(as_member, EvaluationRun.objects.get())
    assert_problem(as_member.post(f"{API}/runs/{made['id']}/start"), 409, "archived")
    set_archived(as_member, evaluation)
    assert_problem(as_member.post(f"{API}/{evaluation.pk}/runs", new), 409, "archived")
    assert_problem(as_member.post(f"{API}/runs/{made['id']}/clone"), 409, "archived")


def test_pages_leave_out_what_is_archived_and_take_it_back(pages: Client, run: EvaluationRun) -> None:
    def shown(path: str) -> str:
        return pages.get(path).content.decode()

    make_run(evaluation=run.evaluation, name="Tuesday")
    other = make_run({"red shoes": ["d1"]}, evaluation=make_evaluation(run.evaluation.corpus), name="Friday")
    evaluation = f"/evaluations/{run.evaluation_id}"
    pages.post(f"/evaluations/runs/{run.pk}/archive")
    for path in ("/", evaluation, f"/evaluations/runs/{other.pk}"):
        assert "Tuesday" in shown(path), path
        assert "Monday" not in shown(path), path
    assert "Monday" in shown(f"{evaluation}?archived=yes")
    assert "Restore the run" in shown(f"/evaluations/runs/{run.pk}")
    pages.post(f"{evaluation}/archive", follow=True)
    assert "Spring" not in shown("/evaluations")
    assert "Spring" in shown("/evaluations?archived=yes")
    assert "Tuesday" not in shown("/")
    pages.post(f"{evaluation}/restore")
    pages.post(f"/evaluations/runs/{run.pk}/restore")
    assert "Monday" in shown("/")


def test_the_description_of_a_run_is_edited_and_escaped(
    pages: Client, as_member: APIClient, run: EvaluationRun
) -> None:
    as_member.patch(f"{API}/runs/{run.pk}", {"description": "no <b>stemming</b>"})
    assert "no &lt;b&gt;stemming&lt;/b&gt;" in pages.get(f"/evaluations/runs/{run.pk}").content.decode()
    form = {
        "name": "Monday",
        "description": "with stemming",
        "metrics": "P@10",
        "relevant_from": 1,
        "judgments_wanted": 1,
    }
    assert pages.post(f"/evaluations/runs/{run.pk}/settings", form).status_code == 302
    assert as_member.get(f"{API}/runs/{run.pk}").json()["description"] == "with stemming"
