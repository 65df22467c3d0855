"""Golden sets over REST: made, checked, followed, rescheduled, deleted."""

import uuid
from typing import Any

import pytest
from rest_framework.test import APIClient

from judging.models import GoldenSet, User
from tests.draining import drain
from tests.factories import make_golden_check, make_judge, make_provider, make_run
from tests.golden.golden_sets import golden_run
from tests.rest_clients import assert_problem
from tests.stub.fixtures import Stub

SETS = "/api/v1/golden-sets"


@pytest.mark.django_db(transaction=True)
def test_a_golden_set_is_made_checked_and_deleted(stub: Stub, as_member: APIClient) -> None:
    judge, run = make_judge(make_provider(stub.base_url), batch_size=2), golden_run()
    body = {
        "name": "Nightly", "evaluation_run_id": str(run.pk), "ai_judge_id": str(judge.pk), "query_count": 10,
        "per_query": 2, "every_days": 7,
    }  # fmt: skip
    answer = as_member.post(SETS, body)
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert (made["pair_count"], made["every_days"], made["last_check"]["baseline_reason"]) == (20, 7, "first")
    path = f"{SETS}/{made['id']}"
    assert_problem(as_member.post(f"{path}/checks"), 409, "check_under_way")
    assert_problem(as_member.delete(path), 409, "check_under_way")
    drain()
    key: Any = {"HTTP_IDEMPOTENCY_KEY": "one"}
    started = as_member.post(f"{path}/checks", **key).json()
    assert (started["status"], started["outcome"], started["is_baseline"]) == ("queued", "", False)
    drain()
    ended = as_member.get(f"/api/v1/golden-checks/{started['id']}").json()
    assert (ended["status"], ended["outcome"], ended["flip_count"]) == ("completed", "quiet", 0)
    assert as_member.post(f"{path}/checks", **key).json() == ended
    assert as_member.get(f"{path}/checks").json()["results"] == [
        ended,
        {**made["last_check"], **_kept(as_member, made)},
    ]
    assert as_member.get(path).json()["last_check"] == ended
    assert as_member.patch(path, {"every_days": None}).json()["every_days"] is None
    assert as_member.delete(path).status_code == 204
    assert_problem(as_member.get(path), 404)


def _kept(client: APIClient, made: dict[str, object]) -> dict[str, object]:
    last = made["last_check"]
    assert isinstance(last, dict)
    kept: dict[str, object] = client.get(f"/api/v1/golden-checks/{last['id']}").json()
    return kept


@pytest.mark.django_db
def test_what_can_t_be_made_says_why(as_member: APIClient) -> None:
    judge, run = make_judge(), make_run()
    body = {"name": "x", "evaluation_run_id": str(run.pk), "ai_judge_id": str(judge.pk)}
    assert_problem(as_member.post(SETS, body), 409, "too_few_candidates")
    assert_problem(
        as_member.post(SETS, {**body, "evaluation_run_id": str(uuid.uuid4())}), 400, field="evaluation_run_id"
    )
    assert_problem(as_member.post(SETS, {**body, "ai_judge_id": str(uuid.uuid4())}), 400, field="ai_judge_id")
    assert_problem(as_member.post(SETS, {**body, "query_count": 9}), 400, field="query_count")
    assert_problem(as_member.post(SETS, {**body, "every_days": 0}), 400, field="every_days")
    ended = make_golden_check(judge, run)
    assert_problem(as_member.post(f"/api/v1/golden-checks/{ended.pk}/cancel"), 409, "already_ended")


@pytest.mark.django_db
def test_sets_of_a_private_judge_are_private(as_stranger: APIClient, as_rater: APIClient, member: User) -> None:
    ended = make_golden_check(make_judge(owner=member), make_run())
    assert as_stranger.get(SETS).json()["results"] == []
    assert_problem(as_stranger.post(f"{SETS}/{ended.golden_set_id}/checks"), 404)
    assert_problem(as_stranger.get(f"/api/v1/golden-checks/{ended.pk}"), 404)
    assert_problem(as_rater.get(SETS), 403)
    assert_problem(as_rater.post(f"{SETS}/{ended.golden_set_id}/checks"), 403)


@pytest.mark.django_db
def test_the_list_reads_as_much_for_many_as_for_few(
    as_member: APIClient, django_assert_max_num_queries: pytest.FixtureRequest
) -> None:
    judge, run = make_judge(), make_run()
    for _ in range(12):
        make_golden_check(judge, run)
    with django_assert_max_num_queries(8):
        listed = as_member.get(SETS).json()["results"]
    assert len(listed) == 12 == GoldenSet.objects.count()
    assert {each["last_check"]["outcome"] for each in listed} == {"alarm"}
