"""Executed runs over REST and on their pages."""

import pytest
from django.test import Client
from rest_framework.test import APIClient

from judging.demo_search.server import Server
from judging.models import EvaluationRun, RunQuery, User
from tests.draining import drain
from tests.rest_clients import assert_problem
from tests.search.runs.searching import make_search_evaluation, reread, searched

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_run_is_made_started_and_read_over_rest(search_engine: Server, as_member: APIClient) -> None:
    evaluation = make_search_evaluation(search_engine.url)
    path = f"/api/v1/evaluations/{evaluation.pk}/runs"
    made = as_member.post(path, {"name": "live", "scale": "graded", "metrics": ["P@5"], "depth": 5}).json()
    assert (made["status"], made["depth"], made["search"]["endpoint_id"]) == (
        "pending",
        5,
        str(evaluation.endpoint_id),
    )
    run = f"/api/v1/evaluations/runs/{made['id']}"
    assert as_member.post(f"{run}/start").json()["status"] == "queued"
    assert_problem(as_member.post(f"{run}/start"), 409, "already_started")
    drain()
    ended = as_member.get(run).json()
    counts = {name: ended["search"][f"{name}_count"] for name in ("total", "answered", "empty", "failed", "pending")}
    assert counts == {"total": 4, "answered": 3, "empty": 1, "failed": 0, "pending": 0}
    assert ended["search"]["latency_p50_ms"] is not None
    assert_problem(as_member.post(f"{run}/stop"), 400, "not_active")
    assert_problem(as_member.post(f"{run}/results", {"results": []}), 409, "run_is_executed")


@pytest.mark.on_both
def test_a_run_and_its_clone_have_the_tags_of_the_query_set(search_engine: Server, as_member: APIClient) -> None:
    evaluation = make_search_evaluation(search_engine.url, queries=("red shoes", "blue shirt"))
    evaluation.query_set.queries.filter(position=1).update(tags=["head"])
    made = as_member.post(
        f"/api/v1/evaluations/{evaluation.pk}/runs", {"name": "live", "metrics": ["P@5"], "start": True}
    )
    clone = as_member.post(f"/api/v1/evaluations/runs/{made.json()['id']}/clone").json()
    for run in (made.json(), clone):
        assert list(RunQuery.objects.filter(run=run["id"]).values_list("tags", flat=True)) == [["head"], []]


@pytest.mark.on_both
def test_the_same_key_again_makes_and_starts_no_second_run(search_engine: Server, as_member: APIClient) -> None:
    evaluation = make_search_evaluation(search_engine.url)
    path = f"/api/v1/evaluations/{evaluation.pk}/runs"
    body = {"name": "live", "metrics": ["P@5"], "depth": 5, "start": True}
    first, again = (as_member.post(path, body, headers={"Idempotency-Key": "made"}).json() for _ in range(2))
    assert first["id"] == again["id"]
    assert_problem(
        as_member.post(path, {**body, "depth": 6}, headers={"Idempotency-Key": "made"}), 409, "idempotency_key_reused"
    )
    assert EvaluationRun.objects.count() == 1


def test_a_start_with_the_same_key_answers_the_run_as_it_is(
    search_engine: Server, as_member: APIClient, as_admin: APIClient
) -> None:
    evaluation = make_search_evaluation(search_engine.url)
    path = f"/api/v1/evaluations/{evaluation.pk}/runs"
    made = as_member.post(path, {"name": "live", "metrics": ["P@5"], "depth": 5}, headers={"Idempotency-Key": "made"})
    start, key = f"/api/v1/evaluations/runs/{made.json()['id']}/start", {"Idempotency-Key": "started"}
    # Who starts a run need not be who made it.
    assert as_admin.post(start, headers=key).json()["status"] == "queued"
    drain()
    assert as_admin.post(start, headers=key).json()["status"] == "completed"
    for headers in ({}, {"Idempotency-Key": "made"}):
        assert_problem(as_member.post(start, headers=headers), 409, "already_started")


def test_overrides_replace_the_template_of_one_run(search_engine: Server, as_member: APIClient) -> None:
    evaluation = make_search_evaluation(search_engine.url)
    body = '{"query": {"match_all": {}}, "size": {{size}}}'
    made = as_member.post(
        f"/api/v1/evaluations/{evaluation.pk}/runs",
        {"name": "all", "metrics": ["P@5"], "depth": 7, "query_limit": 1, "body": body, "start": True},
    ).json()
    drain()
    run = EvaluationRun.objects.get(pk=made["id"])
    assert (run.status, run.query_count, run.candidate_count) == ("completed", 1, 7)


def test_secrets_stand_nowhere_in_the_evidence(search_engine: Server, as_member: APIClient, member: User) -> None:
    evaluation = make_search_evaluation(search_engine.url)
    evaluation.endpoint.set_authentication({"type": "bearer", "token": "very-secret-token"})
    evaluation.endpoint.save()
    run = searched(evaluation, member)
    query = run.run_queries.first()
    answers = [
        as_member.get(f"/api/v1/evaluations/runs/{run.pk}{rest}").content
        for rest in ("", "/searches", f"/searches/{query.pk}/exchange")
    ]
    assert any("Bearer very-secret-token" in str(request.headers) for request in search_engine.requests)
    assert not any(b"very-secret" in answer for answer in answers)


def test_the_pages_start_stop_and_show_searches(search_engine: Server, client: Client, member: User) -> None:
    evaluation = make_search_evaluation(search_engine.url)
    client.force_login(member)
    form = {"name": "by page", "depth": 5, "scale": "graded", "relevant_from": 1, "metrics": "P@5, NDCG@5"}
    template = evaluation.query_template
    assert template is not None
    form |= {"body": template.body, "query_string": "", "content_type": template.content_type}
    made = client.post(f"/evaluations/{evaluation.pk}/search", form)
    run = EvaluationRun.objects.get(name="by page")
    assert made["Location"].endswith(f"/evaluations/runs/{run.pk}")
    assert "Searching" in client.get(f"/evaluations/runs/{run.pk}").content.decode()
    client.post(f"/evaluations/runs/{run.pk}/search/stop")
    assert reread(run).status == "cancelled"
    client.post(f"/evaluations/runs/{run.pk}/search/resume")
    drain()
    assert reread(run).status == "completed"
    listed = client.get(f"/evaluations/runs/{run.pk}/searches").content.decode()
    assert "red shoes" in listed
    query = RunQuery.objects.get(run=run, text="red shoes")
    assert "curl" in client.get(f"/evaluations/runs/{run.pk}/searches/{query.pk}").content.decode()
