"""Probes over REST: started, listed, followed, cancelled."""

import uuid
from typing import Any

import pytest
from rest_framework.test import APIClient

from judging.models import ProbeRun, User
from tests.draining import drain
from tests.factories import make_judge, make_probe_run, make_provider, make_run
from tests.probes.probing import large_run
from tests.rest_clients import assert_problem
from tests.stub.fixtures import Stub


@pytest.mark.django_db(transaction=True)
def test_probes_are_started_followed_and_read(stub: Stub, as_member: APIClient) -> None:
    judge, run = make_judge(make_provider(stub.base_url)), large_run()
    path = f"/api/v1/ai-judges/{judge.pk}/probes"
    body = {"evaluation_run_id": str(run.pk), "ai_judge_version": 1, "probes": ["stuffed_title", "shuffle"]}
    answer = as_member.post(path, body)
    assert answer.status_code == 201, answer.content
    started = answer.json()
    assert started["probes"] == ["repeat", "shuffle", "swapped", "stuffed_title"]
    assert (started["status"], started["total_count"], started["results"]) == ("queued", 180, None)
    assert started["evaluation_run_id"] == str(run.pk)
    assert_problem(as_member.post(path, body), 409, "probes_under_way")
    drain()
    ended = as_member.get(f"/api/v1/probes/{started['id']}").json()
    assert (ended["status"], ended["judged_count"], ended["pending_count"]) == ("completed", 180, 0)
    assert ended["input_tokens"] > 0
    by_probe = {result["probe"]: result for result in ended["results"]}
    assert by_probe["repeat"]["outcome"] == "passed"
    assert by_probe["shuffle"]["outcome"] == "not_run"
    # The stub's grades look at no title.
    assert by_probe["stuffed_title"]["outcome"] == "failed"
    raised, relevant = by_probe["stuffed_title"]["readings"]
    assert (raised["name"], raised["count"], raised["is_met"]) == ("raised", 0, True)
    assert relevant["low"] < relevant["value"] < relevant["high"]
    listed = as_member.get(path).json()["results"]
    assert listed == [ended]


@pytest.mark.django_db
def test_the_same_request_starts_probes_once(as_member: APIClient) -> None:
    judge, run = make_judge(), large_run()
    path, body = f"/api/v1/ai-judges/{judge.pk}/probes", {"evaluation_run_id": str(run.pk), "probes": ["empty"]}
    key: Any = {"HTTP_IDEMPOTENCY_KEY": "once"}
    first = as_member.post(path, body, **key)
    assert first.status_code == 201
    assert as_member.post(path, body, **key).json() == first.json()
    assert_problem(as_member.post(path, {**body, "probes": []}, **key), 409, "idempotency_key_reused")


@pytest.mark.django_db
def test_cancel_answers_the_run_as_it_is_then(as_member: APIClient) -> None:
    judge = make_judge()
    answer = as_member.post(f"/api/v1/ai-judges/{judge.pk}/probes", {"evaluation_run_id": str(large_run().pk)})
    path = f"/api/v1/probes/{answer.json()['id']}/cancel"
    cancelled = as_member.post(path).json()
    assert (cancelled["status"], cancelled["skipped_count"]) == ("cancelled", 330)
    assert as_member.post(path).json() == cancelled


@pytest.mark.django_db
def test_what_can_t_be_done_says_why(as_member: APIClient, member: User) -> None:
    judge, run = make_judge(), make_run()
    path = f"/api/v1/ai-judges/{judge.pk}/probes"
    assert_problem(as_member.post(path, {}), 400, field="evaluation_run_id")
    assert_problem(as_member.post(path, {"evaluation_run_id": str(uuid.uuid4())}), 400, field="evaluation_run_id")
    body = {"evaluation_run_id": str(run.pk)}
    assert_problem(as_member.post(path, {**body, "ai_judge_version": 9}), 400, field="ai_judge_version")
    assert_problem(as_member.post(path, {**body, "probes": ["magic"]}), 400, field="probes.0")
    pending = make_run(status="running")
    assert_problem(as_member.post(path, {"evaluation_run_id": str(pending.pk)}), 409, "run_not_completed")
    ended = make_probe_run(judge, run)
    assert_problem(as_member.post(f"/api/v1/probes/{ended.pk}/cancel"), 409, "already_ended")


@pytest.mark.django_db
def test_probes_of_a_private_judge_are_private(as_stranger: APIClient, as_rater: APIClient, member: User) -> None:
    judge = make_judge(owner=member)
    ended = make_probe_run(judge, make_run())
    assert_problem(as_stranger.get(f"/api/v1/probes/{ended.pk}"), 404)
    assert_problem(as_stranger.get(f"/api/v1/ai-judges/{judge.pk}/probes"), 404)
    assert_problem(as_stranger.post(f"/api/v1/probes/{ended.pk}/cancel"), 404)
    assert_problem(as_rater.get(f"/api/v1/probes/{ended.pk}"), 403)


@pytest.mark.django_db
def test_the_list_reads_as_much_for_many_as_for_few(
    as_member: APIClient, django_assert_max_num_queries: pytest.FixtureRequest
) -> None:
    judge, run = make_judge(), make_run()
    for _ in range(12):
        make_probe_run(judge, run)
    with django_assert_max_num_queries(8):
        listed = as_member.get(f"/api/v1/ai-judges/{judge.pk}/probes").json()["results"]
    assert len(listed) == 12 == ProbeRun.objects.count()
