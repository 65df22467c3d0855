"""What a single value of an imported file may be. Every function raises BadValue with the reason."""

import json
import math
import re
import unicodedata
from typing import Any, NoReturn

from judging.foundation.limits import MAX_DOCUMENT_KEY, MAX_FIELD_DEPTH, MAX_LABEL, MAX_QUERY_OBJECT, MAX_QUERY_TEXT
from judging.models import MatchMode, canonical_json, query_text
from judging.records.lists.corpus_rows import QueryBody
from judging.records.reading.upload import BadValue, shown

# Whole numbers as pandas ("3.0"), OpenSearch ("3.000") and spreadsheets with a decimal comma ("3,0") write them, too.
_WHOLE_NUMBER = re.compile(r"\s*([+-]?[0-9]{1,9})(?:[.,]0*)?\s*")
# Control characters and what else breaks a line, and half surrogate pairs.
_CONTROL = {"Cc", "Zl", "Zp", "Cs"}


def _refuse_constant(name: str) -> NoReturn:
    raise BadValue(f"{name} is not a number that JSON has")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise BadValue(f"the number {shown(digits)} is too large")
    return value


JSON_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)


def json_message(error: ValueError | RecursionError) -> str:
    """Say what is wrong with JSON that can't be decoded."""
    if isinstance(error, BadValue):
        return str(error)
    if isinstance(error, json.JSONDecodeError):
        return f"not valid JSON: {error.msg} (column {error.colno})"
    return "the JSON is nested too deeply" if isinstance(error, RecursionError) else "a number has too many digits"


def read_json(text: str) -> Any:
    """Return the JSON value of a line. Unlike json.loads alone, NaN, Infinity and numbers beyond a float are refused."""
    try:
        return JSON_DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise BadValue(json_message(error)) from None


def read_json_object(text: str) -> dict[str, Any]:
    value = read_json(text)
    if not isinstance(value, dict):
        raise BadValue("a JSON object is expected")
    return value


def check_storable(value: Any, depth: int = 0) -> None:
    """Refuse what the databases can't keep: NUL, half surrogate pairs, infinite numbers, deep nesting."""
    if isinstance(value, str):
        if "\x00" in value:
            raise BadValue("a text holds a NUL character")
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise BadValue("a text holds half a surrogate pair, which is no character") from None
    elif isinstance(value, dict | list):
        if depth == MAX_FIELD_DEPTH:
            raise BadValue(f"nested more than {MAX_FIELD_DEPTH} levels deep")
        if isinstance(value, dict):
            for key in value:
                check_storable(key)
        for member in value.values() if isinstance(value, dict) else value:
            check_storable(member, depth + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise BadValue("NaN and Infinity are not numbers that JSON has")


def is_whole_number(text: str) -> bool:
    return _WHOLE_NUMBER.fullmatch(text) is not None


def whole_number(value: Any) -> int | None:
    """Return a whole number that is given as one, as a float without fraction, or as text; None for anything else."""
    if isinstance(value, str):
        match = _WHOLE_NUMBER.fullmatch(value)
        return int(match[1]) if match else None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if type(value) is int else None


def read_name(value: Any, what: str, maximum: int) -> str:
    """Return an id or label: one line of text without outer white space. Whole numbers are taken as their digits."""
    if type(value) is int and abs(value) < 10**100:
        value = str(value)
    if not isinstance(value, str):
        raise BadValue(f"{what} must be text" if value is not None else f"{what} is missing")
    name = value.strip()
    if not name:
        raise BadValue(f"{what} is empty")
    if len(name) > maximum:
        raise BadValue(f"{what} is longer than {maximum} characters: {shown(name)}")
    # isprintable() is quick but also refuses U+00A0 and its like, which people do have in ids.
    control = "" if name.isprintable() else next((c for c in name if unicodedata.category(c) in _CONTROL), "")
    if control:
        raise BadValue(f"{what} {shown(name)} holds a control character (U+{ord(control):04X})")
    return name


def read_external_id(value: Any, what: str = "the document's id") -> str:
    return read_name(value, what, MAX_DOCUMENT_KEY)


def read_label(value: Any) -> str:
    """Return a query's label; none, null and an empty one are the same."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return ""
    return read_name(value, "query_id", MAX_LABEL)


def read_text(value: Any, what: str, maximum: int) -> str:
    if not isinstance(value, str):
        raise BadValue(f"{what} must be text")
    if len(value) > maximum:
        raise BadValue(f"{what} is longer than {maximum:,} characters")
    return value


def read_query(value: Any) -> QueryBody:
    """Return a query: a text, or an object whose `query` is one."""
    if value is None:
        raise BadValue("query is missing")
    if not isinstance(value, str | dict):
        raise BadValue('query must be text or an object with a "query" key')
    if isinstance(value, dict):
        if not isinstance(value.get("query"), str):
            raise BadValue('the query object needs a text under "query"')
        if len(canonical_json(value)) > MAX_QUERY_OBJECT:
            raise BadValue(f"the query object is longer than {MAX_QUERY_OBJECT:,} characters")
    text = query_text(value)
    if not text:
        raise BadValue("the query is empty")
    if len(text) > MAX_QUERY_TEXT:
        raise BadValue(f"the query is longer than {MAX_QUERY_TEXT:,} characters")
    return value


def read_query_cell(text: str, match_mode: str) -> QueryBody:
    """Return the query of a TSV or CSV cell. Where queries are told apart as objects, a cell may hold one as JSON."""
    if match_mode == MatchMode.OID and text.lstrip().startswith("{"):
        try:
            value = read_json_object(text)
        except BadValue as error:
            raise BadValue(f"a query that begins with {{ must be a JSON object: {error}") from None
        check_storable(value)
        return read_query(value)
    return read_query(text)


def read_fields(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadValue("fields must be an object")
    return value


def read_score(value: Any) -> float | None:
    if value is None:
        return None
    if type(value) not in (int, float):
        raise BadValue("score must be a number")
    try:
        score = float(value)
    except OverflowError:
        score = math.inf
    if not math.isfinite(score):
        raise BadValue("score must be a finite number")
    return score
