"""Values for raw SQL, as this database's columns hold them. The ORM converts its own; a bare cursor does not."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection


def uuid_param(value: UUID) -> UUID | str:
    """Return a UUID as a statement's parameter: itself, or the 32 hex digits that SQLite's columns hold."""
    return value if connection.features.has_native_uuid_field else value.hex


def time_param(value: datetime | None) -> Any:
    """Return an aware time as a statement's parameter, in the form in which the ORM writes it; None stays None."""
    return connection.ops.adapt_datetimefield_value(value)
