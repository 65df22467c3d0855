"""CSV cells that no spreadsheet takes for a formula, and back again."""

import re
from collections.abc import Iterable

# A cell that begins with one of these is run as a formula when the file is opened. A quote in front makes it text.
# Cells that hold such a quote of their own get one more, so that taking one off always gives the cell back.
_DANGEROUS = re.compile(r"'*[=+\-@\t\r\n]")
_DEFUSED = re.compile(r"'+[=+\-@\t\r\n]")
_NEEDS_QUOTES = re.compile(r'[",\r\n]|^\s|\s$')


def defuse(cell: str) -> str:
    """Return a cell as exports write it."""
    return f"'{cell}" if _DANGEROUS.match(cell) else cell


def restore(cell: str) -> str:
    """Undo `defuse`."""
    return cell[1:] if _DEFUSED.match(cell) else cell


def csv_line(cells: Iterable[str | int | float | None]) -> str:
    """Return a line of a CSV file, defused; None is an empty cell.

    Not csv.writer: with "\\n" as line end Python 3.11 leaves a cell with "\\r" unquoted and can't read it again.
    """
    return ",".join(_quoted(defuse(cell) if isinstance(cell, str) else cell) for cell in cells) + "\n"


def _quoted(cell: str | int | float | None) -> str:
    text = "" if cell is None else str(cell)
    if _NEEDS_QUOTES.search(text):
        text = text.replace('"', '""')
        return f'"{text}"'
    return text
