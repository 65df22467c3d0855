"""What breaks around a run in the middle of it: the provider, the database, the disk, the web server."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django_q.models import OrmQ

from judging.judging_runs.starting import start_judging_run
from judging.management.rescuing import rescue_all
from judging.models import EvaluationRun, JudgingRun, Lane, User
from judging.work.slices import work_slice
from judging.work.store import Store
from tests.factories import make_judge, make_provider, make_run, make_token
from tests.judging_runs.judging import Start, grades_of_record, in_background, reread, small_run, wait_until
from tests.ports import free_port
from tests.stub.fixtures import Stub, StubProcess
from tests.work.cluster import database_url

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]
breaks_a_file = pytest.mark.skipif(not settings.IS_SQLITE, reason="breaks an SQLite file")

_ROOT = Path(__file__).parents[3]


def judged(run: JudgingRun) -> int:
    return int(JudgingRun.objects.values_list("judged_count", flat=True).get(pk=run.pk))


def ended(run: JudgingRun) -> bool:
    return not JudgingRun.objects.get(pk=run.pk).is_active


def is_whole(run: JudgingRun, count: int) -> None:
    """Check that a run judged each of its candidates once."""
    run = reread(run)
    assert (run.status, run.judged_count, run.total_count) == ("completed", count, count)
    assert len(grades_of_record(run.evaluation_run)) == count


# The provider


def test_a_provider_that_is_killed_and_comes_back_costs_no_candidate(member: User) -> None:
    with StubProcess("--delay-ms", "50") as provider:
        judge = make_judge(make_provider(provider.base_url), max_concurrency=8)
        run = start_judging_run(evaluation_run=small_run(20, 15), judge=judge, actor=member)
        with in_background(work_slice, run.lanes.get().pk):
            wait_until(lambda: judged(run) > 60, 60)
            provider.kill()
            time.sleep(2)  # while nobody listens
            assert not ended(run)
            with StubProcess("--delay-ms", "50", "--port", str(provider.port)) as again:
                wait_until(lambda: ended(run), 60)
                asked = again.stats()["calls"]
    is_whole(run, 300)
    assert reread(run).failed_count == 0
    assert asked < 300 - 60, "what was judged before is not asked again"


def test_a_provider_that_stays_away_fails_the_run_and_says_so(
    start: Start, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judging.work.pacing.outage.OUTAGE_SECONDS", 2.0)
    monkeypatch.setattr("judging.work.pacing.outage._PAUSES", (0.2,))
    run = start(small_run(10, 10), max_concurrency=4)
    stub.script(after_calls=20, fault="reset")
    work_slice(run.lanes.get().pk)
    run = reread(run)
    assert (run.status, run.error_code, run.judged_count) == ("failed", "provider_outage", 20)
    assert run.failed_count + run.skipped_count == 80
    assert "every call failed" in run.error


# The database


@breaks_a_file
def test_a_database_locked_for_five_seconds_costs_no_outcome(start: Start, stub: Stub) -> None:
    stub.script(delay_ms=50)
    run = start(small_run(20, 15), max_concurrency=8)
    with in_background(work_slice, run.lanes.get().pk):
        wait_until(lambda: judged(run) > 40, 60)
        with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, timeout=60)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            before = judged(run)
            time.sleep(5)
            assert judged(run) == before
            writer.execute("ROLLBACK")
        wait_until(lambda: ended(run), 60)
    is_whole(run, 300)
    assert stub.calls == 300


@pytest.mark.on_both
def test_a_slice_that_cannot_write_gives_up_after_its_lease(
    start: Start, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judging.work.loop.LEASE_SECONDS", 1.0)
    run = start(small_run(10, 10), max_concurrency=4)
    stub.script(delay_ms=20)
    lane = run.lanes.get()
    OrmQ.objects.all().delete()
    is_full = threading.Event()

    def judge_on_a_full_disk() -> None:
        with pytest.raises(Exception, match="is full"):
            work_slice(lane.pk)

    write = Store._write

    def refuse(self: Store, batch: Any) -> Any:
        if is_full.is_set():
            raise sqlite3.OperationalError("database or disk is full")
        return write(self, batch)

    monkeypatch.setattr(Store, "_write", refuse)
    with in_background(judge_on_a_full_disk):
        wait_until(lambda: judged(run) > 10)
        is_full.set()
    is_full.clear()
    left = reread_claims(run)
    assert left, "what it held is still claimed: it could not even give it back"
    Lane.objects.filter(pk=lane.pk).update(lease_until=lane.enqueued_at)
    work_slice(lane.pk)
    is_whole(run, 100)


def reread_claims(run: JudgingRun) -> int:
    return run.items.filter(status="pending", claim_token__isnull=False).count()


# The web server


class Web:
    """One web server process on the test database."""

    def __init__(self, token: str) -> None:
        self.port = free_port()
        self._token = token
        options = ("--no-control-socket", f"--bind=127.0.0.1:{self.port}", "--workers=1", "--log-level=critical")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "releval.wsgi:application", *options],
            cwd=_ROOT,
            env={
                **os.environ,
                "DATABASE_URL": database_url(),
                "RELEVAL_DATA_DIR": str(settings.DATA_DIR),
                "RELEVAL_LOG_LEVEL": "CRITICAL",
            },
            start_new_session=True,
        )
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def is_ready(self) -> bool:
        try:
            return bool(self._opener.open(f"http://127.0.0.1:{self.port}/healthz", timeout=5).status == 200)
        except OSError:
            return False

    def post(self, path: str, body: dict[str, Any], **headers: str) -> int:
        """Return the status of the answer, 0 when none came."""
        sent = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json", **headers}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(), sent)
        try:
            return int(self._opener.open(request, timeout=60).status)
        except urllib.error.HTTPError as error:
            return error.code
        except (OSError, ValueError):
            return 0

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(60)


def check_all_or_nothing(evaluation_run: EvaluationRun) -> int:
    runs = list(JudgingRun.objects.filter(evaluation_run=evaluation_run))
    for run in runs:
        assert run.total_count == run.items.count() == 8_000
        assert run.lanes.count() == 4
    assert OrmQ.objects.count() == 4 * len(runs)
    return len(runs)


def test_a_web_server_killed_during_a_start_leaves_all_or_nothing(member: User, stub: Stub, client: Client) -> None:
    evaluation_run = make_run({f"query {q}": [f"d{c}" for c in range(50)] for q in range(160)})
    judge = make_judge(make_provider(stub.base_url), max_concurrency=128)
    path, body = f"/api/v1/evaluations/runs/{evaluation_run.pk}/ai-judge", {"ai_judge_id": str(judge.pk)}
    token = make_token(member)
    answers: list[int] = []
    for seconds in (0.02, 0.1):
        web = Web(token)
        try:
            wait_until(web.is_ready, 60)
            key = {"Idempotency-Key": "one"}
            request = threading.Thread(target=lambda web=web, key=key: answers.append(web.post(path, body, **key)))
            request.start()
            time.sleep(seconds)
        finally:
            web.kill()
        request.join(60)
        assert check_all_or_nothing(evaluation_run) <= 1
    # As any other web server goes on.
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "one"}
    assert client.post(path, body, content_type="application/json", headers=headers).status_code == 201
    assert 0 in answers, "none was killed before it had answered"
    assert check_all_or_nothing(evaluation_run) == 1
    assert rescue_all() == 0
