"""Read the two ways to ask: the parameters of GET /search, and a subset of Elasticsearch's _search body."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs

MAX_SIZE = 1_000
MAX_START = 10_000
MAX_QUERY_CHARACTERS = 10_000
MAX_BOOST = 1_000.0


class Refused(Exception):
    """An answer other than 200; the message is for the one who asked."""

    def __init__(self, message: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST, *, allow: str = "") -> None:
        super().__init__(message)
        self.status, self.allow = status, allow


@dataclass(frozen=True)
class Question:
    """What to search: `text` None means every document; `source` None means every field."""

    text: str | None
    weights: dict[str, float]
    size: int = 10
    start: int = 0
    source: tuple[str, ...] | None = None


def read_parameters(query_string: str, known: Sequence[str]) -> Question:
    try:
        values = parse_qs(query_string, keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise Refused("Too many parameters") from None
    if unknown := values.keys() - {"q", "size", "from", "fields"}:
        raise Refused(f"Unknown parameter {min(unknown)[:50]!r}: use q, size, from, fields")
    if "q" not in values:
        raise Refused("The parameter q is missing")
    if repeated := [name for name, given in values.items() if len(given) > 1]:
        raise Refused(f"The parameter {repeated[0]} stands there twice")
    one = {name: given[0] for name, given in values.items()}
    fields = one.get("fields", "title").split(",")
    size, start = _digits(one.get("size", "10"), "size"), _digits(one.get("from", "0"), "from")
    return Question(_text(one["q"]), _weights(fields, known), _bounded(size, "size"), _bounded(start, "from"))


def read_body(body: bytes, known: Sequence[str]) -> Question:
    try:
        asked = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise Refused("The body is not JSON") from None
    asked = _object(asked, "The body", {"query", "size", "from", "_source"})
    size, start = _bounded(asked.get("size", 10), "size"), _bounded(asked.get("from", 0), "from")
    source = asked.get("_source", True)
    names: tuple[str, ...] | None = None
    if source is False:
        names = ()
    elif source is not True:
        listed = [source] if isinstance(source, str) else source
        if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
            raise Refused("_source takes true, false, a field or a list of fields")
        names = tuple(listed)
    query = _object(asked.get("query", {"match_all": {}}), "query", {"match", "multi_match", "match_all"})
    if len(query) != 1:
        raise Refused("query takes exactly one of match, multi_match, match_all")
    kind, inner = next(iter(query.items()))
    if kind == "match_all":
        _object(inner, "match_all", set())
        return Question(None, {}, size, start, names)
    if kind == "multi_match":
        inner = _object(inner, "multi_match", {"query", "fields"})
        return Question(_text(inner.get("query")), _weights(inner.get("fields"), known), size, start, names)
    inner = _object(inner, "match", set(known))
    if len(inner) != 1:
        raise Refused("match takes exactly one field")
    field, value = next(iter(inner.items()))
    if isinstance(value, dict):
        value = _object(value, f"match.{field}", {"query"}).get("query")
    return Question(_text(value), {field: 1.0}, size, start, names)


def _object(value: object, name: str, allowed: set[str]) -> dict[str, object]:
    if not isinstance(value, dict):
        raise Refused(f"{name} must be an object")
    if unknown := value.keys() - allowed:
        raise Refused(f"{name}: {min(unknown)[:50]!r} is not supported by this small search service")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Refused("The query must be a text")
    if len(value) > MAX_QUERY_CHARACTERS:
        raise Refused(f"The query may have {MAX_QUERY_CHARACTERS:,} characters at most")
    return value


def _digits(value: str, name: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 9):
        raise Refused(f"{name} must be a number")
    return int(value)


def _bounded(value: object, name: str) -> int:
    most = MAX_SIZE if name == "size" else MAX_START
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise Refused(f"{name} must be a whole number from 0 to {most:,}")
    return value


def _weights(fields: object, known: Sequence[str]) -> dict[str, float]:
    if not isinstance(fields, list) or not fields:
        raise Refused("fields must be a list of fields")
    weights = {}
    for field in fields:
        if not isinstance(field, str):
            raise Refused("A field must be a text")
        name, has_boost, boost = field.partition("^")
        try:
            weight = float(boost) if has_boost else 1.0
        except ValueError:
            weight = math.nan
        if name not in known:
            raise Refused(f"Unknown field {name[:50]!r}: there are {', '.join(known)}")
        if not 0 < weight <= MAX_BOOST:
            raise Refused(f"The boost of {name} must be above 0 and at most {MAX_BOOST:,.0f}")
        weights[name] = weight
    return weights
