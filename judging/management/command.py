"""What commands have in common."""

from django.core.management.base import BaseCommand as DjangoCommand


class BaseCommand(DjangoCommand):
    """A command that checks the settings of work alone.

    For all checks it would load the whole web, a second each time and the memory of every worker and supervisor. They
    are of the code, hence for `make check`.
    """

    requires_system_checks = ["work"]
