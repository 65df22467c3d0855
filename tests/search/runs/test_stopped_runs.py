"""What can be done with a run that was stopped halfway, and with one that failed."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from judging.foundation.clock import shared_now
from judging.foundation.errors import Conflict
from judging.judging_runs.starting import start_judging_run
from judging.models import Candidate, EvaluationRun, Judgment, RunQuery, SearchItem, SearchRun, SearchStatus, User
from judging.search.runs.starting import stop_search_run
from judging.work.slices import work_slice
from judging.work.words import Turn
from tests.databases import Standing
from tests.draining import drain
from tests.factories import make_judge, make_user
from tests.rest_clients import assert_problem
from tests.search.runs.searching import counts, engine, make_search_evaluation, reread, search_of, start_run

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def made(standing: Standing) -> EvaluationRun:
    """A run that was stopped halfway: its first two queries have their lists, the others are skipped."""
    with standing(), engine() as server:
        member = make_user()
        run = start_run(make_search_evaluation(server.url), member)
        later = SearchItem.objects.filter(search_run_id=run.pk, run_query__position__gt=2)
        later.update(not_before=timezone.now() + timedelta(hours=1))
        work_slice(search_of(run).lanes.get().pk, turn=Turn(shared=0.0, longest=0.0))
        stop_search_run(run=run, actor=member)
        drain()
        assert (reread(run).status, counts(run)) == ("cancelled", {"answered": 2, "skipped": 2})
    return run


@pytest.fixture
def stopped(db: None, made: EvaluationRun) -> EvaluationRun:
    return reread(made)


def first_of(run: EvaluationRun) -> Candidate:
    return Candidate.objects.filter(run=run).select_related("document").earliest("position", "rank")


def graded(run: EvaluationRun) -> dict[str, object]:
    row = first_of(run)
    judgment = {"candidate_id": row.document.external_id, "grade": 3}
    return {"queries": [{"query_id": str(row.run_query_id), "judgments": [judgment]}]}


def test_people_grade_a_stopped_run_over_rest(stopped: EvaluationRun, as_member: APIClient) -> None:
    assert as_member.post("/api/v1/judgments", graded(stopped)).status_code == 200
    run = reread(stopped)
    assert (run.judged_count, run.scored_query_count, run.metric_values) == (1, 1, {"P@5": 0.2})


@pytest.mark.on_both
def test_a_stopped_run_s_means_leave_skipped_queries_out(
    stopped: EvaluationRun, as_member: APIClient, member: User
) -> None:
    skipped = RunQuery.objects.filter(run=stopped, search__status=SearchStatus.SKIPPED).latest("position")
    known = {"query": skipped.query, "document": first_of(stopped).document, "corpus": stopped.evaluation.corpus}
    Judgment.objects.create(**known, scale=stopped.scale, grade=3, author_kind="member", member=member)
    as_member.post("/api/v1/judgments", graded(stopped))
    assert not RunQuery.objects.get(pk=skipped.pk).is_scored
    assert reread(stopped).scored_query_count == 1


def test_people_grade_a_stopped_run_on_its_pages(stopped: EvaluationRun, client: Client, member: User) -> None:
    client.force_login(member)
    page = client.get(f"/evaluations/runs/{stopped.pk}").content.decode()
    assert f"/evaluations/runs/{stopped.pk}/evaluate" in page
    assert "data-open" in client.get(f"/evaluations/runs/{stopped.pk}/review").content.decode()
    path = f"/evaluations/runs/{stopped.pk}/evaluate"
    assert "It can be judged once" not in client.get(path).content.decode()
    client.post(path, {"candidate": first_of(stopped).pk, "grade": "3"})
    assert reread(stopped).judged_count == 1


def test_a_stopped_run_is_neither_judged_by_ai_nor_locked(
    stopped: EvaluationRun, as_member: APIClient, member: User
) -> None:
    with pytest.raises(Conflict) as refused:
        start_judging_run(evaluation_run=stopped, judge=make_judge(), actor=member)
    assert refused.value.code == "run_not_completed"
    assert_problem(as_member.post(f"/api/v1/evaluations/runs/{stopped.pk}/lock"), 409, "run_not_completed")


def test_a_failed_run_is_read_only(stopped: EvaluationRun, as_member: APIClient, client: Client, member: User) -> None:
    SearchRun.objects.filter(pk=stopped.pk).update(status="failed")
    EvaluationRun.objects.filter(pk=stopped.pk).update(status="failed")
    assert_problem(as_member.post("/api/v1/judgments", graded(stopped)), 409, "run_not_completed")
    client.force_login(member)
    assert "data-open" not in client.get(f"/evaluations/runs/{stopped.pk}/review").content.decode()
    assert f"/evaluations/runs/{stopped.pk}/review" in client.get(f"/evaluations/runs/{stopped.pk}").content.decode()


def test_a_stopped_run_s_page_goes_on_until_its_worker_lets_go(
    stopped: EvaluationRun, client: Client, member: User
) -> None:
    path = f"/evaluations/runs/{stopped.pk}/search"
    client.force_login(member)
    assert client.get(path, headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    # A worker holds one of its searches still.
    SearchItem.objects.filter(pk=stopped.run_queries.latest("position").search.pk).update(status=SearchStatus.PENDING)
    SearchRun.objects.filter(pk=stopped.pk).update(skipped_count=1)
    search_of(stopped).lanes.update(lease_token=uuid4(), lease_until=shared_now() + timedelta(minutes=1))
    answer = client.get(path, headers={"HX-Request": "true"})
    assert "HX-Refresh" not in answer
    assert "data-live" in answer.content.decode()
    assert "Ask the rest again" in answer.content.decode()
