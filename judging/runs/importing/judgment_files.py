"""Reading files of judgments: CSV, JSONL or TREC qrels, a row at a time."""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from judging.foundation.errors import Invalid
from judging.foundation.limits import MAX_EMAIL, MAX_IMPORTED_REASONING, MAX_JUDGE_LABEL
from judging.foundation.scales import SCALES
from judging.records.corpus_rows import QueryBody
from judging.records.files.cells import restore
from judging.records.files.names import RATER_PREFIX
from judging.runs.importing.upload import BadValue, Line, Problems, SourceFile, shown
from judging.runs.importing.values import (
    check_storable,
    read_external_id,
    read_json_object,
    read_label,
    read_name,
    read_query,
    read_query_cell,
    read_text,
)

FILE_FORMATS = ("csv", "jsonl", "qrels")
# The author of grades that name none.
IMPORTED = "imported"

_COLUMNS = {"query_id", "query", "doc_id", "grade", "scale", "author", "kind", "judge", "reasoning", "created_at"}
# What the export of an AI judging run has beside these, and what its items without a grade are.
_ITEM_COLUMNS = {"rank", "status", "failure_code"}
_UNGRADED = ("failed", "skipped", "pending")
# Whether it is the AI's.
_KINDS = {"": False, "human": False, "ai": True}
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,9}")
_BY_EXTENSION = {
    "csv": "csv",
    "tsv": "csv",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "qrels": "qrels",
    "qrel": "qrels",
}

# A cell may be as long as a reasoning, which the csv module does not expect. The setting is the process's.
csv.field_size_limit(MAX_IMPORTED_REASONING + 2)


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

    The format is taken from the name or, where that says nothing, from the first line. Raises Invalid when `scale` or
    `file_format` is none we know.
    """

    def __init__(
        self, source: SourceFile, *, file_name: str, file_format: str | None, scale: str | None, match_mode: str
    ) -> None:
        if file_format is not None and file_format not in FILE_FORMATS:
            message = f"The format is one of {', '.join(FILE_FORMATS)}."
            raise Invalid(message, errors={"file_format": [message]})
        if scale and scale not in SCALES:
            message = f"The scale is one of {', '.join(SCALES)}."
            raise Invalid(message, errors={"scale": [message]})
        self._source, self._scale, self._match_mode = source, scale, match_mode
        self.file_format = file_format or _BY_EXTENSION.get(file_name.lower().rpartition(".")[2]) or self._sniffed()
        if self.file_format == "qrels" and not scale:
            message = "A qrels file says nothing of its scale: give it with the file."
            raise Invalid(message, errors={"scale": [message]})
        self.ignored_columns: set[str] = set()
        self.ungraded_count = 0

    def rows(self, problems: Problems) -> Iterator[JudgmentRow]:
        """Yield the rows that are right in themselves; the others go to `problems`.

        Items of an exported AI judging run that have no grade are no judgments: they are left out and counted.
        """
        self.ungraded_count = 0
        for number, values in getattr(self, f"_{self.file_format}_rows")(problems):
            if values.get("status") in _UNGRADED and values.get("grade") in (None, ""):
                self.ungraded_count += 1
                continue
            try:
                yield self._row(number, values)
            except BadValue as error:
                problems.add(self._source.name, number, str(error))

    def _sniffed(self) -> str:
        first = self._first_line()
        if first.lstrip().startswith("{"):
            return "jsonl"
        return "qrels" if len(first.split()) == 4 and "doc_id" not in first else "csv"

    def _row(self, number: int, values: dict[str, Any]) -> JudgmentRow:
        body: QueryBody | None = None
        query = values.get("query")
        if query is not None and query != "":
            is_cell = isinstance(query, str) and self.file_format == "csv"
            body = read_query_cell(query, self._match_mode) if is_cell else read_query(query)
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
        scale = values.get("scale") or self._scale
        if not scale:
            raise BadValue("no scale: give a scale column, or the scale with the file")
        scale = scale.strip() if isinstance(scale, str) else ""
        if scale not in SCALES:
            raise BadValue(f"the scale must be one of {', '.join(SCALES)}, not {shown(values.get('scale'))}")
        return JudgmentRow(
            line=number,
            label=label,
            body=body,
            external_id=read_external_id(values.get("doc_id"), "doc_id"),
            grade=_read_grade(values.get("grade"), scale, is_text=self.file_format != "jsonl"),
            scale=scale,
            is_ai=is_ai,
            author="" if is_ai else _read_author(values.get("author") or IMPORTED),
            judge=judge if is_ai else "",
            reasoning=read_text(values.get("reasoning") or "", "reasoning", MAX_IMPORTED_REASONING),
            created_at=_read_time(values.get("created_at")),
        )

    def _qrels_rows(self, problems: Problems) -> Iterator[tuple[int, dict[str, Any]]]:
        for line in self._source.lines(problems):
            columns = re.findall(r"[^ \t\r\n\f\v]+", line.text)
            if len(columns) == 4:
                yield line.number, {"query_id": columns[0], "doc_id": columns[2], "grade": columns[3]}
            else:
                message = f"4 columns are expected (query_id 0 doc_id grade), not {len(columns)}"
                problems.add(self._source.name, line.number, message)

    def _jsonl_rows(self, problems: Problems) -> Iterator[tuple[int, dict[str, Any]]]:
        for line in self._source.lines(problems):
            try:
                values = read_json_object(line.text)
                check_storable(values)
                self._rename_rater(values)
            except BadValue as error:
                problems.add(self._source.name, line.number, str(error))
                continue
            self._note_ignored(values.keys() - _COLUMNS - _ITEM_COLUMNS)
            yield line.number, values

    def _csv_rows(self, problems: Problems) -> Iterator[tuple[int, dict[str, Any]]]:
        header: list[str] | None = None
        for number, cells in self._csv_lines(problems):
            if header is None:
                header = self._read_header(number, cells, problems)
                if not header:
                    return
            elif len(cells) != len(header):
                message = f"{len(cells)} columns, but the header has {len(header)}"
                problems.add(self._source.name, number, message)
            else:
                yield number, {name: restore(cell) for name, cell in zip(header, cells, strict=True)}

    def _csv_lines(self, problems: Problems) -> Iterator[tuple[int, list[str]]]:
        # Cells may hold line ends, so a row may be several lines: it is reported under its first.
        start = 0

        def texts() -> Iterator[str]:
            nonlocal start
            for line in self._source.lines(problems, keep_ends=True):
                start = start or line.number
                yield line.text

        rows = csv.reader(texts(), delimiter=_delimiter(self._first_line()), strict=True)
        try:
            for cells in rows:
                if any(cell.strip() for cell in cells):
                    yield start, cells
                start = 0
        except csv.Error as error:
            problems.add(self._source.name, start, f"not valid CSV: {error}")

    def _first_line(self) -> str:
        return next(self._source.lines(Problems()), Line(1, "")).text

    def _read_header(self, number: int, cells: list[str], problems: Problems) -> list[str]:
        header = [cell.strip().lower() for cell in cells]
        try:
            values = dict.fromkeys(header, "")
            self._rename_rater(values)
            if len(values) < len(header):
                raise BadValue("a column stands twice in the header")
            if missing := {"doc_id", "grade"} - values.keys():
                raise BadValue(f"the header lacks {' and '.join(sorted(missing))}")
            if not values.keys() & {"query", "query_id"}:
                raise BadValue("the header has neither query_id nor query")
        except BadValue as error:
            problems.add(self._source.name, number, str(error))
            return []
        self._note_ignored(values.keys() - _COLUMNS - _ITEM_COLUMNS)
        return ["author" if name == "rater" else name for name in header]

    def _rename_rater(self, values: dict[str, Any]) -> None:
        if "rater" in values:
            if "author" in values:
                raise BadValue("rater and author are the same: give one of them")
            values["author"] = values.pop("rater")

    def _note_ignored(self, names: set[str]) -> None:
        if len(self.ignored_columns) < 10:
            self.ignored_columns |= names


def _delimiter(header: str) -> str:
    """Return what stands between the columns: comma, or the tab or semicolon that spreadsheets also write."""
    return max(",\t;", key=header.count)


def _read_grade(value: Any, scale: str, *, is_text: bool) -> int:
    if is_text and isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value.strip()):
        value = int(value)
    if value is None or value == "":
        raise BadValue("grade is missing")
    if value not in SCALES[scale]:
        maximum = SCALES[scale].maximum
        shown_value = value if isinstance(value, str) else json.dumps(value)
        raise BadValue(f"the grade must be a whole number from 0 to {maximum} ({scale}), not {shown(shown_value)}")
    return int(value)


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
