"""Django's SQLite backend, but for how writers wait for the write lock.

SQLite's own busy handler polls every 100 ms once it has waited a while. While workers write most of the time it found
the lock taken again and again: saving a grade during a run took seconds. Polling every few milliseconds, a writer gets
the lock after a transaction or two; and one for whom somebody waits before those that give way.
"""

import random
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from django.db.backends.sqlite3 import base

from releval import priority

_LOOK_EVERY_SECONDS = (0.0005, 0.002)
_LOOK_EVERY_SECONDS_BEHIND_OTHERS = (0.003, 0.008)
_WRITING = frozenset({"INSERT", "UPDATE", "DELETE"})

T = TypeVar("T")


def seconds_to_next_look() -> float:
    """Return how long to leave a taken lock alone; at random, or two that wait would keep meeting."""
    return random.uniform(*(_LOOK_EVERY_SECONDS_BEHIND_OTHERS if priority.is_behind_others() else _LOOK_EVERY_SECONDS))


def _once_free(connection: sqlite3.Connection, timeout: float, attempt: Callable[[], T]) -> T:
    """Make an attempt to take the write lock, again and again while it is taken, for up to `timeout` seconds."""
    deadline = time.monotonic() + timeout
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                return attempt()
            except sqlite3.OperationalError as error:
                is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not is_busy or time.monotonic() > deadline:
                    raise
            time.sleep(seconds_to_next_look())
    finally:
        connection.execute(f"PRAGMA busy_timeout = {round(1000 * timeout)}")


class _Cursor(base.SQLiteCursorWrapper):
    def __init__(self, connection: sqlite3.Connection, *, timeout: float) -> None:
        super().__init__(connection)
        self._timeout = timeout

    def execute(self, query: str, params: Any = None) -> Any:
        # A transaction has taken the lock when it began.
        if self.connection.in_transaction or query[:6] not in _WRITING:
            return super().execute(query, params)
        return _once_free(self.connection, self._timeout, partial(super().execute, query, params))


class DatabaseWrapper(base.DatabaseWrapper):
    @property
    def _timeout(self) -> float:
        return float(self.settings_dict["OPTIONS"].get("timeout", 5.0))

    def create_cursor(self, name: str | None = None) -> Any:
        return self.connection.cursor(factory=partial(_Cursor, timeout=self._timeout))

    def _start_transaction_under_autocommit(self) -> None:
        mode = self.settings_dict["OPTIONS"].get("transaction_mode") or ""
        with self.wrap_database_errors:
            _once_free(self.connection, self._timeout, partial(self.connection.execute, f"BEGIN {mode}"))
