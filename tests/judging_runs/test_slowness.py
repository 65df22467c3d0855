"""Home, the sidebar, the page of an AI judging run and REST say what holds a run up, in the same words."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries
from rest_framework.test import APIClient

from judging.judging_runs.run_reads import judging_runs
from judging.judging_runs.slowness import with_slowness
from judging.judging_runs.starting import start_judging_run
from judging.models import JudgingRun, User, WorkerHeartbeat
from judging.work import lifecycle
from judging.work.slices import work_slice
from tests.factories import make_judge, make_run
from tests.judging_runs.judging import Start, in_background, small_run, wait_until
from tests.stub.fixtures import Stub

HTMX = {"HX-Request": "true"}
Told = Callable[[JudgingRun], dict[str, Any] | None]


@pytest.fixture
def told(member: User, as_member: APIClient) -> Told:
    """Return what REST says of a run, after checking that the three pages say the same, escaped."""
    client = Client()
    client.force_login(member, backend="django.contrib.auth.backends.ModelBackend")

    def read(run: JudgingRun) -> dict[str, Any] | None:
        said: dict[str, Any] | None = as_member.get(f"/api/v1/ai-judging-runs/{run.pk}").json()["slowed_by"]
        (listed,) = as_member.get(f"/api/v1/evaluations/runs/{run.evaluation_run_id}/ai-judging-runs").json()["results"]
        assert listed["slowed_by"] == said
        for path in (
            "/?part=under_way",
            f"/evaluations/runs/{run.evaluation_run_id}/ai-judging-runs",
            f"/ai-judging-runs/{run.pk}?part=live",
        ):
            page = client.get(path, headers=HTMX).content.decode()
            assert "<b>503</b>" not in page
            if said is None:
                assert "data-cause" not in page
            else:
                assert f'data-cause="{said["cause"]}"' in page
                assert said["message"].replace("<", "&lt;").replace(">", "&gt;") in page
        return said

    return read


@pytest.fixture
def run(member: User) -> JudgingRun:
    WorkerHeartbeat.objects.create(worker="w", seen_at=timezone.now())
    run = start_judging_run(evaluation_run=make_run(), judge=make_judge(), actor=member)
    lifecycle.start(run.kind, run.pk)
    return run


def test_a_run_that_nothing_holds_up_says_nothing(run: JudgingRun, told: Told) -> None:
    assert told(run) is None


@pytest.mark.parametrize(
    ("fields", "cause", "words"),
    [
        ({"throttle": "provider_limit"}, "provider_limit", "limits set on the AI provider"),
        ({"throttle": "rate_limited"}, "rate_limited", "429"),
        ({"last_success_at": timedelta(minutes=3)}, "provider_failing", "none was answered"),
        (
            {"max_total_tokens": 1000, "input_tokens": 900, "call_count": 9, "max_concurrency": 4},
            "token_budget",
            "900 of 1,000 tokens are spent",
        ),
        ({"status": "queued", "created_at": timedelta(minutes=3)}, "worker_busy", "busy with other work"),
    ],
)
def test_a_run_that_is_held_up_says_by_what_and_since_when(
    run: JudgingRun, told: Told, fields: dict[str, Any], cause: str, words: str
) -> None:
    since = timezone.now() - timedelta(minutes=3, seconds=5)
    ages = {name: since if isinstance(value, timedelta) else value for name, value in fields.items()}
    JudgingRun.objects.filter(pk=run.pk).update(throttle_changed_at=since, **ages)
    said = told(run)
    assert said is not None
    assert said["cause"] == cause
    assert words in said["message"]
    assert (said["since"] is None) == (cause == "token_budget")


def test_a_run_that_has_ended_says_nothing(run: JudgingRun, told: Told) -> None:
    JudgingRun.objects.filter(pk=run.pk).update(throttle="rate_limited", throttle_changed_at=timezone.now())
    lifecycle.cancel(run.kind, run.pk)
    assert told(run) is None


def test_a_run_without_any_worker_says_so_before_all_else(run: JudgingRun, told: Told) -> None:
    WorkerHeartbeat.objects.all().delete()
    JudgingRun.objects.filter(pk=run.pk).update(throttle="rate_limited")
    said = told(run)
    assert said is not None
    assert said["cause"] == "no_worker"


def test_a_provider_that_fails_is_quoted_with_its_last_error(
    start: Start, stub: Stub, told: Told, transactional_db: None
) -> None:
    WorkerHeartbeat.objects.create(worker="w", seen_at=timezone.now())
    stub.script(custom={"down": {"status": 503, "body": '{"error": {"message": "<b>503</b> down"}}'}}, fault="down")
    run = start(small_run(1, 4), max_concurrency=1, max_retries=8)
    with in_background(work_slice, run.lanes.get().pk):
        wait_until(lambda: JudgingRun.objects.get(pk=run.pk).call_count > 0)
        JudgingRun.objects.filter(pk=run.pk).update(started_at=timezone.now() - timedelta(seconds=30))
        said = told(run)
        lifecycle.cancel(run.kind, run.pk)
    assert said is not None
    assert said["cause"] == "provider_failing"
    assert "503" in said["message"]


def test_the_read_costs_the_same_for_many_runs(
    run: JudgingRun, member: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(4):
        start_judging_run(evaluation_run=run.evaluation_run, judge=make_judge(), actor=member)
    JudgingRun.objects.update(status="running", started_at=timezone.now() - timedelta(minutes=2))
    for most in (1, 5):
        runs = list(judging_runs()[:most])
        with django_assert_num_queries(2):
            with_slowness(runs)
        assert all(each.slowness is not None for each in runs)
