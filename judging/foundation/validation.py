"""Validate model instances with their own validators before they are written."""

from collections.abc import Collection
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from judging.foundation.errors import Invalid
from judging.foundation.limits import MAX_SEARCH, MAX_TEXT


def clean(instance: models.Model, *, exclude: Collection[str] = (), errors: dict[str, list[str]] | None = None) -> None:
    """Raise Invalid unless every field of `instance` passes its model's validators. Runs no query.

    `errors` are problems found elsewhere, told together. Relations are the caller's to check: only it knows what its
    user may see.
    """
    problems: dict[str, list[str]] = {field: list(messages) for field, messages in (errors or {}).items()}
    relations = {field.name for field in instance._meta.concrete_fields if field.is_relation}
    try:
        instance.clean_fields(exclude={*exclude, *relations})
    except ValidationError as error:
        for name, messages in error.message_dict.items():
            problems.setdefault(name, []).extend(messages)
    for field in instance._meta.concrete_fields:
        if isinstance(field, models.CharField | models.TextField) and field.name not in exclude:
            message = text_problem(getattr(instance, field.attname), limit=field.max_length or MAX_TEXT)
            # A CharField's own validator has checked the length already.
            if message and field.name not in problems:
                problems[field.name] = [message]
    raise_if_any(problems)


def check_search(text: str, *, field: str = "search") -> None:
    """Raise Invalid of a field unless its text can be searched for."""
    if len(text) > MAX_SEARCH or "\x00" in text:
        raise Invalid("this can't be searched for", errors={field: [f"text of at most {MAX_SEARCH} characters"]})


def raise_if_any(problems: dict[str, list[str]]) -> None:
    """Raise Invalid with `problems` (field -> messages) when there are any."""
    if problems:
        field, messages = next(iter(problems.items()))
        raise Invalid(messages[0] if field == "non_field_errors" else f"{field}: {messages[0]}", errors=problems)


def text_problem(value: Any, *, limit: int = MAX_TEXT) -> str:
    """Return what is wrong with a text for the database, "" when nothing is."""
    if not isinstance(value, str):
        return ""
    if "\0" in value:
        # PostgreSQL refuses it, SQLite takes it.
        return "Null characters are not allowed."
    if len(value) > limit:
        return f"Ensure this value has at most {limit} characters (it has {len(value)})."
    return ""
