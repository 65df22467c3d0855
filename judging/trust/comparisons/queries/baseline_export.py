"""Runs against a baseline as CSV: a line for each query and run, unrounded; empty figures where there is no answer."""

from collections.abc import Iterator

from judging.records.files.cells import csv_line
from judging.records.files.formats import ExportFormat, in_chunks
from judging.records.files.names import query_cell
from judging.statistics.tables import Integers
from judging.trust.comparisons.queries.baseline_table import BaselineTable, baseline_rows

COLUMNS = (
    "query_key",
    "query",
    "run_id",
    "run",
    "rbo",
    "jaccard",
    "entered",
    "left",
    "moved",
    "returned_baseline",
    "returned",
)
_CHUNK = 1000


def export_baseline_table(table: BaselineTable, order: Integers, file_format: ExportFormat) -> Iterator[str]:
    """Write a table's queries in an order as pieces of text; cells can't become formulas."""
    return in_chunks(_lines(table, order), file_format)


def _lines(table: BaselineTable, order: Integers) -> Iterator[str]:
    match_mode = table.baseline.evaluation.corpus.match_mode
    yield csv_line(COLUMNS)
    for start in range(0, len(order), _CHUNK):
        for row in baseline_rows(table, [int(place) for place in order[start : start + _CHUNK]]):
            query = query_cell(row.query, match_mode)
            for cell in row.cells:
                figures = (cell.rbo, cell.jaccard, cell.entered, cell.left, cell.moved)
                lengths = (row.baseline.returned, cell.returned)
                yield csv_line((row.key, query, str(cell.run.pk), cell.run.name, *figures, *lengths))
