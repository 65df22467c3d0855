"""How a transaction waits for SQLite's write lock."""

import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, transaction

from releval.sqlite3.base import DatabaseWrapper

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


def test_a_transaction_begins_once_the_lock_is_free(held: Any) -> None:
    path, holder = held
    connection = wrapper(path, timeout=20)
    connection.ensure_connection()
    waited = threading.Event()
    looks = 0

    def looked(statement: str) -> None:
        nonlocal looks
        looks += statement.startswith("BEGIN")
        if looks == 3:
            waited.set()

    connection.connection.set_trace_callback(looked)
    threading.Thread(target=lambda: (waited.wait(10), holder.execute("COMMIT"))).start()
    connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    assert looks >= 3
    assert connection.in_atomic_block is False
    connection.connection.execute("INSERT INTO t VALUES (1)")
    connection.connection.rollback()
    [timeout] = connection.connection.execute("PRAGMA busy_timeout").fetchone()
    assert timeout == 20_000, "what has no transaction around it still waits by SQLite's own means"
    connection.close()


def test_a_lock_that_stays_taken_is_an_error_in_the_end(held: Any) -> None:
    path, _ = held
    connection = wrapper(path, timeout=0.05)
    with pytest.raises(OperationalError, match="locked"):
        connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    connection.close()


def test_the_installation_waits_like_that() -> None:
    connection = transaction.get_connection()
    assert isinstance(connection, DatabaseWrapper)
