"""Make an account."""

import getpass
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from judging.foundation.errors import Invalid
from judging.management.command import BaseCommand
from judging.models import Role
from judging.people.accounts import create_user
from judging.records.roles import SYSTEM


class Command(BaseCommand):
    help = "Make an account. Without --password it asks for one, or reads it from a pipe."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--role", choices=Role.values, default=Role.MEMBER, help="default: %(default)s")
        parser.add_argument("--name", default="")
        parser.add_argument("--password", help="others on this machine can see it in the list of processes")

    def handle(self, *args: Any, **options: Any) -> None:
        password = options["password"]
        if password is None:
            password = _asked() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
        try:
            user = create_user(
                actor=SYSTEM, email=options["email"], password=password, role=options["role"], name=options["name"]
            )
        except Invalid as error:
            problems = [f"{field}: {message}" for field, messages in error.errors.items() for message in messages]
            raise CommandError("\n".join(problems) or error.message) from None
        self.stdout.write(f"made {user.email} ({user.role})")


def _asked() -> str:
    password = getpass.getpass("Password: ")
    if getpass.getpass("Password (again): ") != password:
        raise CommandError("the passwords differ")
    return password
