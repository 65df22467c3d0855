"""Two runs query by query as CSV: the columns of the API, unrounded; `range` in two of them."""

from collections.abc import Iterator

from judging.models import EvaluationRun
from judging.records.files.cells import csv_line
from judging.records.files.formats import ExportFormat, in_chunks
from judging.records.files.names import query_cell
from judging.records.reading.tags import tag_cell
from judging.statistics.tables import Integers
from judging.trust.comparisons.queries.query_rows import query_rows
from judging.trust.comparisons.queries.query_table import QueryTable

COLUMNS = (
    "query_key",
    "query",
    "value_a",
    "value_b",
    "delta",
    "rbo",
    "jaccard",
    "entered",
    "left",
    "moved",
    "unjudged_a",
    "unjudged_b",
    "range_low",
    "range_high",
    "judged_only_delta",
    "tags",
)
_CHUNK = 1000


def export_table(
    a: EvaluationRun, b: EvaluationRun, table: QueryTable, order: Integers, file_format: ExportFormat
) -> Iterator[str]:
    """Write a table's queries in an order as pieces of text; cells can't become formulas."""
    return in_chunks(_lines(a, b, table, order), file_format)


def _lines(a: EvaluationRun, b: EvaluationRun, table: QueryTable, order: Integers) -> Iterator[str]:
    match_mode = b.evaluation.corpus.match_mode
    yield csv_line(COLUMNS)
    for start in range(0, len(order), _CHUNK):
        for row in query_rows(a, b, table, [int(place) for place in order[start : start + _CHUNK]]):
            yield csv_line(
                (
                    row.key,
                    query_cell(row.query, match_mode),
                    row.value_a,
                    row.value_b,
                    row.delta,
                    row.rbo,
                    row.jaccard,
                    row.entered,
                    row.left,
                    row.moved,
                    row.unjudged_a,
                    row.unjudged_b,
                    row.low,
                    row.high,
                    row.judged_only_delta,
                    tag_cell(row.tags),
                )
            )
