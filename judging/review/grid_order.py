"""The orders of the review grid, paged by keyset: a page deep in the list costs no more than the first.

An order is a row of bands, each one a condition and the columns that sort it within an index. Grades make a band each,
unjudged rows the last one, whichever way the grades run: so the index (run, grade, position, rank) serves both
directions with the ranked lists in their order, and databases that sort NULL differently answer the same.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Expression, F, FloatField, Q, QuerySet
from django.db.models.functions import Abs, Cast

from judging.foundation.errors import Invalid
from judging.foundation.scales import Scale
from judging.models import Candidate
from judging.review.grid_filter import GridFilter, hidden_from_blind

ORDERINGS = tuple(
    sign + name for name in ("query", "rank", "effective_grade", "ai_grade", "disagreement") for sign in ("", "-")
)
DEFAULT_ORDERING = "query"
_LISTED = ("position", "rank")


@dataclass(frozen=True, slots=True)
class Band:
    """A part of an order: which rows, and the columns that sort them ("-": falling)."""

    condition: Q
    keys: tuple[str, ...] = _LISTED


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place between two rows: next to the row at `keys` in a band, on the side in the direction of reading."""

    band: int
    keys: tuple[float, ...]
    is_backward: bool = False


def bands_of(ordering: str, grid_filter: GridFilter, scale: Scale, *, is_blind: bool = False) -> list[Band]:
    """Return the bands of an order; for who is blind, lists are shuffled (`place` says how).

    Raise Invalid when there is no such order, or none for who is blind (code blind).
    """
    if ordering not in ORDERINGS:
        raise Invalid("unknown ordering", errors={"ordering": [f"one of {', '.join(ORDERINGS)}"]})
    falls, name = ordering.startswith("-"), ordering.removeprefix("-")
    if is_blind:
        if name != "query":
            raise hidden_from_blind("ordering")
        return [Band(Q(), ("-position" if falls else "position", "shuffled", "pk"))]
    if name == "query":
        return [Band(Q(), ("-position", "rank") if falls else _LISTED)]
    if name == "rank":
        return [Band(Q(), ("-rank", "position") if falls else ("rank", "position"))]
    if name == "disagreement":
        is_known = Q(people_mean__isnull=False, ai_grade__isnull=False)
        return [Band(is_known, ("-disagreement" if falls else "disagreement", *_LISTED)), Band(~is_known)]
    bounds = grid_filter.grade_bounds() if name == "effective_grade" else grid_filter.ai_grade_bounds()
    # A band that the filter excludes is not read, but keeps its number: a cursor must not depend on the filter.
    nothing = Q(pk__in=[])
    grades = [
        Band(Q(**{name: grade}) if bounds is None or bounds[0] <= grade <= bounds[1] else nothing)
        for grade in range(scale.minimum, scale.maximum + 1)
    ]
    if falls:
        grades.reverse()
    return [*grades, Band(Q(**{f"{name}__isnull": True}) if bounds is None else nothing)]


def place(
    candidates: QuerySet[Candidate],
    bands: list[Band],
    cursor: Cursor | None,
    limit: int,
    shuffled: Expression | None = None,
) -> list[tuple[int, Cursor]]:
    """Return up to `limit` candidate ids from the cursor on, in the order of the grid, each with its own place.

    One statement. `shuffled` is what the bands of the blind sort by. A page read backwards holds the `limit` rows before the cursor.
    """
    is_backward = cursor is not None and cursor.is_backward
    width = max(len(band.keys) for band in bands)
    parts: list[str] = []
    parameters: list[Any] = []
    for number, band in enumerate(bands):
        if cursor is not None and (number > cursor.band if is_backward else number < cursor.band):
            continue
        rows = candidates.filter(band.condition)
        if any("disagreement" in key for key in band.keys):
            rows = rows.annotate(disagreement=Abs(F("people_mean") - Cast("ai_grade", FloatField())))
        if shuffled is not None:
            rows = rows.annotate(shuffled=shuffled)
        if cursor is not None and number == cursor.band:
            rows = rows.filter(_beyond(band.keys, cursor.keys, is_backward=is_backward))
        rows = rows.order_by(*(_reversed(key) if is_backward else key for key in band.keys))
        columns = [F(key.removeprefix("-")) for key in band.keys]
        columns += [columns[-1]] * (width - len(columns))
        try:
            sql, part_parameters = rows.values_list("pk", *columns)[:limit].query.sql_with_params()
        except EmptyResultSet:
            continue
        parts.append(f"SELECT {number} AS band, part{number}.* FROM ({sql}) part{number}")
        parameters.extend(part_parameters)
    if not parts:
        return []
    with connection.cursor() as database:
        database.execute(" UNION ALL ".join(parts), parameters)
        found = database.fetchall()
    # Each part comes sorted, but SQL does not promise the order of the parts.
    found.sort(key=lambda row: row[0], reverse=is_backward)
    found = found[:limit]
    if is_backward:
        found.reverse()
    return [(row[1], Cursor(row[0], tuple(row[2 : 2 + len(bands[row[0]].keys)]))) for row in found]


def _reversed(key: str) -> str:
    return key.removeprefix("-") if key.startswith("-") else f"-{key}"


def _beyond(keys: tuple[str, ...], values: tuple[float, ...], *, is_backward: bool) -> Q:
    """Return the condition of the rows after (or before) the one with these values."""
    beyond = Q(pk__in=[])
    same = Q()
    for key, value in zip(keys, values, strict=True):
        name = key.removeprefix("-")
        beyond |= same & Q(**{f"{name}__{_comparison(key, is_backward)}": value})
        same &= Q(**{name: value})
    # Redundant, but it lets the databases start reading the index at this place.
    return Q(**{f"{keys[0].removeprefix('-')}__{_comparison(keys[0], is_backward)}e": values[0]}) & beyond


def _comparison(key: str, is_backward: bool) -> str:
    return "lt" if key.startswith("-") != is_backward else "gt"


def write_cursor(ordering: str, cursor: Cursor) -> str:
    """Return a cursor as text for a URL."""
    text = json.dumps([ordering, cursor.band, list(cursor.keys), int(cursor.is_backward)], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str, ordering: str, bands: list[Band]) -> Cursor:
    """Read a cursor that `write_cursor` made for this ordering. Raise Invalid."""
    try:
        made_for, band, keys, is_backward = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if made_for != ordering or type(band) is not int or not 0 <= band < len(bands):
            raise ValueError(text)
        if len(keys) != len(bands[band].keys) or not all(
            type(key) in (int, float) and abs(key) < 2**53 for key in keys
        ):
            raise ValueError(text)
        return Cursor(band, tuple(keys), bool(is_backward))
    except (ValueError, TypeError, RecursionError, binascii.Error):
        raise Invalid("not a cursor of this list", errors={"cursor": ["not a cursor of this list"]}) from None
