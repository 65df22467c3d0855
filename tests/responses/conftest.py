"""What the tests of batches share: a client with an API key, judges whose evaluators call the stub, and the sums."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from judging.models import (
    AIJudge,
    BatchExecution,
    BatchItemStatus,
    Evaluator,
    ResponseJudge,
    ResultStatus,
    User,
)
from judging.responses.evaluators import save_evaluator
from judging.responses.response_judges import Reference, save_response_judge
from tests.factories import make_provider, make_token
from tests.stub.fixtures import Stub

TEMPLATE = """\
<evaluator>{name}</evaluator>
<evaluation><score>0.5</score><justification>why</justification></evaluation>
<request>{{{{xml request quotes=false}}}}</request><response>{{{{xml response quotes=false}}}}</response>
{{{{#each contexts}}}}<context>{{{{xml this}}}}</context>{{{{/each}}}}
<expected_output>{{{{xml expected_output}}}}</expected_output>
{{{{#each turns}}}}<turn role="{{{{role}}}}">{{{{xml content}}}}</turn>{{{{/each}}}}
<tools>{{{{xml tools}}}}</tools><target>{{{{target}}}}</target>
"""

MakeJudge = Callable[..., ResponseJudge]


def make_evaluator(actor: User, base_url: str, name: str = "Fit", **fields: Any) -> Evaluator:
    values = {
        "name": name,
        "prompt_template": TEMPLATE.format(name=name),
        "ai_provider_id": make_provider(base_url).pk,
        "model": "stub-model",
        **fields,
    }
    return save_evaluator(actor=actor, fields=values)


@pytest.fixture
def make_judge(member: User, stub: Stub) -> MakeJudge:
    """Make a response judge of evaluators that call the stub: make_judge("One", "Two", requires=[...], concurrency=8)."""

    def make(*names: str, concurrency: int = 8, **fields: Any) -> ResponseJudge:
        evaluators = [make_evaluator(member, stub.base_url, name, **fields) for name in names or ("Fit",)]
        return save_response_judge(
            actor=member,
            fields={"name": "A judge", "intent": "is it fit?", "max_concurrency": concurrency},
            references=[Reference(evaluator.pk) for evaluator in evaluators],
        )

    return make


@pytest.fixture
def client(member: User) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Api-Key {make_token(member)}")
    return client


def pairs(count: int) -> list[dict[str, Any]]:
    return [{"request": f"request {n}", "response": f"response {n}"} for n in range(count)]


def create(
    client: APIClient, judge: ResponseJudge | AIJudge, inputs: list[dict[str, Any]] | None = None, **body: Any
) -> str:
    """Create a batch by the judge's route; return its id."""
    response = client.post(
        f"/v1/judges/{judge.pk}/batch-execute/", {"inputs": inputs or pairs(3), **body}, format="json"
    )
    assert response.status_code == 202, response.content
    return str(response.json()["batch_execution_id"])


def retrieve(client: APIClient, batch_id: str) -> dict[str, Any]:
    """Return a batch as the API shows it, after checking that all its numbers agree."""
    response = client.get(f"/v1/judges/batch-executions/{batch_id}/")
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    check_sums(BatchExecution.objects.get(pk=batch_id))
    assert body["total_count"] == len(body["items"])
    for word in ("completed", "failed"):
        assert body[f"{word}_count"] == sum(item["status"] == word for item in body["items"])
    return body


def check_sums(batch: BatchExecution) -> None:
    """Check what must hold of a batch at every read."""
    items = list(batch.items.all())
    assert batch.completed_count == sum(item.status == BatchItemStatus.COMPLETED for item in items)
    assert batch.failed_count == sum(item.status == BatchItemStatus.FAILED for item in items)
    if not batch.is_active:
        assert batch.completed_count + batch.failed_count == batch.total_count
        assert not batch.results.filter(status=ResultStatus.PENDING).exists()
        assert not batch.results.filter(claim_token__isnull=False).exists()
