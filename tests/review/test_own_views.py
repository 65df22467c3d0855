"""Views of the review grid that people keep."""

from typing import Any

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from judging.foundation.errors import Conflict, Forbidden, Invalid
from judging.foundation.limits import MAX_OWN_VIEWS
from judging.models import EvaluationRun, GridView, User
from judging.review.own_views import save_view, views_of
from tests.factories import make_run, make_user
from tests.rest_clients import assert_problem
from tests.review.test_grid_page import client_of

VIEW = "min_ai_grade=1&status=unjudged&ordering=-ai_grade"


@pytest.fixture
def run(db: None) -> EvaluationRun:
    return make_run({"shoes": ["d1", "d2", "d3"]}, scale="graded")


def titles(run: EvaluationRun, user: User) -> list[str]:
    return [view.title for view in views_of(run, user) if view.own_pk]


def test_a_view_is_kept_counted_opened_by_its_address_and_deleted(run: EvaluationRun, member: User) -> None:
    client, grid = client_of(member), reverse("review_grid", args=[run.pk])
    address = f"{grid}?people=none&ordering=rank"
    page = client.get(address).content.decode()
    assert "Keep this view" in page
    client.post(f"{reverse('save_grid_view', args=[run.pk])}?people=none&ordering=rank", {"name": " To  do "})
    page = client.get(grid).content.decode()
    assert f'href="{grid}?people=none&amp;ordering=rank"' in page
    assert "To do" in page
    page = client.get(address).content.decode()
    assert "Keep this view" not in page
    (kept,) = GridView.objects.all()
    delete = reverse("delete_grid_view", args=[run.pk, kept.pk])
    assert delete in page
    # Anybody may open the address; the view itself stays its owner's.
    other = client_of(make_user(email="other@example.com"))
    page = other.get(address).content.decode()
    assert "Keep this view" in page
    assert other.post(delete).status_code == 404
    client.post(delete)
    assert not GridView.objects.exists()


def test_a_view_is_offered_only_where_its_grades_are_of_the_scale(run: EvaluationRun, member: User) -> None:
    save_view(name="Good", query="min_grade=3", actor=member)
    binary = make_run({"shoes": ["d1"]}, scale="binary")
    assert (titles(run, member), titles(binary, member)) == (["Good"], [])


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("", VIEW),
        ("x" * 61, VIEW),
        ("View", ""),
        ("View", "ordering=query"),
        ("View", "min_grade=99"),
        ("View", "ordering=price"),
        ("View", "query_id=6f1c2a52-6a0d-4d5e-9a0b-3f8f3f0f7a11"),
        ("View", "search=" + "x" * 2000),
        ("View", "&".join(f"a{n}=1" for n in range(60))),
    ],
)
def test_what_is_no_view_is_refused(member: User, name: str, query: str) -> None:
    with pytest.raises(Invalid):
        save_view(name=name, query=query, actor=member)


def test_a_name_is_taken_once_per_person_and_views_are_bounded(member: User) -> None:
    save_view(name="View 0", query=VIEW, actor=member)
    save_view(name="View 0", query=VIEW, actor=make_user())
    with pytest.raises(Conflict) as error:
        save_view(name="View 0", query="status=failed", actor=member)
    assert error.value.code == "view_name_taken"
    for number in range(1, MAX_OWN_VIEWS):
        save_view(name=f"View {number}", query=VIEW, actor=member)
    with pytest.raises(Conflict) as error:
        save_view(name="One more", query=VIEW, actor=member)
    assert error.value.code == "too_many_views"


def test_who_grades_blind_keeps_and_sees_no_views(run: EvaluationRun, member: User, rater: User) -> None:
    save_view(name="Zebra", query=VIEW, actor=member)
    EvaluationRun.objects.update(blind=True)
    run.refresh_from_db()
    assert views_of(run, member) == []
    assert "Zebra" not in client_of(member).get(reverse("review_grid", args=[run.pk])).content.decode()
    with pytest.raises(Forbidden):
        save_view(name="Zebra", query=VIEW, actor=rater)


def test_rest_keeps_lists_and_deletes_views(as_member: APIClient) -> None:
    made: dict[str, Any] = as_member.post("/api/v1/me/review-views", {"name": "To do", "query": VIEW}).json()
    assert (made["name"], made["query"]) == ("To do", VIEW)
    assert as_member.get("/api/v1/me/review-views").json() == {"results": [made]}
    assert_problem(as_member.post("/api/v1/me/review-views", {"name": "To do", "query": VIEW}), 409, "view_name_taken")
    assert as_member.delete(f"/api/v1/me/review-views/{made['id']}").status_code == 204
    assert as_member.get("/api/v1/me/review-views").json() == {"results": []}
