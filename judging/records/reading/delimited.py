"""Tables with a header: CSV with commas, semicolons, tabs or what a first line `sep=` says."""

import csv
import re
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from judging.foundation.limits import MAX_IMPORTED_REASONING
from judging.records.files.cells import restore
from judging.records.reading.opening import Opening
from judging.records.reading.upload import BadValue, Line, Problems, SourceFile

# A cell may be as long as a reasoning, which the csv module does not expect. The setting is the process's.
csv.field_size_limit(MAX_IMPORTED_REASONING + 2)

_DELIMITERS = ",\t;"
_SEP = re.compile(r'\s*"?sep=(.)"?\s*', re.IGNORECASE)


class TableRow(NamedTuple):
    """A row of a table and the line it begins in."""

    line: int
    cells: list[str]


def header_of(opening: Opening) -> list[str]:
    """Return the cells of a table's first line, whatever they are."""
    lines = opening.lines
    separator = _SEP.fullmatch(lines[0]) if lines else None
    header = lines[1:2] if separator else lines[:1]
    if not header:
        return []
    delimiter = separator.group(1) if separator else _delimiter(header[0])
    try:
        return [cell.strip() for cell in next(csv.reader(header, delimiter=delimiter, skipinitialspace=True), [])]
    except (csv.Error, TypeError, ValueError):
        return []


def table_rows(source: SourceFile, problems: Problems) -> Iterator[TableRow]:
    """Yield the rows of a table, the header first, without those that are blank. What is no CSV goes to `problems`."""
    lines = source.lines(problems, keep_ends=True)
    first = next(_not_blank(lines), None)
    if first is None:
        return
    if separator := _SEP.fullmatch(first.text):
        rest, delimiter = lines, separator.group(1)
    else:
        rest, delimiter = chain([first], lines), _delimiter(first.text)
    # Cells may hold line ends, so a row may be several lines: it is reported under its first.
    start = 0

    def texts() -> Iterator[str]:
        nonlocal start
        for line in rest:
            start = start or line.number
            yield line.text

    try:
        for cells in csv.reader(texts(), delimiter=delimiter, strict=True, skipinitialspace=True):
            if any(map(str.strip, cells)):
                yield TableRow(start, cells)
            start = 0
    except (csv.Error, TypeError, ValueError) as error:
        problems.add(source.name, start or first.number, f"not valid CSV: {error}")


def checked_cells(cells: list[str], width: int) -> list[str]:
    """Return as many cells as the header has, as they were before they were defused. Raises BadValue."""
    if len(cells) != width:
        if len(cells) < width or any(map(str.strip, cells[width:])):
            columns = "1 column" if len(cells) == 1 else f"{len(cells)} columns"
            raise BadValue(f"{columns}, but the header has {width}")
        # A spreadsheet leaves empty columns behind.
        cells = cells[:width]
    return [restore(cell) for cell in cells]


def trimmed_header(cells: list[str]) -> list[str]:
    """Return a header without the empty cells at its end."""
    header = [cell.strip() for cell in cells]
    while header and not header[-1]:
        header.pop()
    return header


def _not_blank(lines: Iterator[Line]) -> Iterator[Line]:
    return (line for line in lines if line.text.strip())


def _delimiter(header: str) -> str:
    """Return what stands between the columns: comma, or the tab or semicolon that spreadsheets also write."""
    return max(_DELIMITERS, key=header.count)
