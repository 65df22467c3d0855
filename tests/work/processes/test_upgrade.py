"""A database of the version before goes on where it stood: runs in every state, held leases, queued tasks."""

import gzip
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db.migrations.loader import MigrationLoader

from tests.stub.fixtures import Stub

pytestmark = pytest.mark.on_both


_DUMPS = Path(__file__).parent / "version_before"
# Tasks in the queue are signed.
_SECRET_KEY = "a-key-of-tests-that-signs-the-tasks-of-the-version-before"
_THERE_AND_BACK = """
import django
from django.core.management import call_command

django.setup()
for target in ("0006", "0005"):
    call_command("migrate", "judging", target, verbosity=0)
"""
_TABLES = {
    "lanes": "SELECT id, lease_token, lease_until, is_done, number FROM judging_lane ORDER BY id",
    "jobs before": "SELECT id, coalesce(judging_run_id, batch_id) FROM judging_lane ORDER BY id",
    "jobs after": "SELECT id, job_id FROM judging_lane ORDER BY id",
    "kinds": "SELECT kind, count(*) FROM judging_lane GROUP BY kind ORDER BY kind",
    "kinds before": (
        "SELECT CASE WHEN batch_id IS NULL THEN 'judging_run' ELSE 'batch' END AS kind, count(*) FROM judging_lane"
        " GROUP BY 1 ORDER BY 1"
    ),
    "resources": "SELECT resource FROM judging_providershare",
    "providers": "SELECT DISTINCT CAST(provider_id AS text) FROM judging_providershare",
}


class Upgraded:
    """A database restored from its dump, reached as its system's own client does and as the project does."""

    def __init__(self, environment: dict[str, str], run: Callable[[str], list[Any]]) -> None:
        self._environment, self._run = environment, run

    def rows(self, name: str) -> list[Any]:
        return [tuple(row) for row in self._run(_TABLES[name])]

    def python(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=settings.BASE_DIR,
            env={**os.environ, "RELEVAL_SECRET_KEY": _SECRET_KEY, **self._environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def upgraded(tmp_path: Path) -> Iterator[Upgraded]:
    if settings.IS_SQLITE:
        dump = gzip.decompress((_DUMPS / "sqlite.sql.gz").read_bytes()).decode()
        with closing(sqlite3.connect(tmp_path / "releval.sqlite3")) as database:
            database.executescript(dump)

        def run(statement: str) -> list[Any]:
            with closing(sqlite3.connect(tmp_path / "releval.sqlite3")) as database:
                return database.execute(statement).fetchall()

        yield Upgraded({"RELEVAL_DATA_DIR": str(tmp_path)}, run)
        return
    import psycopg

    dump = gzip.decompress((_DUMPS / "postgresql.sql.gz").read_bytes()).decode()
    server = os.environ["DATABASE_URL"].rpartition("/")[0]
    name = f"upgraded_{os.getpid()}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            with psycopg.connect(f"{server}/{name}") as made:
                made.execute(dump)

            def run(statement: str) -> list[Any]:
                with psycopg.connect(f"{server}/{name}") as database:
                    return database.execute(statement).fetchall()

            yield Upgraded({"RELEVAL_DATA_DIR": str(tmp_path), "DATABASE_URL": f"{server}/{name}"}, run)
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.slow(seconds=20)
def test_lanes_keep_ids_and_leases_and_every_job_goes_on_to_its_end(upgraded: Upgraded, stub: Stub) -> None:
    lanes, jobs, kinds = upgraded.rows("lanes"), upgraded.rows("jobs before"), upgraded.rows("kinds before")
    assert sum(lane[1] is not None for lane in lanes) == 3, "held by workers that were killed"
    upgraded.python("manage.py", "migrate", "--verbosity", "0")
    assert upgraded.rows("lanes") == lanes
    assert upgraded.rows("jobs after") == jobs
    assert upgraded.rows("kinds") == kinds
    resources = {resource for (resource,) in upgraded.rows("resources")}
    assert len(resources) == 1
    assert resources.pop().startswith("ai_provider:")

    came_of_it = json.loads(
        upgraded.python("-m", "tests.work.processes.finish_upgraded", stub.base_url).splitlines()[-1]
    )
    assert came_of_it == {
        # The cancelled one had four items judged; the others were skipped, those in flight when their worker was missed.
        "runs": [["cancelled", 4, 20], ["completed", 24, 0], ["completed", 24, 0], ["completed", 24, 0]],
        "pending": 0,
        "batches": [["completed", 6], ["completed", 6]],
        "lanes without a job": 0,
        "open lanes": 0,
        "shares": 0,
    }


@pytest.mark.slow(seconds=10)
def test_migrating_back_restores_every_lane_s_job_and_provider(upgraded: Upgraded) -> None:
    before = {name: upgraded.rows(name) for name in ("lanes", "jobs before", "kinds before", "providers")}
    assert before["providers"]
    # All the way costs ten times as much, and what comes after the lanes leaves them alone.
    upgraded.python("-c", _THERE_AND_BACK)
    assert {name: upgraded.rows(name) for name in before} == before


def test_every_migration_can_be_taken_back() -> None:
    migrations = MigrationLoader(None).disk_migrations
    assert [
        (name, operation)
        for (app, name), migration in migrations.items()
        for operation in migration.operations
        if app == "judging" and not operation.reversible
    ] == []
