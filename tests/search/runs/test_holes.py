"""How much of a run's top is unjudged: told when it ends, on its page and over REST, and judged with one click."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from rest_framework.test import APIClient

from judging.ledger import refresh_run
from judging.models import Candidate, EvaluationRun, Judgment, User
from tests.databases import Standing
from tests.factories import make_judge, make_user
from tests.search.runs.searching import engine, make_search_evaluation, reread, searched, start_run

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def made(standing: Standing) -> tuple[EvaluationRun, User]:
    """A run of three lists of five, measured by P@2, the first document of each judged; and by whom."""
    with standing(), engine() as server:
        member = make_user()
        run = searched(make_search_evaluation(server.url), member, metrics=["P@2", "NDCG@5"])
        judge_rank(run, 1, member)
    return run, member


@pytest.fixture
def run(db: None, made: tuple[EvaluationRun, User]) -> EvaluationRun:
    return reread(made[0])


@pytest.fixture
def member(db: None, made: tuple[EvaluationRun, User]) -> User:
    return User.objects.get(pk=made[1].pk)


def judge_rank(run: EvaluationRun, rank: int, member: User) -> None:
    common = {"corpus": run.evaluation.corpus, "scale": run.scale, "grade": 3}
    rows = Candidate.objects.filter(run=run, rank=rank)
    Judgment.objects.bulk_create(
        Judgment(query_id=row.query_id, document_id=row.document_id, author_kind="member", member=member, **common)
        for row in rows
    )
    refresh_run(run.pk)


@pytest.mark.on_both
def test_rest_tells_what_of_the_top_is_unjudged(run: EvaluationRun, as_member: APIClient) -> None:
    told = as_member.get(f"/api/v1/evaluations/runs/{run.pk}").json()["search"]["unjudged"]
    assert told == {"depth": 2, "count": 3, "total": 6}


def test_lists_of_runs_and_runs_under_way_tell_nothing(run: EvaluationRun, as_member: APIClient, member: User) -> None:
    (listed,) = as_member.get(f"/api/v1/evaluations/{run.evaluation_id}/runs").json()["results"]
    assert listed["search"]["unjudged"] is None
    queued = start_run(run.evaluation, member)
    assert as_member.get(f"/api/v1/evaluations/runs/{queued.pk}").json()["search"]["unjudged"] is None


def test_a_run_without_cut_off_is_looked_at_to_its_depth(run: EvaluationRun, as_member: APIClient) -> None:
    EvaluationRun.objects.filter(pk=run.pk).update(metrics=["MAP"])
    told = as_member.get(f"/api/v1/evaluations/runs/{run.pk}").json()["search"]["unjudged"]
    assert told == {"depth": 5, "count": 12, "total": 15}


def test_the_page_offers_to_judge_the_holes(run: EvaluationRun, client: Client, member: User) -> None:
    make_judge(owner=member)
    client.force_login(member)
    path = f"/evaluations/runs/{run.pk}"
    page = " ".join(client.get(path).content.decode().split())
    assert '<b class="tabular">3</b> of the 6 documents in the top 2 are unjudged' in page
    form = client.get(f"{path}?judge=1&scope=unjudged&depth=2").context["form"]
    assert (form["scope"].value(), form["depth"].value()) == ("unjudged", "2")


def test_without_holes_none_are_offered(run: EvaluationRun, client: Client, member: User) -> None:
    judge_rank(run, 2, member)
    client.force_login(member)
    page = client.get(f"/evaluations/runs/{run.pk}").content.decode()
    assert "Everything in the top 2 is judged" in page
    assert "Judge the holes" not in page


def test_the_command_tells_no_holes_of_a_run_under_way(run: EvaluationRun) -> None:
    evaluation, out = run.evaluation, StringIO()
    evaluation.default_metrics = ["P@5"]
    evaluation.save(update_fields=["default_metrics"])
    call_command("run_evaluation", str(evaluation.pk), "--json", stdout=out)
    assert json.loads(out.getvalue())["search"]["unjudged"] is None
