"""The Trust tab: figures with their intervals in words, and the reason where there are none."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from judging.models import EvaluationRun, User
from judging.trust import reports
from tests.factories import make_run
from tests.trust.graded import make_graded_run
from tests.trust.test_agreement import AI, PEOPLE
from tests.trust.test_reports import RATERS

pytestmark = pytest.mark.django_db


def page(client: Client, run: EvaluationRun, actor: User) -> str:
    client.force_login(actor)
    answer = client.get(reverse("run_trust", args=[run.pk]))
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def test_the_page_says_how_well_judge_and_people_agree(client: Client, member: User) -> None:
    run = make_graded_run(ai=AI, raters=RATERS)
    text = page(client, run, member)
    kappa = reports.compute_report(run)["agreement"]["kappa_quadratic"]
    assert f"<strong>{kappa['value']:.2f}</strong> (95 %: {kappa['low']:.2f} to {kappa['high']:.2f})" in text
    assert "one more person" in text
    assert "neither too generous nor too strict" in text or "grades too" in text


def test_a_cell_of_the_matrix_opens_its_rows_in_the_grid(client: Client, member: User) -> None:
    run = make_graded_run(ai=[[4, 0, 1]], raters={"ann": [[0, 0, None]]})
    text = page(client, run, member)
    (off, on) = re.findall(r'href="([^"]*review[^"]*ai_grade[^"]*)"', text)[::-1]
    for address, doc in ((off, "d1"), (on, "d2")):
        grid = client.get(address.replace("&amp;", "&")).content.decode()
        found = set(re.findall(r"Title of (d\d)", grid))
        assert found == {doc}


def test_without_people_the_page_says_so_and_shows_no_number(client: Client, member: User) -> None:
    text = page(client, make_graded_run(ai=AI), member)
    assert "Not to be said yet: Nobody has graded these documents yet." in text


def test_a_large_run_says_that_its_figures_are_on_their_way(
    client: Client, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "COMPUTED_AT_ONCE", 0)
    text = page(client, make_graded_run(ai=AI, raters={"ann": PEOPLE}), member)
    assert "Computing the figures" in text
    assert "hx-trigger" in text


def test_raters_see_neither_the_page_nor_its_tab(client: Client, rater: User) -> None:
    run = make_run()
    client.force_login(rater)
    assert client.get(reverse("run_trust", args=[run.pk])).status_code == 403
    assert (
        reverse("run_trust", args=[run.pk]) not in client.get(reverse("evaluation_run", args=[run.pk])).content.decode()
    )
