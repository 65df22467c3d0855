"""Backup and restore, on a database of their own in real processes, with somebody writing."""

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import override_settings

from judging.management.sqlite_files import NotUsable, check_database, copy_database, overwrite_database
from tests.databases import copy_template


@pytest.fixture
def home(tmp_path: Path, database_template: str) -> Path:
    """A data directory with a migrated database and one user."""
    copy_template(str(file := tmp_path / "releval.sqlite3"))
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(
            "INSERT INTO judging_user (id, email, password, name, role, is_superuser, is_active, created_at)"
            " VALUES ('1', 'ada@example.com', '', '', 'admin', 0, 1, datetime('now'))"
        )
    return tmp_path


def manage(home: Path, *arguments: str, fails: bool = False) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("RELEVAL_", "DATABASE_URL"))}
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env={**clean, "RELEVAL_DATA_DIR": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout + done.stderr


def users(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return [email for (email,) in database.execute("SELECT email FROM judging_user ORDER BY email")]


@pytest.mark.slow
@pytest.mark.skipif(not settings.IS_SQLITE, reason="the commands are those of SQLite")
def test_a_backup_is_whole_and_comes_back(home: Path) -> None:
    database, backup = home / "releval.sqlite3", home / "copy.sqlite3"
    assert "checked" in manage(home, "backup", str(backup))
    assert backup.stat().st_mode & 0o777 == 0o600
    assert not list(home.glob("copy.sqlite3?*"))
    assert "exists" in manage(home, "backup", str(backup), fails=True)
    with closing(sqlite3.connect(database)) as live, live:
        live.execute("UPDATE judging_user SET email = 'eve@example.com'")
        live.execute("INSERT INTO judging_workerheartbeat (worker, seen_at) VALUES ('h:1', datetime('now'))")

    assert "Workers are alive" in manage(home, "restore", str(backup), fails=True)
    assert users(database) == ["eve@example.com"]
    said = manage(home, "restore", str(backup), "--force")
    assert "Restored" in said
    assert users(database) == ["ada@example.com"]
    (kept,) = home.glob("releval.sqlite3.before-*")
    assert users(kept) == ["eve@example.com"]
    with closing(sqlite3.connect(database)) as live:
        assert live.execute("PRAGMA journal_mode").fetchone() == ("wal",)

    # A damaged database is put aside, too.
    database.write_bytes(b"SQLite format 3\0" + b"rubbish" * 1000)
    for name in ("-wal", "-shm"):
        database.with_name(database.name + name).unlink(missing_ok=True)
    manage(home, "restore", str(backup), "--force")
    assert users(database) == ["ada@example.com"]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "live.sqlite3"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE pairs (a INTEGER, b INTEGER)")
        database.execute("CREATE TABLE django_migrations (app TEXT, name TEXT)")
        database.commit()
    return path


def test_a_backup_during_writes_is_consistent_and_blocks_nobody(small: Path, tmp_path: Path) -> None:
    is_over, written = threading.Event(), threading.Semaphore(0)

    def write() -> None:
        with closing(sqlite3.connect(small, timeout=20)) as database:
            number = 0
            while not is_over.is_set():
                number += 1
                with database:
                    database.executemany("INSERT INTO pairs VALUES (?, ?)", [(number, 1), (number, 2)])
                written.release()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            written.acquire()
            copy_database(small, tmp_path / f"copy{number}")
            with closing(sqlite3.connect(tmp_path / f"copy{number}")) as copy:
                assert copy.execute(
                    "SELECT count(*) FROM (SELECT a FROM pairs GROUP BY a HAVING count(*) <> 2)"
                ).fetchone() == (0,)
                assert copy.execute("SELECT count(*) FROM pairs").fetchone()[0] >= 2
    finally:
        is_over.set()
        writer.join(60)


def test_open_connections_see_what_was_restored(small: Path, tmp_path: Path) -> None:
    copy_database(small, tmp_path / "copy")
    with closing(sqlite3.connect(small)) as open_one:
        open_one.execute("INSERT INTO pairs VALUES (1, 1)")
        open_one.commit()
        overwrite_database(tmp_path / "copy", small)
        assert open_one.execute("SELECT count(*) FROM pairs").fetchone() == (0,)


def test_what_is_no_whole_database_is_refused(small: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    (tmp_path / "empty").touch()
    with closing(sqlite3.connect(small)) as database, database:
        database.executemany("INSERT INTO pairs VALUES (?, ?)", [(n, n) for n in range(20_000)])
    copy_database(small, tmp_path / "damaged")
    damaged = bytearray((tmp_path / "damaged").read_bytes())
    damaged[8192:40960] = b"\xff" * 32768
    (tmp_path / "damaged").write_bytes(damaged)
    (tmp_path / "half").write_bytes(damaged[: len(damaged) // 2])
    for name in ("text", "empty", "damaged", "half", "missing"):
        with pytest.raises(NotUsable):
            check_database(tmp_path / name)
        if name != "missing":
            with pytest.raises(CommandError, match="Nothing was restored"):
                call_command("restore", str(tmp_path / name))
    with pytest.raises(CommandError, match="no database of Releval"):
        call_command("restore", str(small))


def test_a_copy_of_a_newer_version_is_refused(small: Path) -> None:
    with closing(sqlite3.connect(small)) as database, database:
        database.execute("INSERT INTO django_migrations VALUES ('judging', '9999_later')")
    with pytest.raises(CommandError, match="9999_later"):
        call_command("restore", str(small))


def test_a_copy_that_fails_leaves_nothing_behind(small: Path, tmp_path: Path) -> None:
    with pytest.raises(NotUsable):
        copy_database(small, tmp_path / "no" / "such" / "directory")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(NotUsable):
        copy_database(tmp_path / "text", tmp_path / "copy")
    assert not list(tmp_path.glob("copy*"))


@override_settings(IS_SQLITE=False)
def test_with_postgresql_they_say_which_command_does_it(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"pg_dump --format=custom --file=\S+ \"\$DATABASE_URL\""):
        call_command("backup", str(tmp_path / "b"))
    with pytest.raises(CommandError, match=r"pg_restore --clean --if-exists"):
        call_command("restore", str(tmp_path / "b"))
