"""The Evaluate page: blind first, one candidate at a time, and what each act is answered with."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from judging.models import (
    Abstention,
    Candidate,
    DocumentVersion,
    Evaluation,
    EvaluationRun,
    GradingHold,
    Judgment,
    Role,
    User,
)
from judging.runs.locks import lock_run
from tests.factories import candidate, make_judge, make_run, make_user
from tests.review.test_grid import ai_grades, grade

HTMX = {"HX-Request": "true"}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def run(db: None) -> EvaluationRun:
    run = make_run({"red shoes": ["d1", "d2", "d3"], "blue shirt": ["d2", "d4"]})
    ai_grades(run, {("red shoes", "d1"): 4, ("red shoes", "d2"): 0}, make_judge(name="Careful"))
    return run


def url(run: EvaluationRun, **query: Any) -> str:
    return reverse("evaluate", args=[run.pk], query=query or None)


def act(client: Client, run: EvaluationRun, shown: Candidate, **data: Any) -> Any:
    return client.post(url(run), {"candidate": shown.pk, **data}, headers=HTMX)


@pytest.mark.parametrize("role", Role.values)
def test_no_grade_of_others_shows_before_one_s_own(run: EvaluationRun, role: str) -> None:
    EvaluationRun.objects.update(judgments_wanted=3)
    grade(run, make_user(email="grace@example.com"), "red shoes", "d1", 3)
    page = client_of(make_user(role)).get(url(run)).content.decode()
    assert "Title of d" in page
    assert 'name="saw" value="0"' in page
    for secret in ("Careful", "because of", "grace@", "grade-step", 'aria-pressed="true"'):
        assert secret not in page


def test_a_grade_brings_the_next_candidate_and_the_ai_s_view_of_the_last(run: EvaluationRun, member: User) -> None:
    d1 = candidate(run, "red shoes", "d1")
    response = act(client_of(member), run, d1, grade="3", saw="0")
    answer = response.content.decode()
    assert "<html" not in answer
    assert answer.index("Title of d2") < answer.index('id="previous-slot" hx-swap-oob="true"')
    previous = answer.split('id="previous-slot"')[1]
    assert all(text in previous for text in ("Title of d1", "Careful v1", "says otherwise", "because of d1"))
    assert "because of d2" not in answer
    assert "releval:graded" in response["HX-Trigger"]
    judgment = Judgment.objects.get(member=member)
    assert (judgment.grade, judgment.saw_ai_grade) == (3, False)


def test_one_goes_back_through_all_that_one_graded(run: EvaluationRun, member: User) -> None:
    client = client_of(member)
    graded = [candidate(run, *pair) for pair in (("blue shirt", "d4"), ("red shoes", "d1"))]
    for each in graded:
        act(client, run, each, grade="3", saw="0")
    grade(run, make_user(), "blue shirt", "d2", 1)
    visited, address = [], url(run)
    while found := re.search(r'id="previous"\s+href="([^"]*candidate=(\d+))"', client.get(address).content.decode()):
        address = found[1]
        visited.append(int(found[2]))
    assert visited == [each.pk for each in reversed(graded)]


def test_changing_a_grade_shows_the_ai_grade_and_stores_that_it_was_seen(run: EvaluationRun, member: User) -> None:
    client, d1, d3 = client_of(member), candidate(run, "red shoes", "d1"), candidate(run, "red shoes", "d3")
    act(client, run, d1, grade="3", saw="0")
    page = client.get(url(run, candidate=d1.pk), headers=HTMX).content.decode()
    assert all(text in page for text in ("You graded this", "Careful v1", 'name="saw" value="1"', "Next unrated"))
    act(client, run, d1, grade="4", saw="1")
    judgment = Judgment.objects.get(member=member)
    assert (judgment.grade, judgment.saw_ai_grade) == (4, True)
    act(client, run, d1, act="take_back")
    assert not Judgment.objects.filter(member=member).exists()
    act(client, run, d3, grade="1", saw="0")
    page = client.get(url(run, candidate=d3.pk), headers=HTMX).content.decode()
    assert "No AI judge has graded it." in page
    assert 'name="saw" value="0"' in page


def test_a_candidate_asked_for_by_name_is_blind_until_it_is_graded(run: EvaluationRun, member: User) -> None:
    page = client_of(member).get(url(run, candidate=candidate(run, "red shoes", "d2").pk)).content.decode()
    assert "Title of d2" in page
    assert "Careful" not in page


def test_skipping_goes_on_and_i_cant_tell_needs_a_reason(run: EvaluationRun, member: User) -> None:
    client, d1, d2 = client_of(member), candidate(run, "red shoes", "d1"), candidate(run, "red shoes", "d2")
    assert "Title of d2" in act(client, run, d1, act="skip").content.decode()
    response = act(client, run, d2, act="abstain", reason=" ")
    assert response.status_code == 400
    assert "releval:toasts" in response["HX-Trigger"]
    assert "Title of d3" in act(client, run, d2, act="abstain", reason="in Finnish").content.decode()
    assert Abstention.objects.get().candidate_id == d2.pk
    assert not Judgment.objects.filter(member=member).exists()


def test_two_people_get_different_candidates(run: EvaluationRun, member: User) -> None:
    assert "Title of d1" in client_of(member).get(url(run)).content.decode()
    assert "Title of d2" in client_of(make_user()).get(url(run)).content.decode()
    assert GradingHold.objects.count() == 2


def test_the_end_says_that_nothing_is_left(member: User) -> None:
    run = make_run({"a": ["d1"]})
    answer = act(client_of(member), run, candidate(run, "a", "d1"), grade="1", saw="0").content.decode()
    assert "Nothing is left for you here" in answer
    assert 'name="candidate"' not in answer


def test_the_page_counts_ones_own_work(run: EvaluationRun, member: User) -> None:
    client = client_of(member)
    act(client, run, candidate(run, "red shoes", "d1"), grade="1", saw="0")
    for shown in (client.get(url(run, part="progress"), headers=HTMX), client.get(url(run))):
        assert "<b>1</b> graded by you" in shown.content.decode()
        assert "<b>4</b> open to you" in shown.content.decode()


def test_a_grade_outside_the_scale_is_refused_as_a_message(run: EvaluationRun, member: User) -> None:
    client, d1 = client_of(member), candidate(run, "red shoes", "d1")
    for given in ("", "5", "-1", "x", "²", "1.0", "99999999999999999999"):
        response = act(client, run, d1, grade=given)
        assert (response.status_code, response["HX-Reswap"]) == (400, "none"), given
    assert not Judgment.objects.filter(member=member).exists()


def test_a_candidate_of_another_run_is_not_found(run: EvaluationRun, member: User) -> None:
    client, other = client_of(member), make_run({"x": ["y"]})
    for given in ("", "x", "99999999999999999999", "999999", candidate(other, "x", "y").pk):
        assert client.post(url(run), {"candidate": given, "grade": "1"}, headers=HTMX).status_code == 404
    assert client.get(url(run, candidate="x")).status_code == 404
    assert act(client, run, candidate(run, "red shoes", "d1"), act="dance").status_code == 400


def test_a_locked_run_says_so_and_a_late_grade_is_a_conflict_message(run: EvaluationRun, member: User) -> None:
    client, d1 = client_of(member), candidate(run, "red shoes", "d1")
    lock_run(run=run, actor=member)
    assert "This run is locked" in client.get(url(run)).content.decode()
    for data in ({"grade": "1"}, {"act": "skip"}, {"act": "abstain", "reason": "late"}):
        response = act(client, run, d1, **data)
        assert response.status_code == 409
        assert "locked" in response["HX-Trigger"]
    assert "This run is pending" in client.get(url(make_run(status="pending"))).content.decode()


def test_without_javascript_a_grade_leads_to_the_next_page(run: EvaluationRun, member: User) -> None:
    client, d1 = client_of(member), candidate(run, "red shoes", "d1")
    response = client.post(url(run), {"candidate": d1.pk, "grade": "2", "saw": "0"})
    page = client.get(response["Location"]).content.decode()
    assert "Title of d2" in page
    assert "because of d1" in page


def test_the_next_candidate_costs_the_same_queries_whatever_the_run_holds(member: User) -> None:
    client, counts = client_of(member), []
    for size in (3, 9):
        run = make_run({f"q{number}": ["d1", "d2", "d3"] for number in range(size)})
        first = candidate(run, "q0", "d1")
        act(client, run, first, grade="1", saw="0")
        with CaptureQueriesContext(connection) as captured:
            act(client, run, candidate(run, "q0", "d2"), grade="1", saw="0")
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_hostile_text_is_shown_as_text(member: User) -> None:
    run = make_run({HOSTILE: ["d1", "d2"]}, name=HOSTILE)
    Evaluation.objects.update(description=HOSTILE, name=HOSTILE)
    DocumentVersion.objects.update(title=HOSTILE, fields={HOSTILE: [HOSTILE]}, image="javascript:alert(1)")
    ai_grades(run, {(HOSTILE, "d1"): 4})
    Judgment.objects.update(reasoning=HOSTILE, judge_label=HOSTILE)
    client, d1 = client_of(member), candidate(run, HOSTILE, "d1")
    pages = [client.get(url(run)), act(client, run, d1, grade="1", saw="0"), client.get(url(run, candidate=d1.pk))]
    for response in pages:
        page = response.content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "javascript:" not in page
        assert "&lt;script&gt;alert" in page
