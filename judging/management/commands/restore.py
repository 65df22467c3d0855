"""`manage.py restore`: the SQLite database back from a copy."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, connection, connections
from django.db.migrations.loader import MigrationLoader

from judging.management.command import BaseCommand
from judging.management.serving import bring_up_to_date
from judging.management.sqlite_files import (
    NotUsable,
    applied_migrations,
    check_database,
    copy_database,
    overwrite_database,
)
from judging.models import WorkerHeartbeat
from judging.work import workers


class Command(BaseCommand):
    help = (
        "Replace the contents of the SQLite database with those of FILE, a copy made by backup, and bring them up to"
        " date. The database as it was is kept beside it. Refuses while workers are alive. PostgreSQL: says how"
        " pg_restore is called."
    )
    # A database that needs restoring may not pass them.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--force", action="store_true", help="although workers are alive")

    def handle(self, *args: Any, **options: Any) -> None:
        source: Path = options["file"]
        if not settings.IS_SQLITE:
            raise CommandError(
                "The database is PostgreSQL; stop web and workers and restore it with: pg_restore --clean --if-exists"
                f' --single-transaction --dbname="$DATABASE_URL" {source}'
            )
        target = Path(settings.DATABASES["default"]["NAME"])
        try:
            _check_source(source, target)
            if not options["force"] and _has_live_worker():
                raise CommandError("Workers are alive: stop web and workers first (or add --force)")
            kept = _keep(target)
            connections.close_all()
            overwrite_database(source, target)
        except NotUsable as error:
            raise CommandError(f"Nothing was restored: {error}") from None
        bring_up_to_date()
        # They tell of workers as they were when the copy was made.
        WorkerHeartbeat.objects.all().delete()
        if kept:
            self.stdout.write(f"The database as it was: {kept}")
        self.stdout.write(f"Restored from {source}. Start web and workers, then see what manage.py doctor says.")


def _check_source(source: Path, target: Path) -> None:
    if not source.is_file():
        raise NotUsable(f"there is no file {source}")
    if target.exists() and source.samefile(target):
        raise NotUsable("that is the database itself")
    check_database(source)
    applied = applied_migrations(source, "judging")
    if not applied:
        raise NotUsable(f"{source} is no database of Releval")
    newer = applied - {name for app, name in MigrationLoader(None).disk_migrations if app == "judging"}
    if newer:
        raise NotUsable(f"{source} was made by a newer version ({', '.join(sorted(newer))}): install that one first")


def _has_live_worker() -> bool:
    try:
        return workers.has_live_worker()
    except DatabaseError:
        return False  # without tables, or too damaged to tell
    finally:
        connection.close()


def _keep(target: Path) -> Path | None:
    """Copy the database aside, or move it there when it is too damaged to be copied; return where it is."""
    if not target.exists():
        return None
    kept = target.with_name(f"{target.name}.before-{datetime.now(UTC):%Y%m%d-%H%M%S}")
    connections.close_all()
    try:
        check_database(target)
    except NotUsable:
        for suffix in ("", "-wal", "-shm"):
            part = target.with_name(target.name + suffix)
            if part.exists():
                part.rename(kept.with_name(kept.name + suffix))
    else:
        copy_database(target, kept)
    return kept
