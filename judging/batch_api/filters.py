"""Query parameters of lists, read strictly: a value that makes no sense is refused, not ignored."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from judging.foundation.errors import Invalid

_Row = TypeVar("_Row", bound=Model)
_MAX_CHARS = 1_000
NOTHING = Q(pk__in=[])


def filtered(rows: QuerySet[_Row], request: Request, conditions: dict[str, Callable[[str], Q]]) -> QuerySet[_Row]:
    """Filter by the parameters that are there. Raise Invalid, every parameter that makes no sense named."""
    problems: dict[str, list[str]] = {}
    for name, condition in conditions.items():
        text = request.query_params.get(name, "")
        if not text:
            continue
        try:
            if len(text) > _MAX_CHARS or "\0" in text:
                raise ValueError
            text.encode()
            rows = rows.filter(condition(text))
        except (ValueError, OverflowError):
            problems[name] = [f"{name} can't be {text[:50]!r}."]
    if problems:
        name, messages = next(iter(problems.items()))
        raise Invalid(messages[0], errors=problems)
    return rows


def by_text(lookup: str) -> Callable[[str], Q]:
    return lambda text: Q(**{lookup: text})


def by_id(lookup: str) -> Callable[[str], Q]:
    return lambda text: Q(**{lookup: UUID(text)})


def by_choice(lookup: str, choices: Sequence[str]) -> Callable[[str], Q]:
    def condition(text: str) -> Q:
        if text not in choices:
            raise ValueError
        return Q(**{lookup: text})

    return condition


def by_flag(what: Q) -> Callable[[str], Q]:
    """Take true for what is so, false for what is not."""

    def condition(text: str) -> Q:
        if text.lower() not in ("true", "false"):
            raise ValueError
        return what if text.lower() == "true" else ~what

    return condition


def by_number(lookup: str) -> Callable[[str], Q]:
    def condition(text: str) -> Q:
        number = float(text)
        if not abs(number) < 1e300:  # NaN, too
            raise ValueError
        return Q(**{lookup: number})

    return condition


def by_time(lookup: str, *, is_end: bool = False) -> Callable[[str], Q]:
    """Take a moment, or a day: its beginning, or (`is_end`) its last moment. Without a zone it is UTC."""

    def condition(text: str) -> Q:
        # A plus that was not encoded arrives as a blank.
        moment = parse_datetime(text.replace(" ", "+") if "T" in text else text)
        if moment is None or len(text) <= len("2026-01-01"):
            day = parse_date(text)
            if day is None:
                raise ValueError
            clock = datetime.max.time() if is_end else datetime.min.time()
            moment = datetime.combine(day, clock)
        moment = moment if timezone.is_aware(moment) else moment.replace(tzinfo=UTC)
        # At once: at the ends of the calendar the database would find out that UTC has no such time.
        return Q(**{lookup: moment.astimezone(UTC)})

    return condition


def parameters(**descriptions: str) -> list[Any]:
    """Describe query parameters for OpenAPI."""
    return [OpenApiParameter(name, str, description=text) for name, text in descriptions.items()]
