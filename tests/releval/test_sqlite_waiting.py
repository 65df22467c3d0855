"""How writers wait for SQLite's write lock."""

import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, transaction

from releval import priority
from releval.sqlite3.base import DatabaseWrapper, seconds_to_next_look

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not settings.IS_SQLITE, reason="is about SQLite's lock"),
]


def wrapper(path: Path, timeout: float) -> DatabaseWrapper:
    config: dict[str, Any] = {**settings.DATABASES["default"], "NAME": str(path)}
    config["OPTIONS"] = {**config["OPTIONS"], "timeout": timeout}
    for name in ("ATOMIC_REQUESTS", "AUTOCOMMIT", "TIME_ZONE", "USER", "PASSWORD", "HOST", "PORT"):
        config.setdefault(name, {"AUTOCOMMIT": True, "TIME_ZONE": None, "ATOMIC_REQUESTS": False}.get(name, ""))
    return DatabaseWrapper(config)


@pytest.fixture
def held(tmp_path: Path) -> Any:
    """A database whose write lock somebody holds."""
    path = tmp_path / "db.sqlite3"
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holder.execute("PRAGMA journal_mode=WAL")
    holder.execute("CREATE TABLE t (x)")
    holder.execute("BEGIN IMMEDIATE")
    yield path, holder
    holder.close()


def free_after_looks(connection: DatabaseWrapper, holder: sqlite3.Connection, statement: str) -> list[str]:
    """Free the lock once a connection has tried a statement three times; return its tries, a list that grows."""
    tries: list[str] = []
    waited = threading.Event()

    def looked(tried: str) -> None:
        if tried.startswith(statement):
            tries.append(tried)
        if len(tries) == 3:
            waited.set()

    connection.ensure_connection()
    connection.connection.set_trace_callback(looked)
    threading.Thread(target=lambda: (waited.wait(60), holder.execute("COMMIT"))).start()
    return tries


def test_a_transaction_begins_once_the_lock_is_free(held: Any) -> None:
    path, holder = held
    connection = wrapper(path, timeout=60)
    tries = free_after_looks(connection, holder, "BEGIN")
    connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    assert len(tries) >= 3
    assert connection.in_atomic_block is False
    connection.connection.execute("INSERT INTO t VALUES (1)")
    connection.connection.rollback()
    [timeout] = connection.connection.execute("PRAGMA busy_timeout").fetchone()
    assert timeout == 60_000, "what is no write still waits by SQLite's own means"
    connection.close()


def test_a_write_alone_waits_like_a_transaction(held: Any) -> None:
    path, holder = held
    connection = wrapper(path, timeout=60)
    tries = free_after_looks(connection, holder, "INSERT")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO t VALUES (%s) RETURNING x", [7])
        assert cursor.fetchall() == [(7,)]
    assert len(tries) >= 3
    assert holder.execute("SELECT x FROM t").fetchall() == [(7,)]
    connection.close()


def test_a_lock_that_stays_taken_is_an_error_in_the_end(held: Any) -> None:
    path, _ = held
    connection = wrapper(path, timeout=0.05)
    with pytest.raises(OperationalError, match="locked"):
        connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    with pytest.raises(OperationalError, match="locked"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM t")
    connection.close()


def test_who_gives_way_looks_after_everybody_else_has(monkeypatch: pytest.MonkeyPatch) -> None:
    others = max(seconds_to_next_look() for _ in range(100))
    monkeypatch.setattr(priority, "_is_behind_others", True)
    assert min(seconds_to_next_look() for _ in range(100)) > others


def test_the_installation_waits_like_that() -> None:
    connection = transaction.get_connection()
    assert isinstance(connection, DatabaseWrapper)
