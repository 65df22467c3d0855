"""What batches refuse: every refusal names the input by its index, and the field."""

import json
from base64 import urlsafe_b64encode
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import RequestFactory
from rest_framework.test import APIClient

from judging.models import BatchExecution, Evaluator, ResponseJudge, User
from judging.responses.evaluators import save_evaluator
from judging.responses.response_judges import Reference, save_response_judge
from releval.errors import server_error
from tests.factories import make_judge as make_relevance_judge
from tests.factories import make_provider
from tests.responses.conftest import TEMPLATE, MakeJudge, pairs

pytestmark = pytest.mark.django_db

GOOD = {"request": "a question", "response": "an answer"}
TURNS = [{"role": "user", "content": "hello"}]


def cursor_at(time: str) -> str:
    """Return a cursor as clients could make one up."""
    return urlsafe_b64encode(json.dumps(["n", time, str(UUID(int=0))]).encode()).decode().rstrip("=")


def post(client: APIClient, judge: Any, body: Any) -> dict[str, Any]:
    """Post a batch that is to be refused; check the shape of the refusal, and that nothing was made."""
    response = client.post(f"/v1/judges/{judge.pk}/batch-execute/", body, format="json")
    assert response.status_code == 400, response.content
    answer: dict[str, Any] = response.json()
    assert answer["status"] == 400
    assert answer["instance"] == f"/v1/judges/{judge.pk}/batch-execute/"
    assert not BatchExecution.objects.exists()
    return answer


WRONG_INPUTS: list[tuple[Any, str]] = [
    ({}, "inputs.1"),
    ({"request": None, "response": ""}, "inputs.1"),
    ({"request": 5}, "inputs.1.request"),
    ({**GOOD, "request": "x" * 3_500_001}, "inputs.1.request"),
    ({**GOOD, "contexts": [""]}, "inputs.1.contexts.0"),
    ({**GOOD, "contexts": "text"}, "inputs.1.contexts"),
    ({**GOOD, "expected_output": ["a"]}, "inputs.1.expected_output"),
    ({**GOOD, "user_id": "x" * 256}, "inputs.1.user_id"),
    ({**GOOD, "session_id": "x" * 256}, "inputs.1.session_id"),
    ({**GOOD, "file_ids": ["f1"]}, "inputs.1.file_ids"),
    ({**GOOD, "tools": ["t"]}, "inputs.1.tools.0"),
    ({**GOOD, "functions": {"name": "f"}}, "inputs.1.functions"),
    ({**GOOD, "turns": TURNS}, "inputs.1.turns"),
    ({"request": "a", "messages": {"turns": TURNS}}, "inputs.1.messages"),
    ({"turns": TURNS, "messages": {"turns": TURNS}}, "inputs.1.messages"),
    ({"turns": [{"role": "robot", "content": "x"}]}, "inputs.1.turns.0.role"),
    ({"turns": [{"role": "user", "content": None}, {"role": "tool", "content": ""}]}, "inputs.1.turns"),
    ({"messages": {"turns": [{"role": "user"}]}}, "inputs.1.messages.turns"),
    ({"turns": [{"role": "user", "content": "x", "contexts": [""]}]}, "inputs.1.turns.0.contexts.0"),
    ({"turns": [{"content": "x"}]}, "inputs.1.turns.0.role"),
    ({"messages": {"turns": []}}, "inputs.1.messages.turns"),
    ({"messages": {"turns": TURNS, "target": "nobody"}}, "inputs.1.messages.target"),
    ("text", "inputs.1"),
]


def test_one_wrong_input_refuses_the_batch_and_is_named(client: APIClient, make_judge: MakeJudge) -> None:
    judge = make_judge()
    for wrong, field in WRONG_INPUTS:
        answer = post(client, judge, {"inputs": [GOOD, wrong, GOOD]})
        assert answer["code"] == "invalid", field
        assert field in answer, answer
        assert all(isinstance(message, str) for message in answer[field]), field
        assert not any(key.startswith(("inputs.0", "inputs.2")) for key in answer), field


@pytest.mark.parametrize(
    ("requires", "given", "field"),
    [
        ("request", {"response": "b"}, "inputs.0.request"),
        ("response", {"request": "a"}, "inputs.0.response"),
        ("contexts", GOOD, "inputs.0.contexts"),
        ("contexts", {**GOOD, "contexts": []}, "inputs.0.contexts"),
        ("expected_output", {**GOOD, "expected_output": ""}, "inputs.0.expected_output"),
        ("turns", GOOD, "inputs.0.turns"),
    ],
)
def test_an_input_that_lacks_what_the_judge_requires_is_refused(
    client: APIClient, make_judge: MakeJudge, requires: str, given: dict[str, Any], field: str
) -> None:
    answer = post(client, make_judge("Strict", requires=[requires]), {"inputs": [given]})
    assert answer[field] == ["The evaluator Strict requires this field."]


WRONG_BATCHES: list[tuple[Any, str]] = [
    ({"inputs": []}, "inputs"),
    ({"inputs": pairs(101)}, "inputs"),
    ({}, "inputs"),
    ({"inputs": None}, "inputs"),
    ({"inputs": {"0": GOOD}}, "inputs"),
    ({"inputs": [GOOD], "tags": [""]}, "tags.0"),
    ({"inputs": [GOOD], "tags": ["t", " \t"]}, "tags.1"),
    ({"inputs": [GOOD], "tags": "t"}, "tags"),
    ({"inputs": [GOOD], "judge_version_id": "x"}, "judge_version_id"),
    ({"inputs": [GOOD], "judge_version_id": str(uuid4())}, "judge_version_id"),
    ({"inputs": [GOOD], "project_id": "x" * 256}, "project_id"),
]


def test_a_wrong_batch_is_refused_with_its_field(client: APIClient, make_judge: MakeJudge) -> None:
    judge = make_judge()
    for body, field in WRONG_BATCHES:
        assert field in post(client, judge, body)


def test_null_and_empty_mean_absent_and_unknown_members_are_ignored(client: APIClient, make_judge: MakeJudge) -> None:
    empty: dict[str, Any] = {
        "contexts": [],
        "expected_output": "",
        "turns": [],
        "messages": None,
        "tools": None,
        "file_ids": [],
    }
    given = {**GOOD, **empty, "evaluator_version_id": None, "project_id": None, "new_member": 1}
    answer = client.post(
        f"/v1/judges/{make_judge().pk}/batch-execute/", {"inputs": [given], "tags": None}, format="json"
    )
    assert answer.status_code == 202, answer.content
    assert BatchExecution.objects.get().items.get().input == GOOD


def test_a_relevance_judge_takes_pairs_only(client: APIClient) -> None:
    judge = make_relevance_judge()
    assert "inputs.0.turns" in post(client, judge, {"inputs": [{"turns": TURNS}]})
    assert "inputs.0.response" in post(client, judge, {"inputs": [{"request": "a"}]})


def test_a_judge_that_is_private_to_others_does_not_exist(client: APIClient, admin: User) -> None:
    judge = make_relevance_judge(make_provider(owner=admin), owner=admin)
    answer = client.post(f"/v1/judges/{judge.pk}/batch-execute/", {"inputs": [GOOD]}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_an_evaluator_without_a_model_needs_a_default(client: APIClient, member: User, settings: Any) -> None:
    evaluator = save_evaluator(actor=member, fields={"name": "Bare", "prompt_template": TEMPLATE.format(name="Bare")})
    judge = save_response_judge(actor=member, fields={"name": "Bare judge"}, references=[Reference(evaluator.pk)])
    assert post(client, judge, {"inputs": [GOOD]})["code"] == "no_model_configured"
    make_provider(name="House")
    settings.DEFAULT_MODEL = "House/some/model"
    answer = client.post(f"/v1/judges/{judge.pk}/batch-execute/", {"inputs": [GOOD]}, format="json")
    assert answer.status_code == 202
    assert BatchExecution.objects.get().evaluators.get().model == "some/model"


def test_a_body_over_the_limit_is_too_large(client: APIClient, make_judge: MakeJudge, settings: Any) -> None:
    settings.MAX_JSON_BYTES = 1000
    answer = client.post(f"/v1/judges/{make_judge().pk}/batch-execute/", {"inputs": pairs(100)}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


WRONG_FOR_THE_NEWER_ROUTE: list[tuple[Any, str]] = [
    ({"inputs": [GOOD]}, "judge_id"),
    ({"inputs": [GOOD], "judge_id": str(uuid4())}, "judge_id"),
    ({"inputs": [GOOD], "judge_id": str(uuid4()), "evaluator_ids": [str(uuid4())]}, "judge_id"),
    ({"inputs": [GOOD], "evaluator_ids": [str(uuid4())]}, "evaluator_ids"),
    ({"inputs": [GOOD], "dataset_id": "d"}, "dataset_id"),
    ({"judge_id": str(uuid4()), "dataset_id": str(uuid4())}, "dataset_id"),
    (
        {"inputs": [GOOD], "evaluator_ids": [str(uuid4())], "judge_version_id": str(uuid4())},
        "judge_version_id",
    ),
]


def test_the_newer_route_refuses_what_it_can_not_run(client: APIClient) -> None:
    for body, field in WRONG_FOR_THE_NEWER_ROUTE:
        answer = client.post("/v1/batch-executions/", body, format="json")
        assert (answer.status_code, field in answer.json()) == (400, True), body


WRONG_FILTERS = [
    "status=halted",
    "ordering=total_count",
    "judge_id=x",
    "date_from=yesterday",
    "date_to=2026-13-01",
    "date_to=9999-12-31T23:59:59-01:00",
    "date_from=0001-01-01T00:00:00%2B01:00",
    "cursor=nonsense",
    f"cursor={cursor_at('9999-12-31T23:59:59-01:00')}",
    f"cursor={cursor_at('0001-01-01T00:00:00+01:00')}",
    "page_size=x",
]


def test_a_filter_that_makes_no_sense_is_refused_by_name(client: APIClient) -> None:
    for query in WRONG_FILTERS:
        answer = client.get(f"/v1/judges/batch-executions/?{query}")
        assert (answer.status_code, query.partition("=")[0] in answer.json()) == (400, True), query


def test_the_detail_says_a_field_as_bodies_have_it(client: APIClient, make_judge: MakeJudge) -> None:
    judge = make_judge(requires=["contexts"])
    lacking = post(client, judge, {"inputs": [GOOD]})
    assert lacking["detail"].startswith("inputs.0.contexts: The evaluator")
    filtered = client.get("/v1/judges/batch-executions/", {"judge_id": "x"}).json()
    assert filtered["detail"].startswith("judge_id can't be")
    execute = client.post(f"/v1/judges/{judge.pk}/execute/", {}, format="json").json()
    assert execute["detail"].startswith("Give `request` and `response`")
    assert client.get(f"/v1/judges/{uuid4()}/").json()["detail"] == "No such judge"


def test_djangos_own_answers_have_the_vendors_shape(client: APIClient, rf: RequestFactory) -> None:
    bad_host = client.get("/v1/judges/", HTTP_HOST="a b")
    no_route = client.get("/v1/judges/%0A")
    broken = server_error(rf.get("/v1/judges/"))
    for answer, status in ((bad_host, 400), (no_route, 404), (broken, 500)):
        body = json.loads(answer.content)
        assert (answer.status_code, body["status"]) == (status, status)
        assert body.keys() == {"type", "status", "title", "detail", "instance", "code"}
        assert body["instance"].startswith("/v1/judges/")


def test_running_one_input_names_the_field_without_an_index(client: APIClient, make_judge: MakeJudge) -> None:
    judge = make_judge(requires=["contexts"])
    answer = client.post(f"/v1/judges/{judge.pk}/execute/", GOOD, format="json")
    assert answer.status_code == 400
    assert "contexts" in answer.json()


def test_presets_can_be_read_but_not_changed(client: APIClient) -> None:
    evaluator, judge = Evaluator.objects.get(preset="relevance"), ResponseJudge.objects.get(preset="relevance")
    for url in (f"/v1/evaluators/{evaluator.pk}/", f"/v1/judges/{judge.pk}/"):
        assert client.get(url).json()["is_preset"] is True
        assert client.patch(url, {"name": "Mine"}, format="json").status_code == 403
        assert client.delete(url).status_code == 403


TOO_LONG: list[tuple[Any, str]] = [
    ({"inputs": [1] * 10_000}, "inputs"),
    ({"inputs": [{**GOOD, "contexts": [1] * 1_001}]}, "inputs.0.contexts"),
    ({"inputs": [{"turns": [1] * 1_001}]}, "inputs.0.turns"),
    ({"inputs": [{"messages": {"turns": [1] * 1_001}}]}, "inputs.0.messages.turns"),
    ({"inputs": [{**GOOD, "tools": [1] * 1_001}]}, "inputs.0.tools"),
    ({"inputs": [{**GOOD, "functions": [1] * 1_001}]}, "inputs.0.functions"),
    ({"inputs": [{**GOOD, "file_ids": [1] * 1_001}]}, "inputs.0.file_ids"),
    ({"inputs": [GOOD], "tags": [1] * 101}, "tags"),
]


def test_of_a_list_that_is_too_long_no_element_is_looked_at(client: APIClient, make_judge: MakeJudge) -> None:
    judge = make_judge()
    for body, field in TOO_LONG:
        answer = post(client, judge, body)
        assert [name for name in answer if "." in name or name == field] == [field]


def test_of_many_errors_the_first_hundred_are_told(client: APIClient, make_judge: MakeJudge) -> None:
    judge = make_judge()
    for wrong in ({**GOOD, "contexts": [1] * 60}, {**GOOD, "contexts": [""] * 60}, {"turns": [{"role": "x"}] * 60}):
        answer = post(client, judge, {"inputs": [wrong] * 2})
        assert sum(name.startswith("inputs.") for name in answer) == 100
        assert answer["non_field_errors"] == ["There is more: these are the first 100 errors."]
