"""Make an API token."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from judging.foundation.errors import Invalid
from judging.management.command import BaseCommand
from judging.models import User
from judging.people.tokens import create_token
from judging.records.roles import SYSTEM


class Command(BaseCommand):
    help = "Make an API token for a user and print it, alone: it is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True, metavar="EMAIL")
        parser.add_argument("--name", required=True, help="what the token is for, as its list shows it")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=options["user"].strip().lower(), is_active=True).first()
        if user is None:
            raise CommandError(f"no active user has the e-mail address {options['user']}")
        try:
            _, secret = create_token(actor=SYSTEM, user=user, name=options["name"])
        except Invalid as error:
            raise CommandError(error.message) from None
        self.stdout.write(secret)
