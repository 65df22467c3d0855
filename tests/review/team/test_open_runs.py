"""What is open for a person, on their first page and over REST: assigned runs first, and nothing that is done."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from judging.models import Evaluation, EvaluationRun, User
from judging.review.handing_out import abstain
from judging.review.own_grades import open_candidates
from judging.review.team.open_runs import open_runs
from tests.factories import candidate, make_run, make_user
from tests.rest_clients import client_of as rest_client_of
from tests.review.team.test_assignments import assign
from tests.review.test_grid import grade
from tests.review.test_grid_page import HOSTILE, HTMX, client_of

pytestmark = pytest.mark.django_db


def told(user: User) -> list[tuple[str, int, bool]]:
    return [(each.run.name, each.left_count, each.is_assigned) for each in open_runs(user)]


def fragment(user: User) -> str:
    return " ".join(client_of(user).get(reverse("all_open_runs"), headers=HTMX).content.decode().split())


def test_assigned_runs_come_first_with_what_is_left_for_one(member: User, rater: User) -> None:
    older = make_run({"a": ["d1", "d2"], "b": ["d1"]}, name="older")
    newer = make_run({"a": ["d1", "d2"], "b": ["d1"]}, name="newer")
    assign(older, member, "a", rater)
    grade(newer, rater, "a", "d1", 2)
    abstain(candidate=candidate(newer, "b", "d1"), actor=rater, reason="in Finnish")
    assert told(rater) == [("older", 2, True), ("newer", 1, False)]
    for run, left in ((older, 2), (newer, 1)):
        assert open_candidates(run, rater).count() == left
    page = fragment(rater)
    assert page.index("older") < page.index("Assigned to you") < page.index("newer")
    assert f'href="{reverse("evaluate", args=[older.pk])}"' in page
    rows = rest_client_of(rater).get("/api/v1/me/open-runs").json()["results"]
    assert [(row["name"], row["left_count"], row["is_assigned"]) for row in rows] == told(rater)


def test_what_takes_no_grades_or_is_archived_is_not_open(rater: User) -> None:
    make_run({"a": ["d1"]}, status="running")
    locked, archived, of_archived = (make_run({"a": ["d1"]}) for _ in range(3))
    EvaluationRun.objects.filter(pk=locked.pk).update(is_locked=True, locked_at=timezone.now())
    EvaluationRun.objects.filter(pk=archived.pk).update(archived_at=timezone.now())
    Evaluation.objects.filter(pk=of_archived.evaluation_id).update(archived_at=timezone.now())
    assert told(rater) == []
    assert "Nothing is open for you" in fragment(rater)


def test_a_member_s_home_lists_only_what_is_assigned_to_them(member: User, rater: User) -> None:
    run = make_run({"a": ["d1"], "b": ["d1"]}, name=HOSTILE)
    assert fragment(member) == ""
    assign(run, member, "b", member)
    page = fragment(member)
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>" not in page


def test_the_first_page_loads_what_is_open(rater: User) -> None:
    assert f'hx-get="{reverse("all_open_runs")}"' in client_of(rater).get(reverse("home")).content.decode()
    assert client_of(rater).get(reverse("all_open_runs"))["Location"] == reverse("home")


def test_what_is_open_takes_two_statements_however_many_runs(member: User) -> None:
    for size in (1, 4):
        user = make_user()
        for _ in range(size):
            make_run({"a": ["d1"]})
        with CaptureQueriesContext(connection) as captured:
            assert len(open_runs(user)) >= size
        assert len(captured) == 2
