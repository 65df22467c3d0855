"""What a run shows that has been searched: its lists, its searches and their evidence."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from judging.models import Candidate, EvaluationRun, RunQuery, SearchExchange, SearchItem, User
from judging.runs.evaluations import delete_run
from tests.databases import Standing
from tests.factories import make_user
from tests.rest_clients import assert_problem
from tests.search.runs.searching import counts, engine, make_search_evaluation, reread, searched

pytestmark = [pytest.mark.django_db, pytest.mark.on_both]


@pytest.fixture(scope="module")
def made(standing: Standing) -> tuple[EvaluationRun, int]:
    """A run, and how many requests the engine got for it."""
    with standing(), engine() as server:
        run = searched(make_search_evaluation(server.url), make_user())
        return run, len(server.requests)


@pytest.fixture
def run(db: None, made: tuple[EvaluationRun, int]) -> EvaluationRun:
    return reread(made[0])


def test_each_query_becomes_a_ranked_list(run: EvaluationRun, made: tuple[EvaluationRun, int]) -> None:
    assert (run.status, run.query_count, run.depth) == ("completed", 4, 5)
    assert counts(run) == {"answered": 3, "empty": 1}
    red = Candidate.objects.filter(run=run, run_query__text="red shoes").order_by("rank")
    assert [each.rank for each in red] == [1, 2, 3, 4, 5]
    assert red[0].document.external_id.startswith("red-shoes")
    assert red[0].document_version.title == "red shoes"
    assert run.candidate_count == Candidate.objects.filter(run=run).count()
    assert RunQuery.objects.get(run=run, text="red shoes").candidate_count == 5
    assert made[1] == 4, "each query is asked once"


def test_an_ended_run_is_deleted_with_its_evidence(run: EvaluationRun, member: User) -> None:
    delete_run(actor=member, run=run)
    assert not SearchExchange.objects.exists()
    assert not SearchItem.objects.exists()


def test_evidence_shows_the_exchange_and_a_curl_line(run: EvaluationRun, as_member: APIClient) -> None:
    query = RunQuery.objects.get(run=run, text="red shoes")
    evidence = as_member.get(f"/api/v1/evaluations/runs/{run.pk}/searches/{query.pk}/exchange").json()
    (exchange,) = evidence["exchanges"]
    assert '"red shoes"' in exchange["request"]["body"]
    assert (exchange["status"], exchange["page"]) == (200, 1)
    assert "red-shoes" in exchange["body"]
    assert evidence["curl"].startswith("curl ")


def test_searches_are_listed_by_status(run: EvaluationRun, as_member: APIClient) -> None:
    path = f"/api/v1/evaluations/runs/{run.pk}/searches"
    assert [row["query"] for row in as_member.get(f"{path}?status=empty").json()["results"]] == ["nothing of the kind"]
    assert_problem(as_member.get(f"{path}?status=odd"), 400, "invalid")


def test_raters_see_nothing_of_the_endpoint(
    run: EvaluationRun, as_rater: APIClient, rater: User, client: Client
) -> None:
    assert as_rater.get(f"/api/v1/evaluations/runs/{run.pk}").json()["search"] is None
    client.force_login(rater)
    page = client.get(f"/evaluations/runs/{run.pk}").content.decode()
    assert run.evaluation.endpoint.url not in page


def test_lists_of_searches_take_no_query_per_row(
    run: EvaluationRun, as_member: APIClient, django_assert_max_num_queries: Any
) -> None:
    path = f"/api/v1/evaluations/runs/{run.pk}/searches"
    with CaptureQueriesContext(connection) as one:
        assert len(as_member.get(f"{path}?page_size=1").json()["results"]) == 1
    with django_assert_max_num_queries(len(one)):
        assert len(as_member.get(path).json()["results"]) == 4
