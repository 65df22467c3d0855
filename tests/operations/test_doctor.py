"""What the doctor finds, one illness at a time."""

import json
import stat
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test import override_settings
from django.utils import timezone

from judging.judging_runs.starting import start_judging_run
from judging.models import AIProvider, EvaluationRunStatus, Lane, Role, User, WorkerHeartbeat
from tests.factories import make_judge, make_provider, make_run, make_user
from tests.stub.fixtures import Stub

pytestmark = [pytest.mark.django_db, pytest.mark.seldom]


def _files_of(database: str) -> list[Path]:
    return [path for ending in ("", "-wal", "-shm") if (path := Path(f"{database}{ending}")).exists()]


@pytest.fixture
def healthy(stub: Stub) -> Any:
    """An installation in which all is well: an admin, a worker, a provider with a key, a local judge, a default."""
    make_user(Role.ADMIN)
    WorkerHeartbeat.objects.create(worker="host:1", seen_at=timezone.now())
    provider = make_provider(name="Shared")
    provider.set_api_key("sk-secret")
    provider.save(update_fields=["encrypted_api_key"])
    make_provider("", type="local", name="Local")
    if settings.IS_SQLITE:
        for path in _files_of(settings.DATABASES["default"]["NAME"]):
            path.chmod(0o600)  # as every process but the tests makes it
    with override_settings(LOCAL_JUDGE_URL=stub.base_url, DEFAULT_MODEL="Shared/model-x"):
        yield provider


def findings(*, code: int) -> dict[str, tuple[str, str, str]]:
    """Run `doctor --json`; return check -> level, message, remedy of the worst finding of each check."""
    out = StringIO()
    exited = 0
    try:
        call_command("doctor", "--json", stdout=out)
    except SystemExit as end:
        exited = int(end.code or 0)
    answer = json.loads(out.getvalue())
    assert (exited, answer["ok"]) == (code, code == 0), answer
    order = ["ok", "warning", "error"]
    worst: dict[str, tuple[str, str, str]] = {}
    for found in answer["findings"]:
        assert found["level"] == "ok" or found["remedy"], found
        if found["check"] not in worst or order.index(found["level"]) > order.index(worst[found["check"]][0]):
            worst[found["check"]] = (found["level"], found["message"], found["remedy"])
    return worst


@pytest.mark.on_both
def test_a_healthy_installation_passes(healthy: AIProvider) -> None:
    found = findings(code=0)
    assert {check: level for check, (level, _, _) in found.items() if level != "ok"} == {}
    assert {
        "settings",
        "disk",
        "database",
        "migrations",
        "journal",
        "encryption keys",
        "workers",
        "queue",
    } <= found.keys() | ({"journal"} if connection.vendor != "sqlite" else set())
    out = StringIO()
    call_command("doctor", stdout=out)
    assert "0 errors, 0 warnings" in out.getvalue()
    assert "sk-secret" not in out.getvalue()
    assert WorkerHeartbeat.objects.count() == 1


def no_admin() -> None:
    User.objects.update(role=Role.MEMBER)


def no_worker() -> None:
    WorkerHeartbeat.objects.update(seen_at=timezone.now() - timedelta(minutes=5))


def no_worker_while_work_waits() -> None:
    no_worker()
    start_judging_run(evaluation_run=make_run(), judge=make_judge(), actor=make_user())


def stuck_run() -> None:
    start_judging_run(evaluation_run=make_run(), judge=make_judge(), actor=make_user())
    Lane.objects.update(enqueued_at=timezone.now() - timedelta(minutes=5))


def killed_import() -> None:
    make_run(status=EvaluationRunStatus.RUNNING, created_at=timezone.now() - timedelta(hours=2), name="left alone")


def worker_in_the_future() -> None:
    WorkerHeartbeat.objects.create(worker="ahead:1", seen_at=timezone.now() + timedelta(hours=1))


@pytest.mark.parametrize(
    ("illness", "check", "level", "words"),
    [
        (no_admin, "people", "error", "create_user"),
        (no_worker, "workers", "warning", "manage.py serve"),
        (no_worker_while_work_waits, "workers", "error", "manage.py serve"),
        (stuck_run, "runs", "error", "rescue_judging_runs"),
        (killed_import, "imports", "warning", "rescue_judging_runs"),
        (worker_in_the_future, "clock", "warning", "NTP"),
    ],
)
def test_an_illness_of_the_data_is_found_with_its_remedy(
    healthy: AIProvider, illness: Callable[[], None], check: str, level: str, words: str
) -> None:
    illness()
    found = findings(code=1 if level == "error" else 0)
    assert found[check][0] == level
    assert words in found[check][2]
    assert [name for name, (worst, _, _) in found.items() if worst != "ok"] == [check]


@pytest.mark.parametrize(
    ("changed", "check", "level", "words"),
    [
        (
            {"ENCRYPTION_KEYS": ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]},
            "encryption keys",
            "error",
            "RELEVAL_ENCRYPTION_KEYS",
        ),
        ({"LOCAL_JUDGE_URL": "http://127.0.0.1:9/v1"}, "local judge", "error", "manage.py serve"),
        ({"DEFAULT_MODEL": "nobody/x"}, "default model", "error", "RELEVAL_DEFAULT_MODEL"),
        ({"DEFAULT_MODEL": ""}, "default model", "warning", "RELEVAL_DEFAULT_MODEL"),
        ({"HOST": "0.0.0.0"}, "settings", "warning", "RELEVAL_ENV=production"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_illness_of_the_settings_is_found_with_its_remedy(
    healthy: AIProvider, changed: dict[str, Any], check: str, level: str, words: str
) -> None:
    with override_settings(**changed):
        found = findings(code=1 if level == "error" else 0)
    assert found[check][0] == level
    assert words in found[check][2]


def test_illnesses_of_a_server_s_settings_are_found_all_at_once(healthy: AIProvider) -> None:
    with override_settings(IS_PRODUCTION=True, ALLOWED_HOSTS=[], STATIC_ROOT=Path("/nonexistent")):
        found = findings(code=1)
    assert found["settings"][0] == "error"
    assert (found["static files"][0], "collectstatic" in found["static files"][2]) == ("error", True)


@pytest.mark.parametrize(("free", "level"), [(50_000_000, "error"), (500_000_000, "warning"), (5_000_000_000, "ok")])
def test_a_disk_that_fills_up_is_told_in_time(healthy: AIProvider, free: int, level: str) -> None:
    with patch("judging.management.doctor.shutil.disk_usage", return_value=SimpleNamespace(free=free)):
        assert findings(code=1 if level == "error" else 0)["disk"][0] == level


def test_keys_that_others_may_read_are_told(healthy: AIProvider, tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("x")
    (tmp_path / "secret_key").chmod(stat.S_IRUSR | stat.S_IROTH)
    with override_settings(DATA_DIR=tmp_path):
        assert "chmod 600" in findings(code=0)["settings"][2]


@pytest.mark.skipif(not settings.IS_SQLITE, reason="SQLite's files")
def test_a_database_that_others_may_read_is_told(healthy: AIProvider, tmp_path: Path) -> None:
    for name in ("db.sqlite3", "db.sqlite3-wal"):
        (tmp_path / name).touch(mode=0o644)
        (tmp_path / name).chmod(0o644)
        with patch.dict(settings.DATABASES["default"], {"NAME": str(tmp_path / "db.sqlite3")}):
            level, _, remedy = findings(code=0)["settings"]
        assert (level, remedy) == ("warning", f"chmod 600 {tmp_path / name}")
        (tmp_path / name).chmod(0o600)


@pytest.mark.on_both
def test_an_unreachable_or_read_only_database_is_a_finding(healthy: AIProvider) -> None:
    with patch.object(connection, "ensure_connection", side_effect=OperationalError("connection refused")):
        found = findings(code=1)
    assert found["database"][0] == "error"
    assert "workers" not in found
    with patch.object(WorkerHeartbeat.objects, "create", side_effect=OperationalError("disk full")):
        found = findings(code=1)
    assert found["writing"][:2] == ("error", "The database takes nothing: disk full")


@pytest.mark.on_both
def test_missing_migrations_are_told_and_nothing_else_is_asked(healthy: AIProvider) -> None:
    migration = SimpleNamespace(app_label="judging", name="0099_later")
    with patch("judging.management.doctor.MigrationExecutor.migration_plan", return_value=[(migration, False)]):
        found = findings(code=1)
    assert found["migrations"][2] == "manage.py migrate"
    assert "workers" not in found
