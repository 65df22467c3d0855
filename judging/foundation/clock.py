"""The clock that all hosts share: the database server's, where there is one."""

from datetime import datetime

from django.db import connection
from django.utils import timezone


def shared_now() -> datetime:
    """Return the time that every host of this installation agrees on.

    Leases are written by one host and judged by another, so hosts with clocks of their own would break them. An
    SQLite file is used by one host, whose clock it is. PostgreSQL's now() stands still in a transaction, which may
    have waited long for a row; this one goes on.
    """
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def seconds_since(moment: datetime | None) -> float | None:
    """Return how many seconds ago a moment of the shared clock was, None where there was none."""
    return None if moment is None else (shared_now() - moment).total_seconds()
