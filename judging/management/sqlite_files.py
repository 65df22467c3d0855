"""Copies of an SQLite database that is in use, whole and checked."""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

_HEADER = b"SQLite format 3\0"


class NotUsable(Exception):
    """A file is no whole SQLite database, or can't be written. The message says which, and why."""


def copy_database(source: Path, target: Path) -> None:
    """Copy a database that others may be writing to, into `target`; raise NotUsable and leave no half of one behind.

    In one step under a read transaction: with a write-ahead log nobody waits for it, and what is written meanwhile is
    not in it. The copy needs no second file beside it.
    """
    part = target.with_name(f"{target.name}.part")
    with suppress(FileNotFoundError):
        part.unlink()
    try:
        with closing(sqlite3.connect(source, timeout=20)) as origin, closing(sqlite3.connect(part)) as copy:
            os.chmod(part, 0o600)  # it holds password hashes
            origin.backup(copy, pages=-1)
            copy.execute("PRAGMA journal_mode=DELETE")
        check_database(part)
        _sync(part)
        os.replace(part, target)
    except (sqlite3.Error, OSError) as error:
        raise NotUsable(f"{target} can't be written: {error}") from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def overwrite_database(source: Path, target: Path) -> None:
    """Put the contents of `source` into a database that others may have open: they see all of it or nothing."""
    try:
        with closing(sqlite3.connect(source)) as origin, closing(sqlite3.connect(target, timeout=20)) as live:
            origin.backup(live, pages=-1)
            live.execute("PRAGMA journal_mode=WAL")
    except sqlite3.Error as error:
        raise NotUsable(f"{target} can't be written: {error}") from None


def check_database(path: Path) -> None:
    """Raise NotUsable unless a file is an SQLite database in which nothing is broken."""
    try:
        with path.open("rb") as file:
            if file.read(len(_HEADER)) != _HEADER:
                raise NotUsable(f"{path} is no SQLite database")
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            found = [row[0] for row in database.execute("PRAGMA integrity_check(5)")]
    except (sqlite3.Error, OSError) as error:
        raise NotUsable(f"{path} can't be read: {error}") from None
    if found != ["ok"]:
        raise NotUsable(f"{path} is damaged: {'; '.join(found)}")


def applied_migrations(path: Path, app: str) -> set[str]:
    """Return the names of an app's migrations that a database file has. Raise NotUsable when it is not Django's."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT name FROM django_migrations WHERE app = ?", [app])
            return {name for (name,) in rows}
    except sqlite3.Error:
        raise NotUsable(f"{path} is no database of Releval") from None


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
