"""Values for raw SQL, as this database's columns hold them. The ORM converts its own; a bare cursor does not."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Model

# Of the types of fields here, those whose values the databases don't take as they are.
_CONVERTED = frozenset({"UUIDField", "JSONField", "DateTimeField"})
# Of one statement, where the database names no bound: PostgreSQL takes 65,535.
_MOST_PARAMETERS = 30_000


def uuid_param(value: UUID) -> UUID | str:
    """Return a UUID as a statement's parameter: itself, or the 32 hex digits that SQLite's columns hold."""
    return value if connection.features.has_native_uuid_field else value.hex


def time_param(value: datetime | None) -> Any:
    """Return an aware time as a statement's parameter, in the form in which the ORM writes it; None stays None."""
    return connection.ops.adapt_datetimefield_value(value)


def is_one_of(column: str, values: Collection[int] | Collection[str]) -> tuple[str, Any]:
    """Return the condition that a column is one of many values, and its one parameter.

    The ORM makes a parameter of each value, which costs more than to find its row.
    """
    if connection.vendor == "postgresql":
        return f"{column} = ANY(%s)", list(values)
    return f"{column} IN (SELECT value FROM json_each(%s))", json.dumps(list(values), ensure_ascii=False)


def insert_rows(
    model: type[Model], names: Sequence[str], rows: Iterable[Sequence[Any]], *, ignore_conflicts: bool = False
) -> None:
    """Insert rows, each with its values of the columns named as attributes (`run_id`); others get their defaults.

    For many rows that nobody needs as objects: `bulk_create` takes several times as long.
    """
    # The connection itself: its proxy looks it up for each value.
    database = connections[DEFAULT_DB_ALIAS]
    insert, row, values = _insertion(model, names, rows, database)
    if not values:
        return
    with database.cursor() as cursor:
        cursor.executemany(f"{insert} {row}" + (" ON CONFLICT DO NOTHING" if ignore_conflicts else ""), values)


def insert_returning_keys(model: type[Model], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[int]:
    """Insert rows as `insert_rows` does, and return their keys in the same order."""
    database = connections[DEFAULT_DB_ALIAS]
    insert, row, values = _insertion(model, names, rows, database)
    keys: list[int] = []
    with database.cursor() as cursor:
        for chunk in _chunks(values, database.features.max_query_params or _MOST_PARAMETERS):
            cursor.execute(
                f"{insert} {', '.join([row] * len(chunk))} RETURNING id", [value for each in chunk for value in each]
            )
            keys += [key for (key,) in cursor.fetchall()]
    return keys


def _insertion(
    model: type[Model], names: Sequence[str], rows: Iterable[Sequence[Any]], database: Any
) -> tuple[str, str, list[list[Any]]]:
    """Return the beginning of the statement, the placeholders of a row, and the values of each."""
    by_name: dict[str, Any] = {field.attname: field for field in model._meta.concrete_fields}
    rest = [field for name, field in by_name.items() if name not in names and field is not model._meta.auto_field]
    convert = [
        (place, _conversion(by_name[name], database))
        for place, name in enumerate(names)
        if _type_of(by_name[name]) in _CONVERTED
    ]
    defaults_by_column = {field.column: field.get_db_prep_save(field.get_default(), database) for field in rest}
    # What is not named is null, and one value less to hand over.
    set_by_default = {column: value for column, value in defaults_by_column.items() if value is not None}
    defaults = list(set_by_default.values())
    values: list[list[Any]] = []
    for row in rows:
        value = [*row, *defaults]
        for place, converted in convert:
            value[place] = converted(value[place])
        values.append(value)
    columns = [by_name[name].column for name in names] + list(set_by_default)
    placeholders = f"({', '.join(['%s'] * len(columns))})"
    return f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) VALUES", placeholders, values


def _chunks(rows: list[list[Any]], most_values: int) -> Iterator[list[list[Any]]]:
    size = most_values // len(rows[0]) if rows else 1
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _conversion(field: Any, database: Any) -> Callable[[Any], Any]:
    """Return what makes a value of a field one for the database."""
    if _type_of(field) == "UUIDField" and not database.features.has_native_uuid_field:
        # Of each row several, and mostly the same ones: the field's own way takes ten times as long.
        return lambda value: None if value is None else value.hex
    return partial(field.get_db_prep_save, connection=database)


def _type_of(field: Any) -> str:
    while field.is_relation:
        field = field.target_field
    return str(field.get_internal_type())
