"""An engine's answer as the bench shows it: row by row, with what each id is. Runs read with `Mapping.read` alone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal

from judging.engines.expressions import compile_expression
from judging.engines.mapping import InvalidMapping, MappedCandidate, MappingFailed, compile_mapping, evaluate
from judging.foundation.limits import MAX_DOCUMENT_KEY, MAX_TITLE
from judging.foundation.text import clean_text, cut_text

IdKind = Literal["text", "number", "null", "empty", "repeated", "unusable"]
# What a run refuses; numbers become texts, as they do there.
REFUSED_KINDS: Final = frozenset({"null", "empty", "repeated", "unusable"})
_PLACES = 5


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A row of the list at its rank, from 1, whether or not a run would take it."""

    rank: int
    id: str
    id_kind: IdKind
    title: str
    image: str = ""
    score: float | None = None
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def is_refused(self) -> bool:
        return self.id_kind in REFUSED_KINDS


@dataclass(frozen=True, slots=True)
class Reading:
    """What a mapping makes of an answer. `failure_code` is "" when a run would take the list."""

    total: int | None
    rows: list[ReadRow]
    failure_code: str = ""
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Tell whether it is a true empty list, which is not a failure."""
        return not self.failure_code and not self.rows


def read_answer(answer: Any, candidates_mapping: str, limit: int) -> Reading:
    """Read the first `limit` rows of an answer, which is parsed JSON. Raise InvalidMapping."""
    try:
        page = compile_mapping(candidates_mapping).read(answer, limit)
    except MappingFailed as error:
        rows = _rows(answer, candidates_mapping, limit)
        return Reading(None, rows, error.code, [error.message, *_told(rows)])
    kinds = {row.rank: row.id_kind for row in _rows(answer, candidates_mapping, limit)}
    rows = listed(page.candidates, kinds)
    return Reading(page.total, rows, notes=_notes(page.total, rows))


def listed(candidates: Sequence[MappedCandidate], kinds: Mapping[int, IdKind] = MappingProxyType({})) -> list[ReadRow]:
    """Return candidates of a list that a run would take as rows; `kinds` are those of ids that are no texts, by rank."""
    return [
        ReadRow(rank, one.id, kinds.get(rank, "text"), one.title, one.image, one.score, one.fields)
        for rank, one in enumerate(candidates, start=1)
    ]


def _notes(total: int | None, rows: list[ReadRow]) -> list[str]:
    if not rows:
        return ["A true empty list: the engine says that nothing matches."]
    notes = []
    if numeric := sum(row.id_kind == "number" for row in rows):
        notes.append(f"{numeric} of {len(rows)} ids are numbers: they become texts.")
    if total is None:
        notes.append("How many match in all is not told, or the mapping does not say where it stands.")
    return notes


def _rows(answer: Any, candidates_mapping: str, limit: int) -> list[ReadRow]:
    """Return the rows that the mapping finds, as far as it finds any."""
    try:
        found = evaluate(compile_expression(candidates_mapping), answer)
    except (MappingFailed, InvalidMapping):
        return []
    listed = found.get("candidates") if isinstance(found, dict) else None
    seen: set[str] = set()
    rows: list[ReadRow] = []
    for rank, row in enumerate(listed[:limit] if isinstance(listed, list) else [], start=1):
        value = row.get("id") if isinstance(row, dict) else None
        kind = _kind(value, seen)
        key = "" if value is None else cut_text(clean_text(str(value)), MAX_DOCUMENT_KEY)
        seen.add(key)
        title = row.get("title") if isinstance(row, dict) else None
        rows.append(ReadRow(rank, key, kind, "" if title is None else cut_text(clean_text(str(title)), MAX_TITLE)))
    return rows


def _kind(value: Any, seen: set[str]) -> IdKind:
    if value is None:
        return "null"
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return "unusable"
    text = clean_text(str(value)).strip()
    if not text:
        return "empty"
    if text in seen:
        return "repeated"
    return "text" if isinstance(value, str) else "number"


def _told(rows: list[ReadRow]) -> list[str]:
    """Say of each kind of refused id how often and where it stands."""
    words = {
        "null": "have no id",
        "empty": "have an empty id",
        "repeated": "repeat an id",
        "unusable": "have an id that is neither text nor number",
    }
    counts = Counter(row.id_kind for row in rows if row.is_refused)
    told = []
    for kind, count in counts.items():
        ranks = [str(row.rank) for row in rows if row.id_kind == kind][:_PLACES]
        more = " …" if count > len(ranks) else ""
        told.append(f"{count} of {len(rows)} rows {words[kind]}: rank {', '.join(ranks)}{more}.")
    return told
