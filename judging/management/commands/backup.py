"""`manage.py backup`: a whole copy of the SQLite database, while everything runs."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from judging.management.command import BaseCommand
from judging.management.sqlite_files import NotUsable, copy_database


class Command(BaseCommand):
    help = (
        "Write a copy of the SQLite database to FILE and check it; web and workers may go on meanwhile. Keep"
        " RELEVAL_ENCRYPTION_KEYS (or the file encryption_keys of the data directory) elsewhere: without them the"
        " copy's provider credentials can't be read. PostgreSQL: says how pg_dump is called."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--force", action="store_true", help="replace FILE if it exists")

    def handle(self, *args: Any, **options: Any) -> None:
        target: Path = options["file"]
        if not settings.IS_SQLITE:
            raise CommandError(
                f'The database is PostgreSQL; back it up with: pg_dump --format=custom --file={target} "$DATABASE_URL"'
            )
        if target.exists() and not options["force"]:
            raise CommandError(f"{target} exists; choose another name or add --force")
        if not target.absolute().parent.is_dir():
            raise CommandError(f"There is no directory {target.absolute().parent}")
        source = Path(settings.DATABASES["default"]["NAME"])
        if target.exists() and target.samefile(source):
            raise CommandError("That is the database itself")
        if not source.exists():
            raise CommandError(f"There is no database yet: {source}")
        try:
            copy_database(source, target)
        except NotUsable as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{target}: {target.stat().st_size:,} bytes, checked")
