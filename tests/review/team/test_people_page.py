"""A run's tab "People", and the same over REST: who judges, how far and how well; assigning from either."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from judging.models import Assignment, EvaluationRun, Judgment, Role, User
from judging.review.handing_out import abstain
from judging.review.team.people import people_at_work
from tests.factories import candidate, make_run, make_user
from tests.rest_clients import assert_problem
from tests.rest_clients import client_of as rest_client_of
from tests.review.test_grid import grade
from tests.review.test_grid_page import HOSTILE, client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(db: None) -> EvaluationRun:
    return make_run({"red shoes": ["d1", "d2", "d3"], "blue shirt": ["d2", "d4"]})


@pytest.fixture
def ada(db: None) -> User:
    return make_user(Role.RATER, email="ada@example.com", name="Ada")


def url(run: EvaluationRun) -> str:
    return reverse("run_people", args=[run.pk])


def rest_url(run: EvaluationRun, more: str = "") -> str:
    return f"/api/v1/evaluations/runs/{run.pk}/assignments{more}"


def assigned(user: User) -> list[str]:
    rows = Assignment.objects.filter(user=user).order_by("run_query__position")
    return list(rows.values_list("run_query__text", flat=True))


def test_the_page_assigns_chosen_queries_shares_out_and_takes_back(run: EvaluationRun, member: User, ada: User) -> None:
    client, query = client_of(member), run.run_queries.get(text="blue shirt")
    data = {"act": "queries", "people": [ada.pk], "queries": [query.pk]}
    response = client.post(url(run), data, follow=True)
    assert assigned(ada) == ["blue shirt"]
    page = " ".join(response.content.decode().split())
    assert "1 query assigned to 1 person." in page
    assert "Nobody has 1 of 2 queries: 3 candidates there want a grade still." in page
    assert re.search(r'<span title="ada@example.com"\s*>Ada</span>', page)
    client.post(url(run), {"act": "share_rest", "people": [member.pk]})
    assert assigned(member) == ["red shoes"]
    client.post(url(run), {"act": "share", "people": [ada.pk]})
    assert assigned(ada) == ["red shoes", "blue shirt"]
    client.post(url(run), {"act": "clear"})
    assert "Nothing is assigned:" in client.get(url(run)).content.decode()


@pytest.mark.parametrize(
    "data",
    [{"act": "queries"}, {"act": "share"}, {"act": "share_rest"}, {"act": "other"}, {},
     {"act": "share", "people": ["x"]}, {"act": "queries", "queries": ["' OR 1=1"]}],
)  # fmt: skip
def test_an_act_without_what_it_needs_is_refused(run: EvaluationRun, member: User, data: dict[str, Any]) -> None:
    assert client_of(member).post(url(run), data).status_code == 400


@pytest.mark.on_both
def test_each_person_stands_with_what_they_did(run: EvaluationRun, member: User, ada: User) -> None:
    rest_client_of(member).put(rest_url(run), {"people": [str(ada.pk)]})
    for number, doc in enumerate(("d1", "d2", "d3")):
        grade(run, ada, "red shoes", doc, 2)
        # 20 s and 10 minutes after the one before: a grade, and a grade after a pause.
        moment = timezone.now() + timedelta(seconds=(0, 20, 620)[number])
        newest = Judgment.objects.filter(member=ada).latest("pk")
        Judgment.objects.filter(pk=newest.pk).update(created_at=moment)
    grade(run, member, "red shoes", "d1", 4)
    abstain(candidate=candidate(run, "blue shirt", "d2"), actor=ada, reason="in Finnish")
    answer = rest_client_of(member).get(rest_url(run)).json()
    people = {each["email"]: each for each in answer["people"]}
    told = people["ada@example.com"]
    counts = ("query_count", "candidate_count", "left_count", "graded_count", "cant_tell_count")
    assert [told[name] for name in counts] == [2, 5, 1, 3, 1]
    assert 19 < told["seconds_per_grade"] < 280
    assert (told["agreement"]["candidate_count"], told["agreement"]["bias"]) == (1, -2.0)
    assert [people[member.email][name] for name in counts] == [0, 0, 0, 1, 0]
    assert answer["unassigned"] == {"query_count": 0, "left_count": 0}
    page = " ".join(client_of(member).get(url(run)).content.decode().split())
    assert "1 shared, -2.00 on average" in page or "1 shared, −2.00 on average" in page


@pytest.mark.on_both
def test_rest_assigns_queries_idempotently_lists_them_and_takes_back(
    run: EvaluationRun, member: User, ada: User
) -> None:
    client = rest_client_of(member)
    query = run.run_queries.get(text="blue shirt")
    body = {"people": [str(ada.pk)], "query_ids": [str(query.pk)]}
    answers = [client.put(rest_url(run), body) for _ in range(2)]
    assert [answer.json()["unassigned"]["query_count"] for answer in answers] == [1, 1]
    rows = client.get(rest_url(run, "/queries")).json()["results"]
    assert [(row["query"], [each["email"] for each in row["people"]]) for row in rows] == [
        ("red shoes", []), ("blue shirt", ["ada@example.com"]),
    ]  # fmt: skip
    assert client.delete(rest_url(run)).status_code == 204
    assert assigned(ada) == []


def test_rest_refuses_unknown_people_and_queries(run: EvaluationRun, member: User) -> None:
    nobody = "00000000-0000-0000-0000-000000000000"
    client = rest_client_of(member)
    assert_problem(client.put(rest_url(run), {"people": [nobody]}), 400, field="people")
    body = {"people": [str(member.pk)], "query_ids": [nobody]}
    assert_problem(client.put(rest_url(run), body), 404)


def test_names_are_shown_as_text(member: User) -> None:
    run = make_run({HOSTILE: ["d1"]}, name=HOSTILE)
    make_user(Role.RATER, name=HOSTILE)
    page = client_of(member).get(url(run), {"search": "<script>"}).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_large_run_s_agreement_comes_after_the_page(run: EvaluationRun, member: User) -> None:
    EvaluationRun.objects.update(candidate_count=1_000_000)
    client = client_of(member)
    assert f'hx-get="{url(run)}?part=people"' in client.get(url(run)).content.decode()
    part = client.get(url(run), {"part": "people"}, headers={"HX-Request": "true"}).content.decode()
    assert "hx-get" not in part
    assert "<html" not in part


def test_a_locked_run_offers_no_assigning(run: EvaluationRun, member: User) -> None:
    EvaluationRun.objects.update(is_locked=True, locked_at=timezone.now())
    assert 'id="assign"' not in client_of(member).get(url(run)).content.decode()
    assert client_of(member).post(url(run), {"act": "clear"}).status_code == 409


def test_statements_do_not_grow_with_people_and_grades(member: User) -> None:
    counts = []
    for size in (1, 3):
        run = make_run({f"q{number}": ["d1", "d2"] for number in range(size)})
        people = [make_user(Role.RATER) for _ in range(size)]
        rest_client_of(member).put(rest_url(run), {"people": [str(user.pk) for user in people]})
        for number, user in enumerate(people):
            grade(run, user, f"q{number}", "d1", 2)
        client_of(member).get(url(run))
        with CaptureQueriesContext(connection) as captured:
            client_of(member).get(url(run))
        counts.append(len(captured))
        with CaptureQueriesContext(connection) as captured:
            people_at_work(run)
        assert len(captured) == 6
    assert counts[0] == counts[1]
