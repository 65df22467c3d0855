"""What import and export commands share: finding rows by id or name, opening files, errors on one line."""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TypeVar
from uuid import UUID

from django.core.management.base import CommandError
from django.db.models import Model, QuerySet

from judging.foundation.errors import DomainError, ImportRejected
from judging.models import User
from judging.records.roles import SYSTEM, Actor
from judging.runs.importing.formats.recognition import label_of

Row = TypeVar("Row", bound=Model)

_SHOWN_PROBLEMS = 10


def find_by_id_or_name(rows: QuerySet[Row], value: str) -> Row | None:
    """Return the row with this id or else this name, None if there is none. More than one: CommandError."""
    try:
        return rows.filter(pk=UUID(value)).first()
    except ValueError:
        found = list(rows.filter(name=value)[:2])
    if len(found) > 1:
        raise CommandError(f'More than one {rows.model._meta.verbose_name} is named "{value}": give its id.')
    return found[0] if found else None


def get_by_id_or_name(rows: QuerySet[Row], value: str) -> Row:
    row = find_by_id_or_name(rows, value)
    if row is None:
        raise CommandError(f'There is no {rows.model._meta.verbose_name} "{value}".')
    return row


def get_actor(email: str | None) -> Actor:
    """Return the user that --user names, SYSTEM where it names none. Raise CommandError."""
    return SYSTEM if email is None else get_user(email)


def get_user(email: str) -> User:
    user = User.objects.filter(email=email.strip().lower(), is_active=True).first()
    if user is None:
        raise CommandError(f'There is no active user "{email}".')
    return user


@contextmanager
def open_file(path: str) -> Iterator[IO[bytes]]:
    """Open a file for an import, which reads it twice: what can't be rewound (a pipe, "-") is copied first."""
    with ExitStack() as files:
        try:
            file = sys.stdin.buffer if path == "-" else files.enter_context(Path(path).open("rb"))
            if not file.seekable():
                copy = files.enter_context(tempfile.TemporaryFile())
                shutil.copyfileobj(file, copy)
                file = copy
        except OSError as error:
            raise CommandError(f"{path} can't be read: {error.strerror}") from None
        yield file


def read_as_lines(read_as: Mapping[str, str]) -> Iterator[str]:
    """Say what each file of an import was read as."""
    for field, name in read_as.items():
        yield f"{field}: read as {label_of(field, name)} ({name})."


@contextmanager
def errors_on_one_line() -> Iterator[None]:
    """Turn what a service refuses into a message and exit code 1; of an import's problems the first ones are listed."""
    try:
        yield
    except ImportRejected as error:
        shown = [f"{problem.file}, {problem}" for problem in error.problems[:_SHOWN_PROBLEMS]]
        left = error.total - sum(problem.count for problem in error.problems[:_SHOWN_PROBLEMS])
        if left:
            shown.append(f"... and {left} more")
        raise CommandError("Nothing was imported. " + "\n".join(shown)) from None
    except DomainError as error:
        raise CommandError(error.message) from None
