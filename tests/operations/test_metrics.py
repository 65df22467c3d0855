"""`/metrics`: what it counts, in a format that Prometheus reads, and for whom."""

import re
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings
from django.db import DatabaseError, connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from judging.judging_runs.starting import start_judging_run
from judging.models import Call, EvaluationRunStatus, JudgingRun, Lane, Role, User, WorkerHeartbeat
from judging.work import queue
from tests.factories import make_judge, make_run, make_token, make_user

_SAMPLE = re.compile(r'([a-z_]+)(?:\{([a-z_]+="[^"\n]*"(?:,[a-z_]+="[^"\n]*")*)\})? (-?[0-9.]+)')


def read(text: str) -> dict[str, float]:
    """Read the exposition as a scraper would: a HELP and a TYPE line before the samples of each name."""
    values: dict[str, float] = {}
    described: set[str] = set()
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# "):
            described.add(line.split()[2])
            continue
        sample = _SAMPLE.fullmatch(line)
        assert sample is not None, line
        assert sample[1] in described
        key = f"{sample[1]}{{{sample[2]}}}" if sample[2] else sample[1]
        assert key not in values
        values[key] = float(sample[3])
    return values


@pytest.mark.on_both
def test_it_counts_runs_items_calls_tokens_tasks_and_workers(client: Client, member: User) -> None:
    run = make_run()
    make_run(status=EvaluationRunStatus.RUNNING, created_at=timezone.now() - timedelta(hours=3))
    started = start_judging_run(evaluation_run=run, judge=make_judge(owner=member), actor=member)
    JudgingRun.objects.filter(pk=started.pk).update(judged_count=2, failed_count=1, input_tokens=70, call_count=4)
    now = timezone.now()
    for code, hours in (("timeout", 2), ("timeout", 0.5), ("timeout", 0), ("", 0)):
        Call.objects.create(prompt_hash="x", error_code=code, created_at=now - timedelta(hours=hours))
    WorkerHeartbeat.objects.create(worker="a:1", seen_at=now)
    WorkerHeartbeat.objects.create(worker="b:2", seen_at=now - timedelta(minutes=2))
    Lane.objects.update(enqueued_at=now - timedelta(minutes=10))

    answer = client.get("/metrics")
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    values = read(answer.content.decode())
    expected = {
        "releval_database_up": 1,
        'releval_evaluation_runs{status="completed"}': 1,
        'releval_evaluation_runs{status="running"}': 1,
        'releval_evaluation_runs{status="failed"}': 0,
        'releval_judging_runs{status="queued"}': 1,
        'releval_judging_items{outcome="judged"}': 2,
        'releval_judging_items{outcome="pending"}': 2,
        'releval_calls{kind="judging"}': 4,
        'releval_tokens{kind="judging",direction="input"}': 70,
        'releval_calls_last_hour{error_code="none"}': 1,
        'releval_calls_last_hour{error_code="timeout"}': 2,
        "releval_queue_waiting_tasks": queue.waiting_tasks(),
        "releval_workers": 1,
        "releval_stalled_lanes": 1,
        "releval_interrupted_imports": 1,
    }
    assert {name: values[name] for name in expected} == expected
    assert values["releval_queue_oldest_seconds"] >= 0


@pytest.mark.on_both
@pytest.mark.django_db
def test_its_cost_does_not_grow_with_what_is_there(client: Client, member: User) -> None:
    def query_count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/metrics").status_code == 200
        return len(queries)

    client.get("/metrics")
    before = query_count()
    for _ in range(5):
        start_judging_run(evaluation_run=make_run(), judge=make_judge(owner=member), actor=member)
    assert query_count() == before


@pytest.mark.django_db
def test_it_is_for_this_machine_and_for_admins_with_a_token(client: Client) -> None:
    def status(token: str = "", **extra: Any) -> int:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return client.get("/metrics", headers=headers, **extra).status_code

    admin, member = make_token(make_user(Role.ADMIN)), make_token(make_user(Role.MEMBER))
    far = {"REMOTE_ADDR": "192.0.2.1"}
    assert status() == 200
    assert status(REMOTE_ADDR="::1") == 200
    assert status(**far) == 401
    assert status(REMOTE_ADDR="") == 401
    # Behind a proxy on this machine, the client is elsewhere.
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via", "X-Forwarded-Host", "X-Forwarded-Proto"):
        assert client.get("/metrics", headers={header: "192.0.2.1"}).status_code == 401, header
    with override_settings(REST_FRAMEWORK={**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}):
        assert status() == 401
        assert status(admin) == 200
    assert status(member, **far) == 403
    assert status("wrong", **far) == 401
    assert status(admin, **far) == 200
    assert client.post("/metrics").status_code == 405


@pytest.mark.on_both
@pytest.mark.django_db
def test_a_database_that_is_away_is_a_value_and_no_error(client: Client) -> None:
    with patch("judging.operations.totals.counts_by_status", side_effect=DatabaseError("secret address")):
        answer = client.get("/metrics")
    assert answer.status_code == 200
    assert read(answer.content.decode()) == {"releval_database_up": 0}
