"""The audit list: narrowed to a person, an act or a thing, on the page and over REST, with links to what is there."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from judging.models import EvaluationRun, User
from judging.records.roles import SYSTEM
from judging.runs.evaluations import delete_run
from judging.runs.locks import lock_run
from tests.factories import make_run
from tests.people.test_page_access import client_of
from tests.rest_clients import assert_problem
from tests.rest_clients import client_of as rest_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def locked(admin: User, member: User) -> EvaluationRun:
    """Locked by a member; another run was locked by the command line, a third one deleted by an admin."""
    run = make_run(name="title only")
    lock_run(run=run, actor=member)
    lock_run(run=make_run(name="all fields"), actor=SYSTEM)
    delete_run(run=make_run(name="a mistake"), actor=admin)
    return run


def names(client: APIClient, query: str) -> list[str]:
    return [event["subject_name"] for event in client.get(f"/api/v1/audit?{query}").json()["results"]]


def test_events_are_narrowed_to_a_person_an_act_or_a_thing(locked: EvaluationRun, admin: User, member: User) -> None:
    client = rest_client(admin)
    assert names(client, f"by={member.pk}") == ["title only"]
    assert names(client, "by=command-line") == ["all fields"]
    assert names(client, "action=run_locked&search=FIELDS") == ["all fields"]
    assert names(client, f"search={locked.pk}") == ["title only"]
    assert_problem(client.get("/api/v1/audit?by=ada"), 400, field="by")
    for field in ("search", "action"):
        assert_problem(client.get(f"/api/v1/audit?{field}=a%00b"), 400, field=field)


def test_the_page_leads_to_what_is_still_there(locked: EvaluationRun, admin: User) -> None:
    page = client_of(admin).get("/audit?search=title").content.decode()
    assert f'href="/evaluations/runs/{locked.pk}"' in page
    assert "all fields" not in page
    page = client_of(admin).get("/audit?action=run_deleted").content.decode()
    assert "a mistake" in page
    assert 'href="/evaluations/runs/' not in page


def test_a_filter_that_cannot_be_read_is_told_on_the_page(admin: User) -> None:
    response = client_of(admin).get("/audit?by=ada")
    assert "needed" in response.content.decode()


def test_the_audit_page_costs_the_same_for_any_number_of_events(
    locked: EvaluationRun, admin: User, member: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client: Client = client_of(admin)
    for _ in range(12):
        lock_run(run=make_run(), actor=member)
    with django_assert_max_num_queries(12):
        client.get("/audit")
