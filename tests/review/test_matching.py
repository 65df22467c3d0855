"""The AI's grades of all that a filter leaves: confirmed at once where the number is still the one shown, taken back."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from judging.foundation.errors import Conflict, Forbidden, Invalid
from judging.models import AuditEvent, Candidate, EvaluationRun, Judgment, Role, User
from judging.review import matching
from judging.review.grid_filter import GridFilter
from judging.review.matching import confirm_matching_ai_grades, last_confirmed, take_back_confirmed_grades
from judging.runs.locks import lock_run
from tests.factories import make_run, make_user
from tests.rest_clients import client_of as rest_client_of
from tests.review.test_grid import ai_grades, grade
from tests.review.test_grid_page import client_of, mine, page_of, url

HIGH = GridFilter(min_ai_grade=2)


@pytest.fixture
def run(db: None) -> EvaluationRun:
    """Five candidates, three of which the AI finds relevant."""
    run = make_run({"red shoes": ["d1", "d2", "d3"], "blue shirt": ["d2", "d4"]})
    ai_grades(
        run,
        {("red shoes", "d1"): 4, ("red shoes", "d2"): 0, ("red shoes", "d3"): 2, ("blue shirt", "d4"): 3},
    )
    return run


def confirm(run: EvaluationRun, actor: User, count: int, grid_filter: GridFilter = HIGH) -> matching.ConfirmedMatching:
    return confirm_matching_ai_grades(run=run, grid_filter=grid_filter, expected_count=count, actor=actor)


def effective(run: EvaluationRun) -> list[tuple[int | None, int]]:
    rows = Candidate.objects.filter(run=run).order_by("position", "rank")
    return list(rows.values_list("effective_grade", "people_count"))


def test_all_that_match_are_confirmed_and_own_grades_stay(
    run: EvaluationRun, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, "_CHUNK", 2)
    grade(run, member, "red shoes", "d1", 1)
    done = confirm(run, member, 3)
    assert (done.confirmed_count, done.left_alone_count) == (2, 1)
    assert effective(run) == [(1, 1), (0, 0), (2, 1), (None, 0), (3, 1)]
    assert mine(member) == [(1, None), (2, True), (3, True)]
    run.refresh_from_db()
    assert run.judged_count == 4
    assert confirm(run, member, 3).confirmed_count == 0
    assert AuditEvent.objects.get(action="ai_grades_confirmed").detail["count"] == 2


def test_what_has_no_ai_grade_is_left_alone(run: EvaluationRun, member: User) -> None:
    done = confirm(run, member, 5, GridFilter())
    assert (done.confirmed_count, done.left_alone_count) == (4, 1)


def test_another_number_than_shown_or_too_many_is_refused(
    run: EvaluationRun, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Conflict) as refused:
        confirm(run, member, 4)
    assert refused.value.code == "count_changed"
    assert refused.value.details == {"expected_count": 4, "matching_count": 3}
    monkeypatch.setattr(matching, "MAX_CONFIRMED", 2)
    with pytest.raises(Invalid):
        confirm(run, member, 3)
    with pytest.raises(Forbidden):
        confirm(run, make_user(Role.RATER), 3)
    lock_run(run=run, actor=member)
    with pytest.raises(Conflict) as locked:
        confirm(run, member, 3)
    assert locked.value.code == "run_locked"
    assert mine(member) == []


def test_taking_back_leaves_what_was_changed_since_and_what_others_gave(run: EvaluationRun, member: User) -> None:
    other = make_user()
    confirm(run, other, 3)
    grade(run, member, "red shoes", "d2", 4)
    done = confirm(run, member, 3)
    grade(run, member, "red shoes", "d1", 0)
    assert take_back_confirmed_grades(run=run, confirmed_at=done.confirmed_at, actor=member) == 2
    assert sorted(mine(member)) == [(0, True), (4, None)]
    assert len(mine(other)) == 3
    assert effective(run)[2] == (2, 1)
    with pytest.raises(Conflict) as refused:
        take_back_confirmed_grades(run=run, confirmed_at=done.confirmed_at, actor=member)
    assert refused.value.code == "nothing_to_take_back"


def test_the_last_confirmation_is_offered_for_an_hour_to_whom_it_is(run: EvaluationRun, member: User) -> None:
    done = confirm(run, member, 3)
    assert last_confirmed(run, make_user()) is None
    assert last_confirmed(run, member) is not None
    AuditEvent.objects.update(created_at=timezone.now() - timedelta(minutes=61))
    assert last_confirmed(run, member) is None
    AuditEvent.objects.update(created_at=timezone.now())
    take_back_confirmed_grades(run=run, confirmed_at=done.confirmed_at, actor=member)
    assert last_confirmed(run, member) is None


def post(client: Client, run: EvaluationRun, name: str, query: dict[str, str] | None = None, **form: str) -> str:
    response = client.post(reverse(name, args=[run.pk], query=query), form, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def test_a_page_confirms_all_that_match_says_so_and_undoes_it(run: EvaluationRun, member: User) -> None:
    client, query = client_of(member), {"min_ai_grade": "2"}
    here = url(run, **query)
    assert "Confirm all 3 that match" in page_of(client, run, **query)
    page = post(client, run, "confirm_matching", query, expected_count="9", next=here)
    assert "3 candidates match now, not 9 as shown" in page
    page = post(client, run, "confirm_matching", query, expected_count="3", next=here)
    assert "3 AI grades confirmed." in page
    assert "You confirmed 3 AI" in page
    (at,) = AuditEvent.objects.filter(action="ai_grades_confirmed").values_list("detail__confirmed_at", flat=True)
    assert f'value="{at}"' in page
    page = post(client, run, "take_back_confirmed", confirmed_at=at, next=here)
    assert "3 grades taken back." in page
    assert "You confirmed" not in page
    assert mine(member) == []
    for form in ({}, {"confirmed_at": "now"}, {"confirmed_at": "2026-02-31T00:00:00Z"}):
        assert client.post(reverse("take_back_confirmed", args=[run.pk]), form).status_code == 400
    assert client.post(reverse("confirm_matching", args=[run.pk]), {"expected_count": "-1"}).status_code == 400


def test_who_judges_blind_confirms_nothing_unseen(run: EvaluationRun, member: User) -> None:
    EvaluationRun.objects.filter(pk=run.pk).update(blind=True)
    run.refresh_from_db()
    with pytest.raises(Invalid) as refused:
        confirm(run, member, 5, GridFilter())
    assert refused.value.code == "blind"
    assert "that match</button>" not in page_of(client_of(member), run)


def test_raters_are_not_offered_what_only_members_may(run: EvaluationRun) -> None:
    client = client_of(make_user(Role.RATER))
    assert "that match</button>" not in page_of(client, run)
    for name in ("confirm_matching", "take_back_confirmed"):
        assert client.post(reverse(name, args=[run.pk])).status_code == 403


def test_rest_confirms_all_that_match_and_takes_it_back(run: EvaluationRun, member: User) -> None:
    client = rest_client_of(member)
    base = f"/api/v1/evaluations/runs/{run.pk}/candidates"
    answer = client.post(f"{base}/confirm?min_ai_grade=2", {"expected_count": 1})
    assert answer.status_code == 409
    assert {name: answer.json()[name] for name in ("code", "expected_count", "matching_count")} == {
        "code": "count_changed", "expected_count": 1, "matching_count": 3,
    }  # fmt: skip
    answer = client.post(f"{base}/confirm?min_ai_grade=2", {"expected_count": 3})
    assert answer.status_code == 200
    assert (answer.json()["confirmed_count"], answer.json()["left_alone_count"]) == (3, 0)
    taken = client.post(f"{base}/take-back", {"confirmed_at": answer.json()["confirmed_at"]})
    assert taken.json() == {"taken_back_count": 3}
    assert not Judgment.objects.filter(member=member).exists()
