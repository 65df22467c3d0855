"""Every door that could tell those who grade blind what others say: each route is called, and answers nothing planted."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from rest_framework.test import APIClient

from judging.models import AIJudge, Candidate, EvaluationRun, JudgingRun, Judgment, Role, RunQuery, User
from tests.factories import make_judge, make_run, make_user
from tests.rest_clients import assert_problem, client_of
from tests.review.giving import GivenGrade, record_judgments
from tests.review.test_grid import ai_grades
from tests.security.installation import Installation, browser_of
from tests.security.routes import pages, routes
from tests.security.test_access import RATERS

# What is said of candidates: the AI's reasoning, a person, their note, a score of the engine; and of the run as a whole.
# Of a probe, what a judge answered about a document.
SAID = ("because of d", "planted@example.com", "PlantedNote", "73.7373", "It has the words")
FIGURES = ("PlantedJudge", "0.8642")
# They name everybody, and say nothing of what anybody said of a candidate.
LISTS_OF_PEOPLE = ("/members", "/people", "/assignments")
HTMX = {"HX-Request": "true"}


@pytest.fixture
def planted(standing: Installation) -> Installation:
    """The run of `standing`, on which an AI and a person graded everything; the judging run that it did so in."""
    run = standing.run
    pairs = {(row.run_query.text, row.document.external_id): 3 for row in Candidate.objects.filter(run=run)}
    judging_run = ai_grades(run, pairs, make_judge(name="PlantedJudge"))
    grades = [
        GivenGrade(row.run_query_id, row.document.external_id, 2, "PlantedNote")
        for row in Candidate.objects.filter(run=run).select_related("document")
    ]
    record_judgments(grades=grades, actor=make_user(email="planted@example.com"))
    Candidate.objects.filter(run=run).update(score=73.7373)
    figures = dict.fromkeys(run.metrics, 0.8642)
    RunQuery.objects.filter(run=run).update(metric_values=figures)
    EvaluationRun.objects.filter(pk=run.pk).update(metric_values=figures)
    AIJudge.objects.update(owner=None, shared=True)
    assert standing.ids
    standing._ids["judging_run_id"] = judging_run.pk
    return standing


def answers(person: User, installation: Installation, methods: str) -> Iterator[tuple[str, Any]]:
    """Call every route as a person, with an empty body, and the parts of pages; what it did is rolled back."""
    run, judging_run = installation.run.pk, JudgingRun.objects.get(judge_version__name="PlantedJudge").pk
    # To any other page raters get a 403 (test_access.py), which is the same whatever it stands for.
    shown = [route for route in pages() if person.role != Role.RATER or route.template in RATERS]
    addresses = [installation.path(route) for route in [*routes("/api/"), *shown]]
    parts = [
        *(f"/evaluations/runs/{run}?part={part}" for part in ("results", "queries")),
        *(f"/evaluations/runs/{run}/review?part={part}" for part in ("metrics", "counts")),
        f"/evaluations/runs/{run}/evaluate?part=progress", "/?part=runs",
        f"/evaluations/runs/{run}/export?file_format=jsonl", f"/ai-judging-runs/{judging_run}?part=items",
        f"/ai-judging-runs/compare?old={judging_run}&new={judging_run}&change=all",
    ]  # fmt: skip
    browser: Client = browser_of(person)
    api = client_of(person)
    for address in parts:
        yield f"GET {address}", browser.get(address)
        yield f"GET {address} by htmx", browser.get(address, headers=HTMX)
    for address in addresses:
        for method in methods.split():
            client: Any = api if address.startswith("/api/") else browser
            with transaction.atomic():
                answer = client.generic(method, address, "{}", content_type="application/json")
                yield f"{method} {address}", answer
                transaction.set_rollback(True)


def told(answer: Any, words: tuple[str, ...]) -> list[str]:
    text = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return [word for word in words if word.encode() in text]


def test_no_route_tells_a_rater_anything_made_of_grades(planted: Installation) -> None:
    found = {
        call: leaked
        for call, answer in answers(make_user(Role.RATER), planted, "GET POST")
        if (leaked := told(answer, (*SAID, *FIGURES)))
    }
    assert found == {}


def test_no_route_tells_a_member_what_is_said_on_a_blind_run(planted: Installation) -> None:
    EvaluationRun.objects.filter(pk=planted.run.pk).update(blind=True)
    found = {
        call: leaked
        for call, answer in answers(make_user(), planted, "GET")
        if (leaked := told(answer, SAID)) and not call.endswith(LISTS_OF_PEOPLE)
    }
    assert found == {}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "evaluations/runs/{run}/export"),
        ("GET", "evaluations/runs/{run}/judgments/export"),
        ("GET", "evaluations/runs/{run}/searches/{query}/exchange"),
        ("GET", "ai-judging-runs/{judging_run}/items"),
        ("GET", "ai-judging-runs/{judging_run}/export"),
        ("POST", "ai-judges/{judge}/test"),
    ],
)
def test_a_blind_member_is_refused_what_is_about_all_candidates(as_member: APIClient, method: str, path: str) -> None:
    run = make_run(blind=True)
    judging_run = ai_grades(run, {("red shoes", "d1"): 3})
    query = run.run_queries.all()[0].pk
    judge = judging_run.judge_version.judge_id
    address = f"/api/v1/{path.format(run=run.pk, query=query, judging_run=judging_run.pk, judge=judge)}"
    body = {"evaluation_run_id": str(run.pk), "query_id": str(query)} if method == "POST" else None
    assert_problem(getattr(as_member, method.lower())(address, body), 403, "blind")


def test_what_is_planted_shows_where_a_run_is_not_blind(planted: Installation) -> None:
    """Without this, the tests above would pass on an installation with nothing to tell."""
    seen: set[str] = set()
    for _, answer in answers(make_user(), planted, "GET"):
        seen.update(told(answer, (*SAID, *FIGURES)))
        if len(seen) == len(SAID) + len(FIGURES):
            break
    assert seen == {*SAID, *FIGURES}
    assert Judgment.objects.filter(reasoning="PlantedNote").exists()
