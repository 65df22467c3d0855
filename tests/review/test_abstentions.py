"""Who can't tell: counted and listed with the reasons, for members of everybody, for raters of themselves."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from judging.models import EvaluationRun, User
from judging.review.grid import grid_rows
from judging.review.grid_filter import GridFilter, grid_counts
from judging.review.handing_out import abstain
from judging.review.own_views import views_of
from tests.factories import candidate, make_run, make_user
from tests.rest_clients import client_of as rest_client_of
from tests.review.test_grid import grade
from tests.review.test_grid_page import HOSTILE, client_of

pytestmark = pytest.mark.django_db
CANT_TELL = GridFilter(people="cant_tell")


@pytest.fixture
def run(db: None) -> EvaluationRun:
    return make_run({"red shoes": ["d1", "d2", "d3"], "blue shirt": ["d2"]})


def doubt(run: EvaluationRun, user: User, text: str, doc: str, reason: str = "in Finnish") -> None:
    abstain(candidate=candidate(run, text, doc), actor=user, reason=reason)


def listed(run: EvaluationRun, viewer: User) -> list[tuple[str, str, list[str]]]:
    rows = grid_rows(run, viewer=viewer, grid_filter=CANT_TELL).rows
    return [(row.query_text, row.document_key, [each.reason for each in row.cant_tell]) for row in rows]


def test_members_see_who_cant_tell_and_raters_see_themselves(run: EvaluationRun, member: User, rater: User) -> None:
    doubt(run, rater, "red shoes", "d2", "mine")
    doubt(run, member, "red shoes", "d2", "theirs")
    doubt(run, member, "blue shirt", "d2", "theirs")
    assert listed(run, member) == [("red shoes", "d2", ["mine", "theirs"]), ("blue shirt", "d2", ["theirs"])]
    assert listed(run, rater) == [("red shoes", "d2", ["mine"])]
    assert [grid_counts(run, CANT_TELL, (), viewer=user).shown for user in (member, rater)] == [2, 1]
    assert grid_counts(run, GridFilter(), views_of(run, member), viewer=member).by_view["cant-tell"] == 2


def test_a_member_on_a_blind_run_sees_others_doubt_once_they_graded(
    run: EvaluationRun, member: User, rater: User
) -> None:
    doubt(run, rater, "red shoes", "d1", "theirs")
    doubt(run, rater, "red shoes", "d2", "theirs")
    doubt(run, member, "red shoes", "d2", "mine")
    EvaluationRun.objects.update(blind=True)
    run.refresh_from_db()
    assert listed(run, member) == [("red shoes", "d2", ["mine"])]
    grade(run, member, "red shoes", "d1", 3)
    rows = {(row.query_text, row.document_key): row for row in grid_rows(run, viewer=member).rows}
    assert [each.reason for each in rows["red shoes", "d1"].cant_tell] == ["theirs"]
    assert [each.reason for each in rows["red shoes", "d2"].cant_tell] == ["mine"]


def test_who_grades_after_all_can_tell(run: EvaluationRun, member: User) -> None:
    doubt(run, member, "red shoes", "d1")
    grade(run, member, "red shoes", "d1", 2)
    assert listed(run, member) == []


def test_another_s_grade_leaves_the_doubt(run: EvaluationRun, member: User, rater: User) -> None:
    doubt(run, rater, "red shoes", "d1")
    grade(run, member, "red shoes", "d1", 2)
    assert listed(run, member) == [("red shoes", "d1", ["in Finnish"])]


def test_run_page_and_evaluate_lead_to_the_list(run: EvaluationRun, member: User, rater: User) -> None:
    doubt(run, rater, "red shoes", "d1")
    target = reverse("review_grid", args=[run.pk], query={"people": "cant_tell"})
    page = client_of(member).get(reverse("evaluation_run", args=[run.pk])).content.decode()
    assert f'href="{target}"' in page
    assert "1 candidate of which" in " ".join(page.split())
    assert f'href="{target}"' in client_of(rater).get(reverse("evaluate", args=[run.pk])).content.decode()


def test_reasons_are_shown_as_text_in_grid_details_and_csv(run: EvaluationRun, member: User, rater: User) -> None:
    doubt(run, rater, "red shoes", "d1", HOSTILE)
    client, row = client_of(member), candidate(run, "red shoes", "d1")
    for path in (
        reverse("review_grid", args=[run.pk], query={"people": "cant_tell"}),
        reverse("grid_detail", args=[run.pk, row.pk]),
    ):
        page = client.get(path).content.decode()
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert(1)" not in page
    csv = client.get(reverse("export_review", args=[run.pk])).getvalue().decode()
    assert f"{rater.email}: {HOSTILE}".replace('"', '""') in csv


def test_rest_filters_and_names_who_cant_tell(run: EvaluationRun, member: User, rater: User) -> None:
    doubt(run, member, "red shoes", "d3")
    url = f"/api/v1/evaluations/runs/{run.pk}/candidates"
    (row,) = rest_client_of(member).get(url, {"people": "cant_tell"}).json()["results"]
    assert (row["candidate_id"], row["cant_tell"]) == ("d3", [{"person": member.email, "reason": "in Finnish"}])
    assert rest_client_of(rater).get(url, {"people": "cant_tell"}).json()["results"] == []
    every = rest_client_of(rater).get(url).json()["results"]
    assert [each["cant_tell"] for each in every] == [[]] * 4


def test_a_list_costs_the_same_queries_whoever_cant_tell(member: User) -> None:
    counts: list[Any] = []
    for size in (1, 6):
        run = make_run({"q": [f"d{number}" for number in range(6)]})
        for number in range(size):
            for user in (member, make_user()):
                doubt(run, user, "q", f"d{number}")
        with CaptureQueriesContext(connection) as captured:
            assert len(listed(run, member)) == size
        counts.append(len(captured))
    assert counts[0] == counts[1]
