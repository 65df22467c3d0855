"""From an engine's answer to candidates in rank order, by a JMESPath expression.

An answer that can't be read is a failure, never an empty list: a path that leads nowhere gives null, and null is no
list. A candidate's position is never its id.
"""

import math
from dataclasses import dataclass, field
from typing import Any

from jmespath.exceptions import JMESPathError

from judging.engines.expressions import Expression, InvalidMapping, TooMuch, compile_expression, measure
from judging.engines.suggesting import SuggestedMapping, suggest_expressions
from judging.foundation.limits import MAX_BIG_INTEGER, MAX_DOCUMENT_KEY, MAX_FIELD_DEPTH, MAX_IMAGE, MAX_TITLE
from judging.foundation.text import clean_text, cut_text

__all__ = [
    "InvalidMapping",
    "MappedCandidate",
    "MappedPage",
    "Mapping",
    "MappingFailed",
    "SuggestedMapping",
    "compile_mapping",
    "suggest_mappings",
]

_PREVIEWED = 3


class MappingFailed(Exception):
    """An answer that gives no list. `code` is mapping_failed or duplicate_ids; the message names the rank."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class MappedCandidate:
    """A document at its rank. `image` is "" and `score` None where the mapping gives none."""

    id: str
    title: str
    image: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    score: float | None = None


@dataclass(frozen=True, slots=True)
class MappedPage:
    """Candidates in rank order, and how many match as the engine counts them (None: it does not say)."""

    total: int | None
    candidates: list[MappedCandidate]


class Mapping:
    """A compiled candidates mapping."""

    def __init__(self, expression: Expression) -> None:
        self._expression = expression

    def read(self, answer: Any, limit: int) -> MappedPage:
        """Read the first `limit` candidates of an answer, which is parsed JSON. Raise MappingFailed."""
        found = evaluate(self._expression, answer)
        if not isinstance(found, dict) or "candidates" not in found:
            raise _failed("The mapping must give an object with candidates (and total).")
        rows = found["candidates"]
        if rows is None:
            raise _failed("The mapping found no list of candidates: its path leads nowhere in this answer.")
        if not isinstance(rows, list):
            raise _failed(f"The candidates are {_kind(rows)}, not a list.")
        candidates: list[MappedCandidate] = []
        ranks: dict[str, int] = {}
        try:
            measure(rows[:limit])
            for rank, row in enumerate(rows[:limit], start=1):
                candidate = _candidate(row, rank)
                if candidate.id in ranks:
                    raise MappingFailed(
                        "duplicate_ids",
                        f"The id {candidate.id[:100]!r} stands at ranks {ranks[candidate.id]} and {rank}.",
                    )
                ranks[candidate.id] = rank
                candidates.append(candidate)
        except TooMuch:
            raise _failed("The candidates hold too many values.") from None
        return MappedPage(_total(found.get("total")), candidates)


def compile_mapping(expression: str) -> Mapping:
    """Compile a candidates mapping. Raise InvalidMapping."""
    return Mapping(compile_expression(expression))


def evaluate(expression: Expression, answer: Any) -> Any:
    """Evaluate an expression over an answer. Raise MappingFailed."""
    try:
        return expression.search(answer)
    except JMESPathError as error:
        raise _failed(f"The mapping does not fit this answer: {str(error).splitlines()[0][:300]}") from None
    except TooMuch:
        raise _failed("The mapping makes too much of this answer.") from None
    except RecursionError:
        raise _failed("The answer is nested too deeply for the mapping.") from None
    except (ValueError, TypeError, AttributeError, KeyError, ArithmeticError):
        # The library lets some through, for values that a function does not take.
        raise _failed("The mapping does not fit this answer.") from None


def suggest_mappings(sample: Any) -> list[SuggestedMapping]:
    """Propose mappings for an answer, the likeliest first: at most ten, each of which reads the sample."""
    suggestions: list[SuggestedMapping] = []
    for expression, path, count in suggest_expressions(sample):
        try:
            page = compile_mapping(expression).read(sample, _PREVIEWED)
        except (InvalidMapping, MappingFailed):
            continue
        preview = [{"id": one.id, "title": one.title} for one in page.candidates]
        suggestions.append(SuggestedMapping(expression, path, count, preview))
    return suggestions


def _candidate(row: Any, rank: int) -> MappedCandidate:
    if not isinstance(row, dict):
        raise _failed(f"Candidate {rank} is {_kind(row)}, not an object with id and title.")
    key = _id(row.get("id"), rank)
    fields = row.get("fields")
    try:
        return MappedCandidate(
            key,
            cut_text(_words(row.get("title")), MAX_TITLE) or key,
            _image(row.get("image")),
            _clean(fields, MAX_FIELD_DEPTH) if isinstance(fields, dict) else {},
            _score(row.get("score")),
        )
    except _TooDeep:
        raise _failed(f"The fields of candidate {rank} are nested more than {MAX_FIELD_DEPTH} deep.") from None


def _id(value: Any, rank: int) -> str:
    if value is None or value == "":
        raise _failed(f"Candidate {rank} has no id.")
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise _failed(f"The id of candidate {rank} is {_kind(value)}, not a text or number.")
    text = clean_text(_words(value)).strip()
    if not text:
        raise _failed(f"The id of candidate {rank} is empty.")
    if len(text) > MAX_DOCUMENT_KEY:
        raise _failed(f"The id of candidate {rank} is longer than {MAX_DOCUMENT_KEY} characters.")
    return text


def _words(value: Any) -> str:
    """Return a value as one line of text; of a list, as Solr has for any field, the first that is one."""
    if isinstance(value, list):
        value = next((item for item in value if isinstance(item, (str, int, float))), None)
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return ""
    if isinstance(value, float):
        if not math.isfinite(value):
            return ""
        if value.is_integer() and abs(value) < 2**53:
            return str(int(value))
    # int() and str() of the longest numbers are refused by Python, but the parser of JSON refuses them before.
    return str(value)


def _image(value: Any) -> str:
    text = clean_text(_words(value)).strip()
    # Cut, it would be no address.
    return text if len(text) <= MAX_IMAGE else ""


def _score(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _total(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, float) and math.isfinite(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return min(value, MAX_BIG_INTEGER)


class _TooDeep(Exception):
    pass


def _clean(value: Any, depth: int) -> Any:
    """Copy a JSON value into one that every database takes."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        if not depth:
            raise _TooDeep
        return {clean_text(name): _clean(inner, depth - 1) for name, inner in value.items()}
    if isinstance(value, list):
        if not depth:
            raise _TooDeep
        return [_clean(inner, depth - 1) for inner in value]
    return value


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    return {str: "a text", int: "a number", float: "a number", list: "a list", dict: "an object"}.get(
        type(value), "no JSON value"
    )


def _failed(message: str) -> MappingFailed:
    return MappingFailed("mapping_failed", message)
