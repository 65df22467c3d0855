"""Test databases: made once and copied, and emptied between tests by what stands in them.

Migrating takes a second and a half of CPU, for each worker of pytest-xdist and for each test that starts an
installation of its own. So it is done once for each state of the migrations, into a template: a file in pytest's
cache, or a database on the PostgreSQL server of the tests.
"""

import fcntl
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection, connections, transaction
from django.test import TransactionTestCase
from pytest_django import DjangoDbBlocker

# Made by migrations and the same in every test.
_KEPT = {"django_content_type", "django_migrations", "auth_permission"}
_template = ""
# The tables with what the code puts into every database: copied before the first test, and from there after each.
_presets: list[str] = []
# The module whose rows stay while its tests run.
_standing: list[str] = []


def _key() -> str:
    """Return a digest of what a migrated database comes from."""
    root = Path(settings.BASE_DIR)
    sources = [*sorted((root / "judging" / "migrations").glob("*.py")), root / "requirements-test.lock"]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make_template(folder: Path) -> str:
    """Return the template's path or name, made if it is not there yet."""
    with _locked(folder / "lock"):
        if settings.IS_SQLITE:
            file = folder / f"template-{_key()}.sqlite3"
            if not file.exists():
                for old in folder.glob("template-*"):
                    old.unlink()
                making = folder / "making.sqlite3"
                for rest in folder.glob("making.sqlite3*"):
                    rest.unlink()
                _migrate(str(making))
                with closing(sqlite3.connect(making)) as made:
                    made.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                making.rename(file)
            return str(file)
        name = f"template_{_key()}"
        with _server() as server:
            if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                server.execute(f"CREATE DATABASE {name}_making")
                _migrate(f"{name}_making")
                server.execute(f"ALTER DATABASE {name}_making RENAME TO {name}")
        return name


@contextmanager
def _server() -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        yield server


def _connect_to(name: str) -> None:
    connections.close_all()
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name


def _migrate(name: str) -> None:
    before = str(connection.settings_dict["NAME"])
    _connect_to(name)
    try:
        call_command("migrate", interactive=False, verbosity=0)
    finally:
        _connect_to(before)


def copy_template(target: str) -> None:
    """Make a migrated database: the file `target`, or the database of that name on PostgreSQL."""
    if settings.IS_SQLITE:
        shutil.copyfile(_template, target)
        return
    with _server() as server:
        server.execute(f"CREATE DATABASE {target} TEMPLATE {_template}")


def drop(target: str) -> None:
    if settings.IS_SQLITE:
        for ending in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.unlink(f"{target}{ending}")
        return
    with _server() as server:
        server.execute(f"DROP DATABASE IF EXISTS {target} WITH (FORCE)")


@pytest.fixture(scope="session")
def database_template(
    request: pytest.FixtureRequest, django_test_environment: None, django_db_blocker: DjangoDbBlocker
) -> str:
    """The migrated template, for `copy_template`."""
    global _template
    folder = Path(request.config.cache.mkdir("databases"))
    with django_db_blocker.unblock():
        _template = _make_template(folder)
    return _template


@pytest.fixture(scope="session")
def django_db_setup(database_template: str, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """In place of pytest-django's, which migrates a database for each worker."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"{settings.DATA_DIR}/test_{worker}.sqlite3" if settings.IS_SQLITE else f"test_releval_{worker}"
    with django_db_blocker.unblock():
        before = str(connection.settings_dict["NAME"])
        drop(name)
        copy_template(name)
        _connect_to(name)
        # Brings what the code knows better than the migrations: presets, permissions.
        emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
        _presets[:] = _filled()
        with connection.cursor() as cursor:
            for table in _presets:
                cursor.execute(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")
    yield
    with django_db_blocker.unblock():
        _connect_to(before)
        drop(name)


def _filled() -> list[str]:
    """Return the tables with rows that are not the same in every test."""
    tables = [name for name in connection.introspection.django_table_names() if name not in _KEPT]
    with connection.cursor() as cursor:
        selects = (f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in tables)
        cursor.execute(" UNION ALL ".join(selects))
        return [name for (name,) in cursor.fetchall()]


def _empty(case: TransactionTestCase | None) -> None:
    """Delete what a test has written: a few rows in a few tables, where Django would truncate all of them."""
    assert case is None or not _standing, "rows that stay for a module want tests that are rolled back"
    # Foreign keys are looked at when the transaction ends, so the order of the tables does not matter.
    with transaction.atomic(), connection.cursor() as cursor:
        for table in _filled():
            cursor.execute(f"DELETE FROM {table}")
        for table in _presets:
            cursor.execute(f"INSERT INTO {table} SELECT * FROM kept_{table}")


@pytest.fixture(scope="session", autouse=True)
def _light_flush() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setattr(TransactionTestCase, "_fixture_teardown", _empty)
    # No test changes its connection for the next one, and a new one reads the schema anew.
    patch.setattr(TransactionTestCase, "_should_reload_connections", lambda case: False)
    yield
    patch.undo()


Standing = Callable[[], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def standing(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Standing]:
    """For fixtures of a module: what is written within `with standing():` is there for all its tests.

    Each of them is rolled back to it, so none may be marked with `transaction=True`.
    """
    _standing.append(request.module.__name__)
    yield django_db_blocker.unblock
    _standing.pop()
    with django_db_blocker.unblock():
        _empty(None)
