"""Batches from the first call to the last answer, over a provider on the loopback."""

import csv
import io
import json
from uuid import UUID, uuid4

import pytest
from rest_framework.test import APIClient

from judging.foundation.limits import MAX_INPUT_CHARS
from judging.models import Call, Evaluator, ExecutionLog
from judging.responses.evaluators import save_evaluator
from tests.draining import drain
from tests.factories import make_judge as make_relevance_judge
from tests.factories import make_provider, make_user
from tests.responses.conftest import MakeJudge, create, pairs, retrieve
from tests.stub.fixtures import Stub

pytestmark = pytest.mark.django_db(transaction=True)

BATCH_KEYS = {
    "batch_execution_id",
    "status",
    "total_count",
    "completed_count",
    "failed_count",
    "created_at",
    "started_at",
    "completed_at",
    "judge",
    "project_id",
    "evaluators",
    "dataset",
    "dataset_range",
    "tags",
}


@pytest.mark.on_both
def test_a_batch_is_answered_before_any_call_and_ends_with_every_score(
    client: APIClient, make_judge: MakeJudge, stub: Stub
) -> None:
    judge = make_judge("First", "Second")
    created = client.post(
        f"/v1/judges/{judge.pk}/batch-execute/", {"inputs": pairs(3), "tags": ["v1.2"]}, format="json"
    )
    assert created.status_code == 202
    batch_id = created.json()["batch_execution_id"]
    assert created.json() == {
        "batch_execution_id": batch_id,
        "status_url": f"/v1/judges/batch-executions/{batch_id}/",
    }
    assert stub.calls == 0
    before = retrieve(client, batch_id)
    assert before["status"] == "pending"
    assert [item["status"] for item in before["items"]] == ["pending"] * 3
    assert all(item["evaluator_results"] is None and item["error_message"] == "" for item in before["items"])

    drain()
    body = retrieve(client, batch_id)
    assert body.keys() >= BATCH_KEYS
    assert (body["status"], body["completed_count"], body["failed_count"]) == ("completed", 3, 0)
    assert body["judge"]["id"] == str(judge.pk)
    assert [evaluator["name"] for evaluator in body["evaluators"]] == ["First", "Second"]
    for index, item in enumerate(body["items"]):
        assert item["index"] == index
        assert item["input"] == {
            "request": f"request {index}",
            "response": f"response {index}",
            "contexts": None,
            "expected_output": None,
            "turns": None,
        }
        assert [result["evaluator_name"] for result in item["evaluator_results"]] == ["First", "Second"]
        for result in item["evaluator_results"]:
            assert 0 <= result["score"] <= 1
            assert result["justification"] == "because the stub says so"
            assert UUID(result["evaluator_version_id"])
        assert item["error_message"] == ""
        assert UUID(item["execution_log_id"])
    assert stub.calls == 6


@pytest.mark.on_both
def test_an_item_is_logged_with_tags_tokens_and_cost(client: APIClient, make_judge: MakeJudge) -> None:
    judge = make_judge(input_price=1.0, output_price=2.0)
    inputs = [{**pairs(1)[0], "user_id": "u1", "session_id": "s1"}]
    batch_id = create(client, judge, inputs, tags=["red", "blue"], project_id="p1")
    drain()
    log = ExecutionLog.objects.get()
    call = Call.objects.get()
    assert (log.input_tokens, log.output_tokens) == (call.input_tokens, call.output_tokens)
    assert log.cost == pytest.approx((call.input_tokens + 2 * call.output_tokens) / 1e6)
    create(client, judge, tags=["green", " a, b "])
    drain()
    commas = client.get("/v1/execution-logs/", {"tags": "a, b"}).json()["results"]
    assert [row["tags"] for row in commas] == [["green", "a, b"]] * 3
    found = client.get("/v1/execution-logs/", {"tags": "red,violet"}).json()["results"]
    assert [row["id"] for row in found] == [str(log.pk)]
    assert found[0]["tags"] == ["red", "blue"]
    for name, value, count in [
        ("executed_item_id", str(judge.pk), 4),
        ("session_id", "s1", 1),
        ("has_session_id", "true", 1),
        ("user_id", "u1", 1),
        ("project_id", "p1", 1),
        ("execution_type", "judge", 4),
        ("search", "request 0", 2),
        ("search", str(judge.pk), 4),
    ]:
        ids = {row["id"] for row in client.get("/v1/execution-logs/", {name: value}).json()["results"]}
        assert (str(log.pk) in ids, len(ids)) == (True, count), name
    for name, value, count in [("has_session_id", "false", 3), ("execution_type", "evaluator", 0)]:
        ids = {row["id"] for row in client.get("/v1/execution-logs/", {name: value}).json()["results"]}
        assert (str(log.pk) in ids, len(ids)) == (False, count), name
    assert "has_session_id" in client.get("/v1/execution-logs/", {"has_session_id": "perhaps"}).json()
    assert client.get("/v1/execution-logs/", {"min_score": "1.1"}).json()["results"] == []
    detail = client.get(f"/v1/execution-logs/{log.pk}/").json()
    assert detail["batch_execution_id"] == batch_id
    assert detail["evaluator_results"][0]["result"] == log.score


def test_a_failing_evaluator_fails_neither_its_item_nor_the_others(
    client: APIClient, make_judge: MakeJudge, stub: Stub
) -> None:
    judge = make_judge("Good", "Bad", concurrency=1, max_reasks=0)
    stub.script(by_call={2: "prose"})
    batch_id = create(client, judge)
    drain()
    body = retrieve(client, batch_id)
    assert (body["status"], body["completed_count"]) == ("completed", 3)
    good, bad = body["items"][0]["evaluator_results"]
    assert good["score"] is not None
    assert bad["score"] is None
    assert "no readable <evaluation>" in bad["justification"]
    assert body["items"][0]["error_message"] == ""


@pytest.mark.on_both
def test_items_and_batches_fail_only_when_all_their_parts_did(
    client: APIClient, make_judge: MakeJudge, stub: Stub
) -> None:
    judge = make_judge("One", "Two", concurrency=1, max_reasks=0)
    stub.script(by_call={1: "prose", 2: "400"})
    body = retrieve(client, _run(client, judge))
    assert (body["status"], body["completed_count"], body["failed_count"]) == ("completed", 2, 1)
    assert "One: " in body["items"][0]["error_message"]
    assert "Two: " in body["items"][0]["error_message"]
    stub.script(fault="out_of_scale")
    body = retrieve(client, _run(client, judge))
    assert (body["status"], body["completed_count"], body["failed_count"]) == ("failed", 0, 3)
    assert body["error_code"] == "no_item_completed"


def _run(client: APIClient, judge: object) -> str:
    batch_id = create(client, judge)  # type: ignore[arg-type]
    drain()
    return batch_id


def test_an_unreadable_reply_is_asked_for_again(client: APIClient, make_judge: MakeJudge, stub: Stub) -> None:
    judge = make_judge()
    stub.script(by_call={1: "json"})
    batch_id = create(client, judge, pairs(1))
    drain()
    assert retrieve(client, batch_id)["completed_count"] == 1
    assert stub.calls == 2
    assert "previous reply" in json.dumps(stub.requests[-1]["body"])


@pytest.mark.fuzz
def test_the_longest_text_that_is_taken_is_judged(client: APIClient, make_judge: MakeJudge, stub: Stub) -> None:
    longest = "&" + "x" * (MAX_INPUT_CHARS - 2) + "!"
    batch_id = create(client, make_judge(), [{"request": longest, "response": longest}])
    drain()
    item = retrieve(client, batch_id)["items"][0]
    assert (item["status"], item["error_message"]) == ("completed", "")
    assert "x!</response>" in stub.requests[-1]["body"]["messages"][-1]["content"]


def test_transient_faults_are_retried(client: APIClient, make_judge: MakeJudge, stub: Stub) -> None:
    judge = make_judge(concurrency=2)
    stub.script(by_call={1: "500", 2: "429:0.05"})
    batch_id = create(client, judge)
    drain()
    assert retrieve(client, batch_id)["completed_count"] == 3
    assert stub.calls == 5


def test_an_authentication_failure_fails_the_batch_with_its_cause(
    client: APIClient, make_judge: MakeJudge, stub: Stub
) -> None:
    judge = make_judge("One", "Two", concurrency=1)
    stub.script(fault="401", after_calls=2)
    batch_id = create(client, judge)
    drain()
    body = retrieve(client, batch_id)
    assert (body["status"], body["completed_count"], body["failed_count"]) == ("failed", 1, 2)
    assert body["error_code"] == "authentication"
    assert body["items"][0]["status"] == "completed"
    assert body["items"][1]["error_message"] == body["error_message"] != ""
    assert "One: " in body["error_message"]
    failures = client.get(f"/v1/judges/batch-executions/{batch_id}/summary/").json()["failures"]
    assert {(group["evaluator_name"], group["count"]) for group in failures} == {("One", 2), ("Two", 2)}
    assert {(group["code"], group["message"]) for group in failures} == {("authentication", body["error_message"])}


@pytest.mark.on_both
def test_cancelling_ends_the_batch_at_once_and_again_changes_nothing(
    client: APIClient, make_judge: MakeJudge, stub: Stub
) -> None:
    batch_id = create(client, make_judge())
    url = f"/v1/judges/batch-executions/{batch_id}/cancel/"
    assert client.post(url).json()["status"] == "failed"
    body = retrieve(client, batch_id)
    assert {item["error_message"] for item in body["items"]} == {"cancelled"}
    assert {item["status"] for item in body["items"]} == {"failed"}
    failures = client.get(f"/v1/judges/batch-executions/{batch_id}/summary/").json()["failures"]
    assert [(group["code"], group["message"], group["count"]) for group in failures] == [("cancelled", "cancelled", 3)]
    assert client.post(url).status_code == 200
    drain()
    assert stub.calls == 0
    assert retrieve(client, batch_id) == body


def test_a_batch_that_has_ended_can_not_be_cancelled(client: APIClient, make_judge: MakeJudge) -> None:
    batch_id = create(client, make_judge())
    drain()
    answer = client.post(f"/v1/judges/batch-executions/{batch_id}/cancel/")
    assert (answer.status_code, answer.json()["code"]) == (409, "already_ended")


@pytest.mark.on_both
def test_retrying_makes_a_new_batch_of_the_failed_inputs(client: APIClient, make_judge: MakeJudge, stub: Stub) -> None:
    judge = make_judge(concurrency=1, max_reasks=0)
    stub.script(by_call={2: "prose"})
    batch_id = create(client, judge, tags=["t"])
    url = f"/v1/judges/batch-executions/{batch_id}/retry-failed/"
    assert client.post(url).json()["code"] == "not_ended"
    drain()
    before = retrieve(client, batch_id)
    answer = client.post(url)
    assert answer.status_code == 202
    again = retrieve(client, answer.json()["batch_execution_id"])
    assert again["retried_from"] == batch_id
    assert (again["total_count"], again["tags"]) == (1, ["t"])
    assert again["items"][0]["input"]["request"] == "request 1"
    drain()
    assert retrieve(client, again["batch_execution_id"])["status"] == "completed"
    assert retrieve(client, batch_id) == before
    assert client.post(f"/v1/judges/batch-executions/{again['batch_execution_id']}/retry-failed/").status_code == 409


def test_a_running_batch_stays_with_the_versions_that_it_began_with(
    client: APIClient, make_judge: MakeJudge, stub: Stub, member: object
) -> None:
    judge = make_judge()
    batch_id = create(client, judge, pairs(1))
    version = retrieve(client, batch_id)["evaluators"][0]["version_id"]
    evaluator = Evaluator.objects.get(preset="")
    save_evaluator(actor=member, fields={"prompt_template": "new {{request}}"}, evaluator=evaluator)  # type: ignore[arg-type]
    drain()
    body = retrieve(client, batch_id)
    assert body["evaluators"][0]["version_id"] == version
    assert body["items"][0]["evaluator_results"][0]["evaluator_version_id"] == version
    assert "new request" not in json.dumps(stub.requests[-1]["body"])
    # Unpinned, the judge follows the evaluator.
    later = retrieve(client, create(client, judge, pairs(1)))
    assert later["evaluators"][0]["version_id"] != version


def test_a_relevance_judge_scores_responses_by_its_grades(client: APIClient, stub: Stub, member: object) -> None:
    judge = make_relevance_judge(make_provider(stub.base_url))
    stub.script(grades={"response": 3})
    batch_id = create(client, judge)
    drain()
    body = retrieve(client, batch_id)
    assert body["judge"]["name"] == judge.name
    assert [item["evaluator_results"][0]["score"] for item in body["items"]] == [0.75] * 3


def test_chosen_evaluators_run_without_a_judge(client: APIClient, make_judge: MakeJudge) -> None:
    make_judge("One", "Two")
    ids = [str(pk) for pk in Evaluator.objects.filter(preset="").values_list("pk", flat=True)]
    answer = client.post("/v1/batch-executions/", {"evaluator_ids": ids, "inputs": pairs(1)}, format="json")
    assert answer.status_code == 202, answer.content
    drain()
    body = retrieve(client, answer.json()["batch_execution_id"])
    assert len(body["evaluators"]) == 2
    # The vendor's clients read no batch that has no judge.
    first = body["evaluators"][0]
    assert body["judge"] == {**first, "name": ExecutionLog.objects.get().executed_item_name}
    assert body["judge"]["name"] == f"{first['name']} and more"
    assert body["status"] == "completed"


@pytest.mark.parametrize("kind", ["turns", "messages"])
def test_a_conversation_is_judged_and_echoed_as_turns(
    client: APIClient, make_judge: MakeJudge, stub: Stub, kind: str
) -> None:
    turns = [
        {"role": "user", "content": "book a table"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "function": {"name": "book"}}]},
        {"role": "tool", "content": "done <ok>", "tool_call_id": "c1"},
    ]
    given = {"turns": turns} if kind == "turns" else {"messages": {"turns": turns, "target": "user_behavior"}}
    batch_id = create(client, make_judge(requires=["turns"]), [given | {"functions": [{"name": "book"}]}])
    drain()
    body = retrieve(client, batch_id)
    assert body["status"] == "completed"
    echoed = body["items"][0]["input"]["turns"]
    assert [turn["role"] for turn in echoed] == ["user", "assistant", "tool"]
    prompt = stub.requests[-1]["body"]["messages"][-1]["content"]
    assert "done &lt;ok&gt;" in prompt
    assert "<tools>[{&quot;name&quot;: &quot;book&quot;}]</tools>" in prompt
    assert ("<target>user_behavior</target>" in prompt) == (kind == "messages")


@pytest.mark.parametrize("content", ["", None])
def test_the_result_of_a_tool_may_be_empty(client: APIClient, make_judge: MakeJudge, content: str | None) -> None:
    turns = [
        {"role": "user", "content": "delete it"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "function": {"name": "delete"}}]},
        {"role": "tool", "content": content, "tool_call_id": "c1"},
    ]
    batch_id = create(client, make_judge(), [{"turns": turns}])
    drain()
    item = retrieve(client, batch_id)["items"][0]
    assert item["status"] == "completed"
    assert [turn["role"] for turn in item["input"]["turns"]] == ["user", "assistant", "tool"]


@pytest.mark.on_both
def test_summary_and_exports_tell_what_came_of_it(client: APIClient, make_judge: MakeJudge, stub: Stub) -> None:
    judge = make_judge(concurrency=1, max_reasks=0)
    stub.script(by_call={1: "prose"})
    turns = [{"role": "user", "content": 'a, "b"'}]
    inputs = [{"request": "=1+1", "response": "two"}, {**pairs(1)[0], "contexts": ["é", "="]}, {"turns": turns}]
    batch_id = create(client, judge, inputs)
    drain()
    url = f"/v1/judges/batch-executions/{batch_id}"
    summary = client.get(f"{url}/summary/").json()
    assert (summary["completed_count"], summary["failed_count"], summary["call_count"]) == (2, 1, 3)
    assert sum(summary["evaluators"][0]["histogram"]) == 2
    assert summary["failures"][0]["code"] == "unparseable"
    jsonl = b"".join(client.get(f"{url}/export/")).decode().splitlines()
    assert [json.loads(line)["index"] for line in jsonl] == [0, 1, 2]
    text = b"".join(client.get(f"{url}/export/", {"file_format": "csv"})).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["status"] for row in rows] == ["failed", "completed", "completed"]
    assert (rows[0]["request"], rows[0]["contexts"], rows[0]["turns"]) == ("'=1+1", "", "")
    assert json.loads(rows[1]["contexts"]) == ["é", "="]
    assert json.loads(rows[2]["turns"]) == turns
    items = retrieve(client, batch_id)["items"]
    assert [row["execution_log_id"] for row in rows] == [item["execution_log_id"] for item in items]
    assert client.get(f"{url}/export/", {"file_format": "xml"}).status_code == 400


def test_batches_are_the_teams_and_raters_and_strangers_stay_out(client: APIClient, make_judge: MakeJudge) -> None:
    batch_id = create(client, make_judge())
    url = f"/v1/judges/batch-executions/{batch_id}/"
    assert APIClient().get(url).json()["code"] == "not_authenticated"
    bad = APIClient(HTTP_AUTHORIZATION="Api-Key nonsense").get(url)
    assert (bad.status_code, bad.json()["code"]) == (401, "authentication_failed")
    rater = APIClient()
    rater.force_authenticate(make_user("rater"))
    assert rater.get(url).json()["code"] == "permission_denied"
    assert client.get(f"/v1/judges/batch-executions/{uuid4()}/").json()["code"] == "not_found"
    unknown = client.get("/v1/nowhere/").json()
    assert unknown.keys() == {"type", "status", "title", "detail", "instance", "code"}
