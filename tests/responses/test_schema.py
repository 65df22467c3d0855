"""The description of /v1: valid, complete, and true, as fuzzing every operation shows."""

import pytest
from drf_spectacular.validation import validate_schema
from rest_framework.test import APIClient

from judging.batch_api.urls import urlpatterns
from judging.models import BatchExecution, Evaluator, ExecutionLog, User
from tests.api.test_schema_fuzz import MODES, fuzz, opened, share
from tests.factories import make_token
from tests.responses.conftest import MakeJudge, create

pytestmark = pytest.mark.django_db


@pytest.mark.seldom
def test_the_description_is_valid_and_has_every_route(client: APIClient) -> None:
    description = client.get("/v1/schema/").json()
    validate_schema(description)
    assert len(description["paths"]) == len(urlpatterns) - 2  # itself, and what no route knows
    assert all(route.startswith("/v1/") and route.endswith("/") for route in description["paths"])
    inputs = description["components"]["schemas"]["BatchCreateRequest"]["properties"]["inputs"]
    assert (inputs["minItems"], inputs["maxItems"]) == (1, 100)
    other = client.get("/api/schema").json()
    assert all(route.startswith("/api/v1") for route in other["paths"])


@pytest.fixture
def ids(client: APIClient, make_judge: MakeJudge) -> dict[str, str]:
    """Ids of things that are there: a random one only ever meets a 404."""
    judge = make_judge()
    batch = BatchExecution.objects.get(pk=create(client, judge))
    log = ExecutionLog.objects.create(item=batch.items.all()[0], executed_item_name="x", execution_type="judge")
    return {
        "judge_id": str(judge.pk),
        "batch_id": str(batch.pk),
        "evaluator_id": str(Evaluator.objects.get(preset="").pk),
        "log_id": str(log.pk),
    }


@pytest.mark.on_both
@pytest.mark.fuzz
@pytest.mark.parametrize("mode", MODES)
def test_no_input_breaks_an_operation(ids: dict[str, str], member: User, mode: str) -> None:
    headers = {"Authorization": f"Api-Key {make_token(member)}"}
    # Opened last: Django's own client undoes what it takes to send requests inside of a transaction.
    with opened("/v1/schema/", "^/v1") as found:
        # What runs a judge in the request stores through a thread of its own, outside of the test's transaction.
        operations = [operation for operation in found if "/execute/" not in operation.path]
        assert len(operations) > 18
        for operation in share(operations, mode):
            fuzz(operation, mode, ids, headers)
