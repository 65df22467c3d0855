"""The page that compares runs: what it says in words, where it links, and what it says when it can't."""

import html
import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from judging.models import EvaluationRun, Role, User
from judging.statistics.figures import Figure
from judging.trust.comparisons.run_comparison import PeoplesDifference, compare_runs
from judging.web.trust.difference_words import metric_rows
from tests.factories import make_run, make_user
from tests.security.installation import browser_of
from tests.trust.compared import make_scored_run, some_values
from tests.trust.graded import make_graded_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit(member: User) -> Client:
    return browser_of(member)


def address(*runs: EvaluationRun) -> str:
    a, b, *further = runs
    path = reverse("compare", args=[a.pk, b.pk])
    return f"{path}?with={','.join(str(run.pk) for run in further)}" if further else path


def page_of(visit: Client, url: str, *, status: int = 200) -> str:
    response = visit.get(url)
    assert response.status_code == status
    return re.sub(r"\s+", " ", html.unescape(response.content.decode()))


def runs_apart(shift: float = 0.08, count: int = 30) -> tuple[EvaluationRun, EvaluationRun]:
    a = make_scored_run({"P@10": some_values(count, seed=1), "MAP": some_values(count, seed=3)}, name="Old")
    values = {"P@10": some_values(count, seed=2, shift=shift), "MAP": some_values(count, seed=3)}
    return a, make_scored_run(values, corpus=a.evaluation.corpus, name="New")


def test_the_verdict_is_a_sentence_with_its_interval(visit: Client) -> None:
    page = page_of(visit, address(*runs_apart()))
    assert "Is New better than Old?" in page
    assert "New is better" in page
    assert re.search(r"On queries like these by 0\.\d{3} to 0\.\d{3}\.", page)
    assert re.search(r"With these 30 queries a difference below 0\.\d+ would often go unseen\.", page)
    assert re.search(r'aria-label="Difference \+0\.\d{3}, from \+0\.\d{3} to \+0\.\d{3}"', page)
    assert "if the AI's grades were people's" not in page


def test_no_difference_is_said_with_how_far_it_may_reach(visit: Client) -> None:
    page = page_of(visit, address(*runs_apart(shift=0)))
    assert "No difference seen" in page
    assert re.search(r"it may lie anywhere from −0\.\d{3} to \+0\.\d{3}", page)
    # MAP is the same throughout.
    assert "The same on every query" in page
    assert "No difference on any of 30 queries." in page


def test_grades_of_the_ai_put_a_condition_on_it(visit: Client) -> None:
    a = make_graded_run(ai=[[1, 2]] * 12, name="Old")
    page = page_of(visit, address(a, make_graded_run(corpus=a.evaluation.corpus, raters={"ann": [[1]]}, name="New")))
    assert "If the AI's grades were people's." in page
    assert f'href="{reverse("trust_how")}#comparisons"' in page


def test_few_queries_are_counted_and_refused_in_words(visit: Client) -> None:
    page = page_of(visit, address(*runs_apart(count=8)))
    assert "Can't tell" in page
    assert "An interval of so few queries would mislead" in page


def test_queries_are_listed_from_the_largest_difference_with_links_to_both_grids(visit: Client) -> None:
    a, b = runs_apart(count=60)
    page = page_of(visit, address(a, b))
    changes = [float(text.replace("−", "-")) for text in re.findall(r">([+−]\d\.\d{4})</span", page)]
    assert len(changes) == 25
    assert changes == sorted(changes, key=abs, reverse=True)
    row = a.run_queries.first()
    assert row is not None
    other = b.run_queries.get(query=row.query)
    everything = page + page_of(visit, f"{address(a, b)}?page=2") + page_of(visit, f"{address(a, b)}?page=3")
    assert f"{reverse('review_grid', args=[a.pk])}?query_id={row.pk}" in everything
    assert f"{reverse('review_grid', args=[b.pk])}?query_id={other.pk}" in everything


def test_queries_can_be_sorted_and_renewed_alone(visit: Client) -> None:
    a, b = runs_apart(count=60)
    headers = {"HX-Request": "true", "HX-Target": "queries"}
    part = visit.get(f"{address(a, b)}?ordering=delta&metric=P@10", headers=headers).content.decode()
    assert part.strip().startswith("<section")
    changes = [float(text.replace("−", "-")) for text in re.findall(r">([+−]\d\.\d{4})</span", part)]
    assert changes == sorted(changes)
    assert "with=" not in part


def test_several_runs_are_shown_pair_by_pair(visit: Client) -> None:
    a, b = runs_apart()
    c = make_scored_run({"P@10": some_values(seed=5)}, corpus=a.evaluation.corpus, name="Third")
    page = page_of(visit, address(a, b, c))
    assert "Compare 3 runs" in page
    for pair in ("Old → New", "Old → Third", "New → Third"):
        assert pair in page
    assert "All pairs" in page
    assert "with=" in page
    assert "Old → Third" not in page_of(visit, f"{address(a, b, c)}&metric=MAP")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"scale": "binary"}, "graded on different scales"),
        ({"relevant_from": 2}, "Relevant begins at 1"),
        ({"status": "pending"}, "is pending"),
    ],
)
def test_what_can_t_be_compared_is_said_with_the_reason(visit: Client, fields: dict[str, Any], reason: str) -> None:
    a = make_scored_run({"P@10": some_values()}, name="Old")
    b = make_scored_run({"P@10": some_values()}, corpus=a.evaluation.corpus, name="New", **fields)
    page = page_of(visit, address(a, b), status=409)
    assert "These can't be compared" in page
    assert reason in page


def test_runs_without_a_common_metric_or_query_have_an_empty_page(visit: Client) -> None:
    a = make_scored_run({"P@10": some_values()})
    assert "No metric in common" in page_of(
        visit, address(a, make_scored_run({"RBP": some_values()}, corpus=a.evaluation.corpus))
    )
    far = make_scored_run({"P@10": some_values()}, corpus=a.evaluation.corpus, first=100)
    assert "No query is scored in both" in page_of(visit, address(a, far))


def test_unknown_runs_are_not_found_and_bad_addresses_refused(visit: Client) -> None:
    run = make_run()
    assert visit.get(reverse("compare", args=[run.pk, uuid4()])).status_code == 404
    assert visit.get(f"{address(run, run)}?with=nonsense").status_code == 400


def test_ticked_runs_are_compared_from_the_oldest_on(visit: Client) -> None:
    a, b = runs_apart()
    chosen = reverse("compare_chosen", args=[a.evaluation_id])
    assert visit.get(f"{chosen}?ticked=1&run={b.pk}&run={a.pk}")["Location"] == address(a, b)
    assert visit.get(f"{chosen}?run={b.pk}&run={a.pk}")["Location"] == address(b, a)
    alone = visit.get(f"{chosen}?ticked=1&run={b.pk}&run=nonsense", follow=True)
    assert "Tick two runs or more" in alone.content.decode()


def test_the_pages_of_an_evaluation_and_a_run_lead_there(visit: Client) -> None:
    a, b = runs_apart()
    EvaluationRun.objects.filter(pk=b.pk).update(evaluation=a.evaluation, engine_model="e5-large")
    page = page_of(visit, reverse("evaluation", args=[a.evaluation_id]))
    assert f'action="{reverse("compare_chosen", args=[a.evaluation_id])}"' in page
    assert len(re.findall(r'type="checkbox" name="run"', page)) == 2
    page = page_of(visit, reverse("evaluation_run", args=[b.pk]))
    assert f'href="{address(a, b)}"' in page
    assert "ranked with e5-large" in page


def test_raters_see_no_comparison() -> None:
    a, b = runs_apart()
    rater = browser_of(make_user(Role.RATER))
    assert rater.get(address(a, b)).status_code == 403
    assert rater.get(reverse("trust_how")).status_code == 403


def test_names_are_escaped(visit: Client) -> None:
    a, b = runs_apart()
    EvaluationRun.objects.all().update(name="<script>alert(1)</script>")
    assert "<script>alert" not in visit.get(address(a, b)).content.decode()


def test_people_s_difference_and_its_picture_stand_beside_the_ai_s() -> None:
    a, b = runs_apart(shift=0)
    figure = Figure(0.05, 0.04, 0.06, 0.01, 0.09, "difference_by_document", 30, 200)
    found = compare_runs([a, b], people={"P@10": PeoplesDifference(figure, 0.045)})
    row, other = metric_rows(found.pair.metrics, names=["New", "New"], has_ai_grades=True, people=found.people)
    assert row.headline == "No difference seen if the AI's grades were people's"
    assert row.people_headline == "People would say: New is better"
    assert row.people_bar is not None
    # The whole interval lies right of zero, which is in the middle.
    assert row.people_bar.x > 80
    assert other.people_bar is None


def test_the_page_takes_as_many_queries_for_long_runs_as_for_short_ones(
    visit: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    url = address(*runs_apart(count=60))
    visit.get(url)
    with django_assert_max_num_queries(22):
        visit.get(url)
