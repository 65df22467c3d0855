"""One key, one body, one batch: whatever happens in between, and at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django_q.models import OrmQ
from rest_framework.test import APIClient

from judging.models import BatchExecution, Evaluator, User
from judging.responses.evaluators import delete_evaluator, save_evaluator
from judging.responses.response_judges import delete_response_judge
from tests.responses.conftest import MakeJudge, pairs

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.on_both]


def test_an_idempotency_key_makes_one_batch_of_one_body(client: APIClient, make_judge: MakeJudge) -> None:
    url = f"/v1/judges/{make_judge().pk}/batch-execute/"
    headers: dict[str, Any] = {"HTTP_IDEMPOTENCY_KEY": "k1"}
    first = client.post(url, {"inputs": pairs(2)}, format="json", **headers)
    again = client.post(url, {"inputs": pairs(2)}, format="json", **headers)
    assert again.json() == first.json()
    other = client.post(url, {"inputs": pairs(3)}, format="json", **headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert OrmQ.objects.count() == 1


def test_an_idempotency_key_returns_a_batch_whose_judge_is_gone(
    client: APIClient, make_judge: MakeJudge, member: User
) -> None:
    judge = make_judge("One", "Two")
    ids = [str(pk) for pk in Evaluator.objects.filter(preset="").values_list("pk", flat=True)]
    asked: list[tuple[str, dict[str, Any]]] = [
        (f"/v1/judges/{judge.pk}/batch-execute/", {}),
        ("/v1/batch-executions/", {"evaluator_ids": ids}),
    ]

    def post_all() -> list[tuple[int, str]]:
        answers = [
            client.post(url, {**body, "inputs": pairs(1)}, format="json", HTTP_IDEMPOTENCY_KEY=url)
            for url, body in asked
        ]
        return [(answer.status_code, answer.json()["batch_execution_id"]) for answer in answers]

    first = post_all()
    assert [status for status, _ in first] == [202, 202]
    for evaluator in Evaluator.objects.filter(pk__in=ids):
        save_evaluator(
            actor=member, evaluator=evaluator, fields={"requires": ["expected_output"], "name": "Stricter now"}
        )
    assert post_all() == first
    delete_response_judge(actor=member, judge=judge)
    for evaluator in Evaluator.objects.filter(pk__in=ids):
        delete_evaluator(actor=member, evaluator=evaluator)
    assert post_all() == first
    assert BatchExecution.objects.count() == 2


def test_requests_with_one_key_at_the_same_moment_make_one_batch(client: APIClient, make_judge: MakeJudge) -> None:
    url, together = f"/v1/judges/{make_judge().pk}/batch-execute/", Barrier(4)

    def post(_: int) -> str:
        try:
            together.wait(60)
            answer = client.post(url, {"inputs": pairs(2)}, format="json", HTTP_IDEMPOTENCY_KEY="k1")
            return str(answer.json()["batch_execution_id"])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        made = set(threads.map(post, range(4)))
    assert made == {str(BatchExecution.objects.get().pk)}
