"""The first page, and the watch over one's runs that every page keeps."""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from judging.judging_runs.starting import start_judging_run
from judging.models import EvaluationRun, JudgingRun, JudgingRunStatus, User, WorkerHeartbeat
from tests.factories import make_judge, make_run, make_user

HTMX = {"HX-Request": "true"}


@pytest.fixture
def visit(member: User) -> Client:
    client = Client()
    client.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    return client


def start(user: User, **fields: Any) -> JudgingRun:
    return start_judging_run(evaluation_run=make_run(**fields), judge=make_judge(name="Careful"), actor=user)


def end(run: JudgingRun, status: str, **fields: Any) -> None:
    JudgingRun.objects.filter(pk=run.pk).update(status=status, **fields)


def toasts(response: Any) -> list[dict[str, str]]:
    found: list[dict[str, str]] = (
        json.loads(response.headers.get("HX-Trigger", "{}")).get("releval:toasts", {}).get("toasts", [])
    )
    return found


def test_an_empty_installation_shows_the_first_steps(visit: Client) -> None:
    page = visit.get("/").content.decode()
    assert "Bring ranked results" in page
    assert 'href=""' not in page


def test_a_run_shows_its_first_ndcg_with_coverage(visit: Client) -> None:
    make_run(name="bm25", metrics=["P@10", "NDCG@10"])
    EvaluationRun.objects.update(
        judged_count=1, metric_values={"P@10": 0.1, "NDCG@10": 0.61372}, coverage_values={"NDCG@10": 0.999}
    )
    page = visit.get("/").content.decode()
    assert "0.6137" in page
    assert "NDCG@10 · &gt;99 % judged" in page
    assert "20 %" in page


def test_a_long_list_costs_no_query_per_row(
    visit: Client, member: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        start(member)
    visit.get("/")
    with django_assert_max_num_queries(8):
        visit.get("/")
    for _ in range(4):
        start(member)
    visit.get("/")
    with django_assert_max_num_queries(8):
        visit.get("/")


def test_what_is_under_way_polls_and_the_last_answer_does_not(visit: Client, member: User) -> None:
    run = start(member)
    page = visit.get("/?part=under_way", headers=HTMX).content.decode()
    assert 'hx-trigger="every 1s"' in page
    assert "<html" not in page
    end(run, JudgingRunStatus.CANCELLED, skipped_count=5)
    response = visit.get(f"/?part=under_way&known={run.pk}", headers=HTMX)
    assert "hx-get" not in response.content.decode()
    assert "releval:run-ended" in response["HX-Trigger-After-Settle"]


@pytest.mark.parametrize(
    ("status", "fields", "level", "words"),
    [
        ("completed", {"judged_count": 5}, "success", "is completed: 5 of 5 judged, 0 failed."),
        ("completed", {"judged_count": 4, "failed_count": 1}, "warning", "is completed: 4 of 5 judged, 1 failed."),
        ("failed", {"error": "No quota <left>.", "skipped_count": 5}, "error", "failed: No quota &lt;left&gt;."),
        ("cancelled", {"skipped_count": 5}, "info", "was cancelled: 0 of 5 judged"),
    ],
)
def test_the_end_of_ones_run_is_told_once(
    visit: Client, member: User, status: str, fields: dict[str, Any], level: str, words: str
) -> None:
    run = start(member, name="bm25")
    assert "every 2s" in visit.get("/account").content.decode()
    assert toasts(visit.get("/watch", headers=HTMX)) == []
    end(run, status, **fields)
    response = visit.get("/watch", headers=HTMX)
    (told,) = toasts(response)
    assert told["level"] == level
    assert words in told["html"]
    assert "every 2s" not in response.content.decode()
    assert toasts(visit.get("/watch", headers=HTMX)) == []


def test_an_end_between_two_pages_is_told_on_the_next_one(visit: Client, member: User) -> None:
    run = start(member, name="bm25")
    visit.get("/account")
    end(run, JudgingRunStatus.COMPLETED, judged_count=5)
    assert "bm25 is completed" in visit.get("/").content.decode()
    assert "bm25 is completed" not in visit.get("/").content.decode()


def test_runs_of_others_are_neither_watched_nor_announced(visit: Client) -> None:
    run = start(make_user())
    assert "every 2s" not in visit.get("/account").content.decode()
    end(run, JudgingRunStatus.COMPLETED, judged_count=5)
    assert toasts(visit.get("/watch", headers=HTMX)) == []


def test_a_missing_worker_is_told_while_work_waits(visit: Client, member: User) -> None:
    assert "No worker is running" not in visit.get("/account").content.decode()
    start(member)
    assert "No worker is running" in visit.get("/account").content.decode()
    WorkerHeartbeat.objects.create(worker="w", seen_at=timezone.now())
    assert "No worker is running" not in visit.get("/account").content.decode()


def test_a_page_number_that_cant_be_read_is_the_first(visit: Client) -> None:
    make_run(name="bm25")
    for page in ("0", "-1", "x", "²", "999999999999"):
        assert "bm25" in visit.get("/", {"page": page}).content.decode()


def test_mine_shows_what_i_started_and_goes_on_showing_that(visit: Client, member: User) -> None:
    mine, theirs = start(member, name="my run"), start(make_user(), name="their run")
    EvaluationRun.objects.filter(pk=mine.evaluation_run_id).update(created_by=member)
    both = visit.get("/").content.decode()
    page = visit.get("/?mine=1").content.decode()
    for name in (f"/ai-judging-runs/{theirs.pk}", f"/evaluations/runs/{theirs.evaluation_run_id}"):
        assert name in both
        assert name not in page
    for path in ("part=under_way&amp;mine=1", "part=runs&amp;mine=1", f"/ai-judging-runs/{mine.pk}"):
        assert path in page
    EvaluationRun.objects.update(created_by=None)
    assert "No run of yours" in visit.get("/?mine=1").content.decode()
