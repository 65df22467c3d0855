"""Every operation of the description, fuzzed: no 500, and every answer is one that the description has."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, seed, settings

from judging.models import ApiToken, JudgingRun, Role
from tests.factories import make_analysis, make_judge, make_provider, make_run, make_token, make_user
from tests.lazily import Lazily
from tests.search.endpoints.making import make_endpoint
from tests.search.setting_up import make_query_set, make_template

pytestmark = pytest.mark.on_both


schemathesis, checks = Lazily("schemathesis"), Lazily("schemathesis.specs.openapi.checks")

# The simplest and another one; RELEVAL_FUZZ_EXAMPLES=25 and more for a search.
FEWEST = 2
EXAMPLES = int(os.environ.get("RELEVAL_FUZZ_EXAMPLES", FEWEST))
SEED = "SQLite" if django_settings.IS_SQLITE else "PostgreSQL"
MODES = ("positive", "negative")


@pytest.fixture
def admin_token(db: None) -> str:
    return make_token(make_user(Role.ADMIN))


@pytest.fixture
def ids(admin_token: str) -> dict[str, str]:
    """Ids of things that are there: a random one only ever meets a 404."""
    run = make_run()
    judge = make_judge(make_provider())
    judging_run = JudgingRun.objects.create(
        evaluation_run=run, judge_version=judge.versions.get(), provider_name="x", max_concurrency=1
    )
    return {
        "member_id": str(make_user().pk),
        "token_id": str(ApiToken.objects.get().pk),
        "corpus_id": str(run.evaluation.corpus_id),
        "evaluation_id": str(run.evaluation_id),
        "run_id": str(run.pk),
        "provider_id": str(judge.ai_provider_id),
        "judge_id": str(judge.pk),
        "judging_run_id": str(judging_run.pk),
        "endpoint_id": str(make_endpoint(make_user()).pk),
        "analysis_id": str(make_analysis().pk),
        "query_set_id": str(make_query_set().pk),
        "query_template_id": str(make_template().pk),
    }


def share(operations: list[Any], mode: str) -> list[Any]:
    """Return the operations to fuzz in a mode here: every other one, and the rest on the other database."""
    if EXAMPLES > FEWEST:
        return operations
    return operations[MODES.index(mode) ^ django_settings.IS_SQLITE :: 2]


@cache
def read(description: str, path_regex: str) -> list[Any]:
    """Return the operations of a description, which does not change."""
    schema = schemathesis.openapi.from_wsgi(description, get_wsgi_application())
    # What is sent would change with every constant in our code, and finding them takes a seventh of the time.
    schema.config.analysis.constants.enabled = False
    return [result.ok() for result in schema.include(path_regex=path_regex).get_all_operations()]


@contextmanager
def opened(description: str, path_regex: str) -> Iterator[list[Any]]:
    """Open the operations of a description, called without a server."""
    # As Django's own test client does: a request must not close the connection that the test's transaction is on.
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield read(description, path_regex)
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def operations(db: None) -> Iterator[list[Any]]:
    with opened("/api/schema", "^/api/v1") as found:
        yield found


@pytest.mark.fuzz
@pytest.mark.parametrize("mode", MODES)
def test_no_input_breaks_an_operation(operations: list[Any], ids: dict[str, str], admin_token: str, mode: str) -> None:
    assert len(operations) > 30
    for operation in share(operations, mode):
        fuzz(operation, mode, ids, {"Authorization": f"Bearer {admin_token}"})


def fuzz(operation: Any, mode: str, ids: dict[str, str], headers: dict[str, str]) -> None:
    """Send some cases of an operation, each in a transaction that is rolled back."""
    given_ids = {
        parameter.name: ids[parameter.name] for parameter in operation.path_parameters if parameter.name in ids
    }
    if len(given_ids) == len(operation.path_parameters) and not operation.query and not operation.body:
        # There is nothing wrong to send.
        mode = "positive"
    expected = (
        Lazily("schemathesis.checks").not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
    )

    @seed(SEED)
    @given(case=operation.as_strategy(schemathesis.GenerationMode(mode), path_parameters=given_ids or None))
    @settings(
        max_examples=EXAMPLES,
        derandomize=False,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def send(case: Any) -> None:
        with transaction.atomic():
            # Called without a server, it can't read what is compressed.
            case.call_and_validate(headers={**headers, "Accept-Encoding": "identity"}, checks=expected)
            transaction.set_rollback(True)

    send()
