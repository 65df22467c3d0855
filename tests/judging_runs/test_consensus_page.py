"""The page that reads several judges of a run as one."""

import pytest
from django.test import Client
from django.urls import reverse

from judging.models import EvaluationRun, JudgingRun, User
from tests.factories import make_judge, make_run
from tests.markup import one_line
from tests.trust.graded import make_graded_run
from tests.trust.judged import make_judged_run
from tests.trust.test_agreement import AI, PEOPLE, some_grades

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit(client: Client, member: User) -> Client:
    client.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def judged() -> tuple[EvaluationRun, list[JudgingRun]]:
    run = make_graded_run(raters={"ann": PEOPLE}, name="bm25")
    grades = {"Careful": AI, "Bold": some_grades(3, like=PEOPLE), "<b>Wild</b>": some_grades(4, like=PEOPLE)}
    return run, [make_judged_run(run, rows, judge=make_judge(name=name)) for name, rows in grades.items()]


def page_of(client: Client, run: EvaluationRun, judges: list[str], **given: str) -> str:
    response = client.get(reverse("run_consensus", args=[run.pk]), {"judge": judges, **given})
    assert response.status_code == 200, response.content
    return one_line(response.content.decode())


def test_each_judge_and_each_pair_stands_beside_the_consensus(
    visit: Client, judged: tuple[EvaluationRun, list[JudgingRun]]
) -> None:
    run, judges = judged
    names = [f"judging_run:{judge.pk}" for judge in judges]
    page = page_of(visit, run, names)
    assert page.count('scope="row"') == 4
    assert "Their median" in page
    assert page.count('<td class="cell-wrap">') == 2 * 3
    assert "accurate" not in page
    assert "&lt;b&gt;Wild&lt;/b&gt; v1" in page
    assert "<b>Wild" not in page
    assert "Their majority" in page_of(visit, run, names, method="majority")


def test_its_links_lead_to_what_it_changes(visit: Client, judged: tuple[EvaluationRun, list[JudgingRun]]) -> None:
    run, judges = judged
    names = [f"judge_version:{judges[0].judge_version_id}", f"judging_run:{judges[1].pk}"]
    response = visit.get(reverse("run_consensus", args=[run.pk]), {"judge": names, "method": "majority"})
    for _, url in response.context["comparisons"]:
        page = visit.get(url).content.decode()
        assert "What changed" in page
        assert "Majority of Careful v1 and Bold v1" in page


def test_what_is_no_consensus_is_said_and_the_judges_stay_ticked(
    visit: Client, judged: tuple[EvaluationRun, list[JudgingRun]]
) -> None:
    run, judges = judged
    page = page_of(visit, run, [f"judging_run:{judges[0].pk}"])
    assert "A consensus is of 2 to 10 judges" in page
    assert page.count(" checked>") == 2  # the judge and the method
    assert "is neither an AI judging run nor a judge version" in page_of(visit, run, ["people", "<i>"])


def test_a_run_without_judges_says_what_to_do(visit: Client) -> None:
    assert "No judge has graded this run" in page_of(visit, make_run({"a": ["d1"]}), [])
