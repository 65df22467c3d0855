"""The page of one query of two runs, the button that judges what decides, and the queries' part of the comparison."""

import html
import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from judging import ledger
from judging.models import Candidate, DocumentVersion, EvaluationRun, JudgingRun, Judgment, Role, User
from judging.runs.locks import lock_run
from judging.runs.run_lists import get_evaluation_run
from tests.databases import Standing
from tests.factories import candidate, make_evaluation, make_judge, make_run, make_user
from tests.security.installation import browser_of
from tests.trust.graded import give_grades

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("forgetful")]

HTMX = {"HX-Request": "true"}


@pytest.fixture
def visit(member: User) -> Client:
    return browser_of(member)


@pytest.fixture(scope="module")
def made(standing: Standing) -> tuple[EvaluationRun, EvaluationRun]:
    with standing():
        evaluation = make_evaluation()
        a = make_run({"shoes": ["d1", "d2", "d3"], "hats": ["d4"]}, evaluation=evaluation, metrics=["P@2"], name="Old")
        b = make_run({"shoes": ["d2", "d1", "d9"], "hats": ["d5"]}, evaluation=evaluation, metrics=["P@2"], name="New")
        give_grades(a, ai=[[2, 0, None], [None]])
        ledger.refresh_run(b.pk)
    return a, b


@pytest.fixture
def runs(db: None, made: tuple[EvaluationRun, EvaluationRun]) -> tuple[EvaluationRun, EvaluationRun]:
    a, b = made
    return get_evaluation_run(a.pk), get_evaluation_run(b.pk)


def address(a: EvaluationRun, b: EvaluationRun, text: str = "shoes", route: str = "side_by_side") -> str:
    return reverse(route, args=[a.pk, b.pk, a.run_queries.get(text=text).query.identity])


def page_of(visit: Client, url: str, **more: Any) -> str:
    response = visit.get(url, **more)
    assert response.status_code == 200, response.content
    return re.sub(r"\s+", " ", html.unescape(response.content.decode()))


def graded(of: Candidate, grade: int | None) -> dict[str, str]:
    return {"grades": json.dumps([{"candidate_pk": of.pk, "grade": grade, "saw_ai_grade": True}])}


def test_documents_are_marked_new_gone_and_moved(visit: Client, runs: Any) -> None:
    page = page_of(visit, address(*runs))
    assert re.findall(r'side-mark">([^<]+)<', page) == ["↓ to 2", "↑ to 1", "Gone", "↑ from 2", "↓ from 1", "New"]
    assert "Judge v1" in page
    assert 'rel="next"' in page or 'rel="prev"' in page


def test_fields_that_differ_between_the_runs_are_shown(visit: Client, runs: Any) -> None:
    a, b = runs
    of_b = candidate(b, "shoes", "d1")
    other = DocumentVersion.objects.create(
        document=of_b.document, title="Title", fields={"brand": "<b>Other</b>"}, content_hash="0" * 64
    )
    Candidate.objects.filter(pk=of_b.pk).update(document_version=other)
    assert "1 field differs" in page_of(visit, address(a, b))
    response = visit.get(address(a, b)).content.decode()
    assert "<b>Other</b>" not in response
    assert "&lt;b&gt;Other&lt;/b&gt;" in response


def test_a_grade_given_there_counts_and_both_lists_come_back(visit: Client, runs: Any, member: User) -> None:
    a, b = runs
    of_a, of_b = candidate(a, "shoes", "d2"), candidate(b, "shoes", "d2")
    response = visit.post(address(a, b, route="grade_side_by_side"), graded(of_b, 2), headers=HTMX)
    assert response.status_code == 200
    judgment = Judgment.objects.get(member=member)
    assert (judgment.grade, judgment.saw_ai_grade) == (2, True)
    body = response.content.decode()
    assert f'id="row-{of_a.pk}"' in body
    assert f'id="row-{of_b.pk}"' in body
    assert 'id="side-figures"' in body
    before = json.loads(response["HX-Trigger"])["releval:graded"]["before"]
    undo = f"{address(a, b, route='grade_side_by_side')}?undo=1"
    response = visit.post(undo, {"grades": json.dumps(before)}, headers=HTMX)
    assert not Judgment.objects.filter(member=member).exists()
    assert "releval:graded" not in response.get("HX-Trigger", "")


def test_a_candidate_of_another_query_or_a_locked_run_takes_no_grade(visit: Client, runs: Any, member: User) -> None:
    a, b = runs
    url = address(a, b, route="grade_side_by_side")
    assert visit.post(url, graded(candidate(b, "hats", "d5"), 1)).status_code == 404
    lock_run(run=b, actor=member)
    assert visit.post(url, graded(candidate(b, "shoes", "d9"), 1)).status_code == 409
    assert not Judgment.objects.filter(member=member).exists()


def test_without_scripts_a_grade_leads_back_to_the_page(visit: Client, runs: Any) -> None:
    response = visit.post(
        address(runs[0], runs[1], route="grade_side_by_side"), graded(candidate(runs[1], "shoes", "d9"), 1)
    )
    assert response.status_code == 302
    assert response["Location"].startswith(address(*runs))


def test_raters_and_unknown_queries_find_nothing(visit: Client, runs: Any) -> None:
    a, b = runs
    assert visit.get(reverse("side_by_side", args=[a.pk, b.pk, "nothing"])).status_code == 404
    assert browser_of(make_user(Role.RATER)).get(address(a, b)).status_code == 403


def test_the_page_takes_as_many_queries_for_long_lists_as_for_short_ones(
    visit: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    evaluation = make_evaluation()
    a, b = (make_run({"shoes": [f"d{n}" for n in range(60)]}, evaluation=evaluation) for _ in range(2))
    visit.get(address(a, b))
    with django_assert_max_num_queries(28):
        visit.get(address(a, b))


def test_the_button_judges_what_decides(visit: Client, runs: Any) -> None:
    a, b = runs
    judge = make_judge(name="Careful")
    compare = reverse("compare", args=[a.pk, b.pk])
    assert "Judge the 2 documents that decide it" in page_of(visit, compare)
    url = reverse("judge_deciding", args=[a.pk, b.pk])
    for _ in range(2):  # a double click
        assert visit.post(url, {"ai_judge_id": judge.pk, "k": 2, "key": "x"})["Location"] == compare
    assert sorted(JudgingRun.objects.values_list("total_count", flat=True)) == [1, 1]


def test_queries_are_searched_and_exported_from_the_page(visit: Client, runs: Any) -> None:
    compare = reverse("compare", args=[run.pk for run in runs])
    part = page_of(visit, f"{compare}?search=hat", headers={**HTMX, "HX-Target": "queries"})
    assert ">hats</a>" in part
    assert ">shoes</a>" not in part
    response = visit.get(f"{compare}?search=hat&file_format=csv")
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    assert len(text.splitlines()) == 2


def test_a_run_named_as_noise_is_told_on_the_page(visit: Client, runs: Any) -> None:
    a, b = runs
    again = make_run({"shoes": ["d2", "d3"]}, evaluation=a.evaluation, metrics=["P@2"], name="Again")
    ledger.refresh_run(again.pk)
    page = page_of(visit, f"{reverse('compare', args=[a.pk, b.pk])}?noise={again.pk}")
    assert "This difference is noise" in page
    assert "That is no run" in page_of(visit, f"{reverse('compare', args=[a.pk, b.pk])}?noise=x")
