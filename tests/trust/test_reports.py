"""A run's report: the same on page, API and command line; stored for large runs and renewed once grades change."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from judging.models import EvaluationRun, TrustReport, User
from judging.runs.evaluation_runs import update_run
from judging.runs.locks import lock_run
from judging.runs.run_lists import get_evaluation_run
from judging.trust import reports
from tests.databases import Standing
from tests.draining import drain
from tests.factories import candidate, make_run
from tests.rest_clients import assert_problem
from tests.review.giving import GivenGrade, record_judgments
from tests.trust.graded import make_graded_run
from tests.trust.test_agreement import AI, PEOPLE, some_grades

pytestmark = pytest.mark.django_db

RATERS = {"ann": PEOPLE, "ben": some_grades(3, like=PEOPLE), "cat": some_grades(4, like=PEOPLE)}


def trust(client: APIClient, run: EvaluationRun) -> dict[str, Any]:
    response = client.get(f"/api/v1/evaluations/runs/{run.pk}/trust")
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


def test_a_report_sets_the_judge_beside_people_among_themselves(as_member: APIClient) -> None:
    body = trust(as_member, make_graded_run(ai=AI, raters=RATERS))
    assert body["agreement"]["kappa_quadratic"]["low"] is not None
    people = body["people"]
    assert people["difference"]["value"] == pytest.approx(people["judge_kappa"] - people["person_kappa"])
    assert people["verdict"] in ("better", "as_good", "below", "cannot_tell")
    assert [person["author"] for person in people["persons"]] == ["ann", "ben", "cat"]
    assert people["alt_test"]["is_passed"] in (True, False)
    assert not body["is_stale"]


def test_one_person_alone_is_no_ceiling(as_member: APIClient) -> None:
    people = trust(as_member, make_graded_run(ai=AI, raters={"ann": PEOPLE}))["people"]
    assert (people["judge_kappa"], people["person_kappa"], people["verdict"]) == (None, None, None)
    assert people["difference"]["refused_code"] == "too_few_queries"


def test_raters_and_unfinished_runs_get_no_report(as_member: APIClient, as_rater: APIClient) -> None:
    run = make_run({"a": ["d1"]}, status="pending")
    assert_problem(as_member.get(f"/api/v1/evaluations/runs/{run.pk}/trust"), 409, "run_not_completed")
    assert_problem(as_rater.get(f"/api/v1/evaluations/runs/{run.pk}/trust"), 403)


@pytest.fixture(scope="module")
def made(standing: Standing) -> EvaluationRun:
    with standing():
        return make_graded_run(ai=AI, raters={"ann": PEOPLE})


@pytest.fixture
def large(db: None, made: EvaluationRun, monkeypatch: pytest.MonkeyPatch) -> EvaluationRun:
    monkeypatch.setattr(reports, "COMPUTED_AT_ONCE", 0)
    return get_evaluation_run(made.pk)


def test_the_report_of_a_large_run_comes_off_the_request(large: EvaluationRun) -> None:
    assert reports.run_report(large, is_waited_for=False) is None
    assert reports.run_report(large, is_waited_for=False) is None
    drain()
    report = reports.run_report(large, is_waited_for=False)
    assert report is not None
    assert not report.is_stale


def test_a_script_that_asks_first_is_answered_at_once(large: EvaluationRun, as_member: APIClient) -> None:
    assert trust(as_member, large)["agreement"]["exact"]["value"] is not None
    assert TrustReport.objects.get(run=large).figures is not None


def test_a_stored_report_is_shown_as_of_then_until_it_is_renewed(
    large: EvaluationRun, as_member: APIClient, member: User
) -> None:
    before = trust(as_member, large)
    row = candidate(large, "query 0", "d1")
    record_judgments(grades=[GivenGrade(row.run_query_id, "d1", 4, saw_ai_grade=False)], actor=member)
    stale = trust(as_member, large)
    assert (stale["is_stale"], stale["as_of"], stale["agreement"]) == (True, before["as_of"], before["agreement"])
    drain()
    renewed = trust(as_member, large)
    assert not renewed["is_stale"]
    assert renewed["agreement"]["blind_count"] == before["agreement"]["blind_count"] + 1


def test_where_relevant_begins_is_part_of_the_question(
    large: EvaluationRun, as_member: APIClient, member: User
) -> None:
    trust(as_member, large)
    update_run(run=large, actor=member, relevant_from=3)
    assert trust(as_member, large)["is_stale"]


def test_a_locked_run_keeps_its_report(large: EvaluationRun, as_member: APIClient, member: User) -> None:
    before = trust(as_member, large)
    lock_run(run=large, actor=member)
    assert trust(as_member, large) == before


def test_the_command_says_what_the_api_answers(as_member: APIClient) -> None:
    run = make_graded_run(ai=AI, raters=RATERS)
    out = StringIO()
    call_command("trust", str(run.pk), "--json", stdout=out)
    said, answered = json.loads(out.getvalue()), trust(as_member, run)
    assert {**said, "as_of": None} == {**answered, "as_of": None}
    out = StringIO()
    call_command("trust", str(run.pk), stdout=out)
    kappa = answered["agreement"]["kappa_quadratic"]
    assert f"{kappa['value']:.3f}  ({kappa['low']:.3f} to {kappa['high']:.3f}" in out.getvalue()


def test_the_command_refuses_what_it_cannot_answer() -> None:
    run = make_run({"a": ["d1"]}, status="pending")
    with pytest.raises(CommandError, match="nothing can be said of it yet"):
        call_command("trust", str(run.pk))
