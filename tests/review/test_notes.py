"""A person's note on a grade: typed on the pages, kept with the grade, shown as text."""

import json
from typing import Any

import pytest
from django.urls import reverse

from judging.foundation.limits import MAX_REASONING
from judging.models import EvaluationRun, Judgment, User
from tests.factories import candidate, make_run, make_user
from tests.review.test_grid import grade
from tests.review.test_grid_page import HOSTILE, HTMX, before_of, client_of, own

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(db: None) -> EvaluationRun:
    return make_run({"red shoes": ["d1", "d2"]})


def send(user: User, run: EvaluationRun, note: str, *grades: dict[str, Any]) -> Any:
    data = {"grades": json.dumps(grades), "note": note}
    return client_of(user).post(reverse("give_grade", args=[run.pk]), data, headers=HTMX)


def notes(user: User) -> list[tuple[int, str]]:
    return list(Judgment.objects.filter(member=user).order_by("pk").values_list("grade", "reasoning"))


def test_a_note_of_the_grid_stays_when_the_grade_changes_and_is_undone(run: EvaluationRun, member: User) -> None:
    row = candidate(run, "red shoes", "d1")
    send(member, run, " first line\r\nsecond ", own(row, 3))
    assert notes(member) == [(3, "first line\nsecond")]
    client = client_of(member)
    give = reverse("give_grade", args=[run.pk])
    (before,) = before_of(client.post(give, {"grades": json.dumps([own(row, 1)])}, headers=HTMX))
    assert notes(member) == [(1, "first line\nsecond")]
    send(member, run, "", own(row, 1))
    assert notes(member) == [(1, "")]
    client.post(reverse("restore_grades", args=[run.pk]), {"grades": json.dumps([before])}, headers=HTMX)
    assert notes(member) == [(3, "first line\nsecond")]


@pytest.mark.parametrize("note", ["x" * (MAX_REASONING + 1), "a\x00b"])
def test_a_note_that_cant_be_stored_is_refused(run: EvaluationRun, member: User, note: str) -> None:
    assert send(member, run, note, own(candidate(run, "red shoes", "d1"), 3)).status_code == 400
    assert notes(member) == []


def test_a_note_on_several_grades_is_refused(run: EvaluationRun, member: User) -> None:
    rows = [own(candidate(run, "red shoes", doc), 3) for doc in ("d1", "d2")]
    assert send(member, run, "both", *rows).status_code == 400


def test_evaluate_keeps_a_note_and_offers_it_for_change(run: EvaluationRun, rater: User) -> None:
    client, row = client_of(rater), candidate(run, "red shoes", "d1")
    url = reverse("evaluate", args=[run.pk])
    assert 'name="note"' in client.get(url).content.decode()
    answer = client.post(url, {"candidate": row.pk, "grade": "3", "note": HOSTILE}, headers=HTMX).content.decode()
    assert notes(rater) == [(3, HOSTILE)]
    again = client.get(url, {"candidate": row.pk}).content.decode()
    for page in (answer, again):
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert(1)" not in page


def test_notes_are_shown_as_text_in_grid_details_and_csv(run: EvaluationRun, member: User) -> None:
    other = make_user(email="grace@example.com")
    for user in (member, other):
        grade(run, user, "red shoes", "d1", 2)
    Judgment.objects.update(reasoning=HOSTILE)
    client, row = client_of(member), candidate(run, "red shoes", "d1")
    pages = [
        client.get(reverse("review_grid", args=[run.pk])).content.decode(),
        client.get(reverse("grid_detail", args=[run.pk, row.pk])).content.decode(),
    ]
    for page in pages:
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert(1)" not in page
    csv = client.get(reverse("export_review", args=[run.pk])).getvalue().decode()
    assert f"grace@example.com: {HOSTILE}".replace('"', '""') in csv
