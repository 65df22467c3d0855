"""A database of the version before goes on where it stood: runs in every state, held leases, queued tasks."""

import gzip
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from tests.stub.fixtures import Stub

pytestmark = pytest.mark.on_both


_DUMPS = Path(__file__).parent / "version_before"
# Tasks in the queue are signed.
_SECRET_KEY = "a-key-of-tests-that-signs-the-tasks-of-the-version-before"
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
# All that a database's tables are but the order of their columns.
_SCHEMA = {
    "sqlite": ("SELECT type, name, sql FROM sqlite_master",),
    "postgresql": (
        "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default, is_identity"
        " FROM information_schema.columns WHERE table_schema = 'public'",
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace",
        "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    ),
}
Run = Callable[[str], list[Any]]


def _schema(run: Run) -> list[list[str]]:
    """Return what a database is made of, each thing as its parts in an order of their own."""
    things = (" ".join(map(str, row)) for statement in _SCHEMA[connection.vendor] for row in run(statement))
    # A dump adds casts and brackets. What tests keep aside for themselves is no part of it.
    bare = (
        re.sub(r"::(character varying|text)(\[\])?|[()]", "", thing) for thing in things if " kept_" not in f" {thing}"
    )
    return sorted(sorted(thing.split(", ")) for thing in bare)


def _run_on_new(statement: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


class Upgraded:
    """A database restored from its dump, reached as its system's own client does and as the project does."""

    def __init__(self, environment: dict[str, str], run: Run) -> None:
        self._environment, self.run = environment, run

    def rows(self, name: str) -> list[Any]:
        return [tuple(row) for row in self.run(_TABLES[name])]

    @contextmanager
    def started(self, provider_url: str) -> Iterator["Upgrade"]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.work.processes.finish_upgraded", provider_url],
            cwd=settings.BASE_DIR,
            env={**os.environ, "RELEVAL_SECRET_KEY": _SECRET_KEY, **self._environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            yield Upgrade(process)
        assert process.returncode == 0


class Upgrade:
    """A process of the project at work on an upgraded database."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def migrate(self, target: str = "") -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{target}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == f"migrated {target}\n"

    def finish(self) -> Any:
        said, _ = self._process.communicate()
        return json.loads(said.splitlines()[-1])


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
def test_lanes_keep_their_jobs_there_and_back_and_every_job_goes_on_to_its_end(
    db: None, upgraded: Upgraded, stub: Stub
) -> None:
    before = {name: upgraded.rows(name) for name in ("lanes", "jobs before", "kinds before", "providers")}
    assert sum(lane[1] is not None for lane in before["lanes"]) == 3, "held by workers that were killed"
    assert before["providers"]
    with upgraded.started(stub.base_url) as upgrade:
        # All the way back costs ten times as much, and what comes after the lanes leaves them alone.
        upgrade.migrate("judging 0006")
        upgrade.migrate("judging 0005")
        assert {name: upgraded.rows(name) for name in before} == before

        upgrade.migrate()
        assert upgraded.rows("lanes") == before["lanes"]
        assert upgraded.rows("jobs after") == before["jobs before"]
        assert upgraded.rows("kinds") == before["kinds before"]
        resources = {resource for (resource,) in upgraded.rows("resources")}
        assert len(resources) == 1
        assert resources.pop().startswith("ai_provider:")
        assert _schema(upgraded.run) == _schema(_run_on_new), "a new database is made by one migration alone"

        assert upgrade.finish() == {
            # The cancelled one had four items judged; the others were skipped, those in flight when their worker was
            # missed, too.
            "runs": [["cancelled", 4, 20], ["completed", 24, 0], ["completed", 24, 0], ["completed", 24, 0]],
            "pending": 0,
            "batches": [["completed", 6], ["completed", 6]],
            "lanes without a job": 0,
            "open lanes": 0,
            "shares": 0,
        }


def test_every_migration_can_be_taken_back() -> None:
    migrations = MigrationLoader(None).disk_migrations
    assert [
        (name, operation)
        for (app, name), migration in migrations.items()
        for operation in migration.operations
        if app == "judging" and not operation.reversible
    ] == []
