"""Batches at services that refuse everything, count nothing, or think aloud."""

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from judging.models import BatchExecution, ExecutionLog, User
from tests.draining import drain
from tests.responses.conftest import MakeJudge, create, pairs, retrieve
from tests.stub.fixtures import Stub

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.seldom]

REFUSED = {"refused": {"status": 400, "body": {"error": {"message": "m is not a valid model ID", "code": 400}}}}
FILTERED = {"refused": {"status": 400, "body": {"error": {"message": "no", "code": "content_filter"}}}}


@pytest.mark.parametrize(("inputs", "calls"), [(40, 24), (3, 3)])
def test_a_batch_whose_first_prompts_are_all_refused_ends(
    client: APIClient, make_judge: MakeJudge, stub: Stub, inputs: int, calls: int
) -> None:
    stub.script(fault="refused", custom=REFUSED)
    batch_id = create(client, make_judge(concurrency=2), pairs(inputs))
    drain()
    told = retrieve(client, batch_id)
    assert (told["status"], told["error_code"]) == ("failed", "all_refused")
    assert "m is not a valid model ID" in told["error_message"]
    assert calls <= stub.calls <= calls + 2


@pytest.mark.parametrize(("count", "custom"), [(2, REFUSED), (26, FILTERED)])
def test_two_refusals_or_filtered_inputs_fail_one_by_one(
    client: APIClient, make_judge: MakeJudge, stub: Stub, count: int, custom: dict[str, dict[str, object]]
) -> None:
    stub.script(fault="refused", custom=custom)
    batch_id = create(client, make_judge(), pairs(count))
    drain()
    told = retrieve(client, batch_id)
    assert (told["error_code"], told["failed_count"], stub.calls) == ("no_item_completed", count, count)


def test_one_evaluator_that_is_refused_does_not_end_the_others(
    client: APIClient, make_judge: MakeJudge, stub: Stub
) -> None:
    stub.script(custom=REFUSED, by_call=dict.fromkeys(range(1, 60, 2), "refused"))
    batch_id = create(client, make_judge("One", "Two", concurrency=1), pairs(26))
    drain()
    assert (retrieve(client, batch_id)["status"], stub.calls) == ("completed", 52)


def test_estimated_tokens_are_marked_in_the_batch_its_logs_and_on_its_page(
    client: APIClient, make_judge: MakeJudge, stub: Stub, member: User
) -> None:
    stub.script(fault="no_usage")
    batch_id = create(client, make_judge(input_price=1.0, output_price=1.0), pairs(2))
    drain()
    assert retrieve(client, batch_id)["usage_estimated"] is True
    summary = client.get(f"/v1/judges/batch-executions/{batch_id}/summary/").json()
    assert (summary["usage_estimated"], summary["cost"] > 0, summary["input_tokens"] > 0) == (True, True, True)
    logs = client.get("/v1/execution-logs/").json()["results"]
    assert [(log["usage_estimated"], log["input_tokens"] > 0, log["cost"] > 0) for log in logs] == [(True,) * 3] * 2
    page = Client()
    page.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    assert "estimated" in page.get(reverse("batch", args=[batch_id])).content.decode()


def test_what_an_earlier_version_did_not_count_was_not_reported(
    client: APIClient, make_judge: MakeJudge, stub: Stub, member: User
) -> None:
    batch_id = create(client, make_judge(input_price=1.0, output_price=1.0), pairs(1))
    drain()
    assert retrieve(client, batch_id)["usage_estimated"] is False
    BatchExecution.objects.update(input_tokens=0, output_tokens=0)
    ExecutionLog.objects.update(input_tokens=0, output_tokens=0, cost=0.0)
    assert client.get("/v1/execution-logs/").json()["results"][0]["cost"] is None
    assert client.get(f"/v1/judges/batch-executions/{batch_id}/summary/").json()["cost"] is None
    page = Client()
    page.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    assert "not reported" in page.get(reverse("batch", args=[batch_id])).content.decode()


def test_an_evaluation_in_the_thoughts_is_no_score(client: APIClient, make_judge: MakeJudge, stub: Stub) -> None:
    stub.script(text="Maybe <evaluation><score>0.2</score></evaluation> Hmm.</think>I can't help with that.")
    batch_id = create(client, make_judge(), pairs(1))
    drain()
    told = retrieve(client, batch_id)
    assert told["status"] == "failed"
    assert told["items"][0]["evaluator_results"][0]["score"] is None
    assert "thoughts" in told["items"][0]["error_message"]
