"""Lists that can be asked for what one made oneself."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from judging.models import EvaluationRun, JudgingRun, User
from tests.factories import make_run, make_user
from tests.rest_clients import assert_problem, client_of
from tests.review.test_grid import ai_grades

pytestmark = pytest.mark.django_db


@pytest.fixture
def lists(member: User) -> dict[str, Any]:
    """A member's run and somebody else's, on which each of the two let an AI judge once: (mine, others) by list."""
    runs = [make_run(created_by=member)]
    runs.append(make_run(evaluation=runs[0].evaluation, created_by=make_user()))
    judging = [ai_grades(runs[0], {("red shoes", "d1"): 3}) for _ in runs]
    JudgingRun.objects.filter(pk=judging[0].pk).update(created_by=member)
    root = "/api/v1/evaluations"
    return {f"{root}/{runs[0].evaluation_id}/runs": runs, f"{root}/runs/{runs[0].pk}/ai-judging-runs": judging}


def test_lists_of_runs_are_asked_for_one_s_own(member: User, lists: dict[str, list[EvaluationRun]]) -> None:
    client: APIClient = client_of(member)
    for path, (own, others) in lists.items():
        both = {str(own.pk), str(others.pk)}
        for asked, expected in {"true": {str(own.pk)}, "false": {str(others.pk)}, "": both}.items():
            found = {each["id"] for each in client.get(path, {"mine": asked}).json()["results"]}
            assert found == expected, (path, asked)
        assert_problem(client.get(path, {"mine": "me"}), 400, field="mine")
