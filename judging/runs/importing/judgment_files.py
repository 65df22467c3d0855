"""Judgments of a file, whatever its format: each row checked, those that are no judgments left out and counted."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from judging.foundation.limits import MAX_EMAIL, MAX_IMPORTED_REASONING, MAX_JUDGE_LABEL
from judging.foundation.scales import SCALES
from judging.records.files.names import RATER_PREFIX
from judging.records.lists.corpus_rows import QueryBody
from judging.records.reading.upload import BadValue, SourceFile, shown
from judging.records.reading.values import (
    read_external_id,
    read_label,
    read_name,
    read_query,
    read_query_cell,
    read_text,
    whole_number,
)
from judging.runs.importing.formats.shapes import Format, JudgmentValues, Reading

# The author of grades that name none.
IMPORTED = "imported"
# Formats that may name a scale in their rows; the others say nothing of it.
_WITH_SCALE = ("csv", "jsonl", "json")
_JSON = ("jsonl", "json")
# Items of an exported AI judging run without a grade.
_UNGRADED = ("failed", "skipped", "pending")
# How tables say that a pair was not rated.
_UNRATED = frozenset(("", "nan", "na", "n/a", "null", "none", "-"))
# Whether it is the AI's.
_KINDS = {"": False, "human": False, "ai": True}


@dataclass(frozen=True, slots=True)
class JudgmentRow:
    """A line of a judgments file. The query is a body, or else None and known by its label."""

    line: int
    label: str
    body: QueryBody | None
    external_id: str
    grade: int
    scale: str
    is_ai: bool
    author: str
    judge: str
    reasoning: str
    created_at: datetime | None


class JudgmentFile:
    """A file of judgments whose rows can be read again and again.

    `scale` is that of rows which name none, `assumed_scale` that of rows which still have none then.
    """

    def __init__(
        self,
        source: SourceFile,
        known: Format[JudgmentValues],
        *,
        scale: str | None,
        assumed_scale: str | None = None,
    ) -> None:
        self._source, self._known = source, known
        self._scale, self._assumed_scale = scale, assumed_scale

    @property
    def has_scales(self) -> bool:
        """Whether its rows may name their scale."""
        return self._known.name in _WITH_SCALE

    def rows(self, reading: Reading) -> Iterator[JudgmentRow]:
        """Yield the rows that are right in themselves; what is wrong goes to the problems, the rest is counted.

        No judgments are rows without a grade, items of an exported AI judging run that have none, and grades below 0,
        which TREC gives what was not judged.
        """
        notes = reading.notes
        for number, values in self._known.read(self._source, reading):
            grade = values.get("grade")
            if grade is None or (isinstance(grade, str) and grade.strip().lower() in _UNRATED):
                if values.get("status") in _UNGRADED:
                    notes.ungraded_items += 1
                else:
                    notes.unrated += 1
                continue
            if (whole := whole_number(grade)) is not None and whole < 0:
                notes.negative += 1
                continue
            try:
                yield self._row(number, values, whole, reading)
            except BadValue as error:
                reading.problems.add(self._source.name, number, str(error))

    def _row(self, number: int, values: Mapping[str, Any], grade: int | None, reading: Reading) -> JudgmentRow:
        body: QueryBody | None = None
        query = values.get("query")
        if query is not None and query != "":
            is_cell = isinstance(query, str) and self._known.name not in _JSON
            body = read_query_cell(query, reading.match_mode) if is_cell else read_query(query)
        label = read_label(values.get("query_id"))
        if body is None and not label:
            raise BadValue("query_id or query is needed")
        kind = values.get("kind") or ""
        if not isinstance(kind, str) or kind.strip().lower() not in _KINDS:
            raise BadValue(f"kind must be human or ai, not {shown(kind)}")
        is_ai = _KINDS[kind.strip().lower()]
        judge = values.get("judge") or ""
        if is_ai:
            judge = read_name(judge, "judge (needed with kind ai)", MAX_JUDGE_LABEL)
        scale = self._scale_of(values.get("scale"), reading)
        return JudgmentRow(
            line=number,
            label=label,
            body=body,
            external_id=read_external_id(values.get("doc_id"), "doc_id"),
            grade=_checked_grade(grade, values.get("grade"), scale),
            scale=scale,
            is_ai=is_ai,
            author="" if is_ai else _read_author(values.get("author") or IMPORTED),
            judge=judge if is_ai else "",
            reasoning=read_text(values.get("reasoning") or "", "reasoning", MAX_IMPORTED_REASONING),
            created_at=_read_time(values.get("created_at")),
        )

    def _scale_of(self, given: Any, reading: Reading) -> str:
        if given in (None, ""):
            if self._scale:
                return self._scale
            if self._assumed_scale:
                reading.notes.is_scale_assumed = True
                return self._assumed_scale
            raise BadValue("no scale: give a scale column, or the scale with the file")
        scale = given.strip() if isinstance(given, str) else ""
        if scale not in SCALES:
            raise BadValue(f"the scale must be one of {', '.join(SCALES)}, not {shown(given)}")
        return scale


def _checked_grade(grade: int | None, given: Any, scale: str) -> int:
    if grade is None or grade not in SCALES[scale]:
        maximum = SCALES[scale].maximum
        raise BadValue(f"the grade must be a whole number from 0 to {maximum} ({scale}), not {shown(given)}")
    return grade


def _read_author(value: Any) -> str:
    prefix = len(RATER_PREFIX) if isinstance(value, str) and value.startswith(RATER_PREFIX) else 0
    return read_name(value, "author", MAX_EMAIL + prefix)


def _read_time(value: Any) -> datetime | None:
    if value is None or value == "":
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (AttributeError, TypeError, ValueError, OverflowError):
        raise BadValue(f"created_at must be an ISO 8601 time, not {shown(value)}") from None
