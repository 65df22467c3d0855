"""Django's SQLite backend, but for how a transaction waits for the write lock.

SQLite's own busy handler polls every 100 ms once it has waited a while. While workers write most of the time it found
the lock taken again and again: saving a grade during a run took seconds. Polling every few milliseconds, a writer gets
the lock after a transaction or two.
"""

import random
import sqlite3
import time

from django.db.backends.sqlite3 import base

_LOOK_EVERY_SECONDS = (0.001, 0.004)


class DatabaseWrapper(base.DatabaseWrapper):
    def _start_transaction_under_autocommit(self) -> None:
        timeout = float(self.settings_dict["OPTIONS"].get("timeout", 5.0))
        with self.wrap_database_errors:
            self.connection.execute("PRAGMA busy_timeout = 0")
            try:
                self._begin(time.monotonic() + timeout)
            finally:
                self.connection.execute(f"PRAGMA busy_timeout = {round(1000 * timeout)}")

    def _begin(self, deadline: float) -> None:
        mode = self.settings_dict["OPTIONS"].get("transaction_mode") or ""
        while True:
            try:
                self.connection.execute(f"BEGIN {mode}")
                return
            except sqlite3.OperationalError as error:
                is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not is_busy or time.monotonic() > deadline:
                    raise
            time.sleep(random.uniform(*_LOOK_EVERY_SECONDS))
