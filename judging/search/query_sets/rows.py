"""The queries of a set before they are stored: what a query may be, and what they must have in common."""

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from judging.foundation.limits import MAX_LABEL, MAX_SET_QUERIES
from judging.models import MatchMode, QueryKind, canonical_json, query_identity
from judging.records.lists.corpus_rows import QueryBody
from judging.records.reading.tags import read_tags
from judging.records.reading.upload import BadValue, Problems, shown
from judging.records.reading.values import check_storable, read_name, read_query

_ROW_MEMBERS = frozenset({"body", "label", "weight", "tags"})
# What answers have besides, so that what was read can be sent back.
_ANSWERED = frozenset({"position", "text", "inclusion_probability"})


@dataclass(frozen=True, slots=True)
class NewQuery:
    """A query to be stored. `weight` is how often it is asked, or how much it matters, in any unit."""

    body: QueryBody
    label: str = ""
    weight: float | None = None
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CheckedQueries:
    """Queries that can be one set. `content_hash` is of their bodies in their order."""

    rows: list[NewQuery]
    kind: str
    property_types: dict[str, str]
    content_hash: str


def read_row(value: Any) -> NewQuery:
    """Return a query from JSON: a text, an object with `query`, or a row `{body, label, weight, tags}`. Raise BadValue.

    A row is what the list of a set's queries answers; it is told from a query by having a `body` and no `query`.
    """
    check_storable(value)
    if not (isinstance(value, dict) and "body" in value and "query" not in value):
        return NewQuery(read_query(value))
    if unknown := value.keys() - _ROW_MEMBERS - _ANSWERED:
        raise BadValue(f"{shown(min(unknown))} is unknown beside body, label, weight and tags")
    return NewQuery(
        body=read_query(value["body"]),
        label=read_query_label(value.get("label")),
        weight=read_weight(value.get("weight")),
        tags=read_tags(value.get("tags")),
    )


def read_query_label(value: Any) -> str:
    if value is None or (isinstance(value, str) and not value.strip()):
        return ""
    return read_name(value, "label", MAX_LABEL)


def read_weight(value: Any) -> float | None:
    """Return a weight of at least 0, from a number or its digits; None where there is none. Raise BadValue."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadValue("weight must be a number")
    try:
        weight = float(value)
    except (ValueError, OverflowError):
        raise BadValue(f"weight must be a number, not {shown(value)}") from None
    if not math.isfinite(weight) or weight < 0:
        raise BadValue("weight must be a number of at least 0")
    return weight


def checked_queries(
    rows: Iterable[tuple[int, NewQuery]], problems: Problems, *, file: str, unit: str
) -> CheckedQueries:
    """Check queries, each with its number in lines or queries, against each other. Raise ImportRejected.

    All are texts or all are objects, properties of one name have one type (null has none), and no query and no label
    stands twice.
    """
    kept: list[NewQuery] = []
    check = _SetCheck()
    for number, row in rows:
        if len(kept) == MAX_SET_QUERIES:
            problems.add(file, number, f"a query set has at most {MAX_SET_QUERIES:,} queries", unit=unit)
            break
        try:
            check.add(number, row, unit)
        except BadValue as error:
            problems.add(file, number, str(error), unit=unit)
        kept.append(row)
    if not kept and not problems.total:
        problems.add(file, 0, "there are no queries in it")
    problems.raise_if_any()
    types = {name: kind for name, (kind, _) in check.types.items()}
    return CheckedQueries(kept, check.kind, types, content_hash_of(kept))


def content_hash_of(rows: Iterable[NewQuery]) -> str:
    hashed = hashlib.sha256()
    for row in rows:
        hashed.update(canonical_json(row.body).encode())
        hashed.update(b"\n")
    return hashed.hexdigest()


class _SetCheck:
    """What the queries so far have in common."""

    def __init__(self) -> None:
        self.kind = ""
        #: Of each property: its type, and the number of the query that had it first.
        self.types: dict[str, tuple[str, int]] = {}
        self._first = 0
        self._identities: dict[str, int] = {}
        self._labels: dict[str, int] = {}

    def add(self, number: int, row: NewQuery, unit: str) -> None:
        kind = QueryKind.OBJECT if isinstance(row.body, dict) else QueryKind.TEXT
        if not self.kind:
            self.kind, self._first = kind, number
        elif kind != self.kind:
            words: dict[str, str] = {QueryKind.TEXT: "a text", QueryKind.OBJECT: "an object"}
            raise BadValue(f"the query is {words[kind]}, but that of {unit} {self._first} is {words[self.kind]}")
        if isinstance(row.body, dict):
            self._check_types(number, row.body, unit)
        identity = query_identity(row.body, MatchMode.OID)
        if (earlier := self._identities.setdefault(identity, number)) != number:
            raise BadValue(f"the query of {unit} {earlier} stands here again")
        if row.label and (earlier := self._labels.setdefault(row.label, number)) != number:
            raise BadValue(f"the label {shown(row.label)} is that of {unit} {earlier}, too")

    def _check_types(self, number: int, body: Mapping[str, Any], unit: str) -> None:
        for name, value in body.items():
            if value is None:
                continue
            found = type_of(value)
            known, first = self.types.setdefault(name, (found, number))
            if known != found:
                raise BadValue(f"property {shown(name)} is of type {found}, but {known} in {unit} {first}")


def type_of(value: Any) -> str:
    """Name the type of a JSON value that is not null: string, number, boolean, array or object."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int | float):
        return "number"
    return "array" if isinstance(value, list) else "object"
