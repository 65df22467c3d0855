"""The rows of a batch as CSV."""

from collections.abc import Iterator

from judging.models import BatchExecution, EvaluatorResult, ResultStatus
from judging.records.files.cells import csv_line
from judging.responses.results.execution_reads import export_rows
from judging.templating.templates import to_json

COLUMNS = (
    "index",
    "status",
    "request",
    "response",
    "expected_output",
    "contexts",
    "turns",
    "evaluator_name",
    "score",
    "justification",
    "error_message",
    "execution_log_id",
)


def batch_csv_lines(batch: BatchExecution) -> Iterator[str]:
    """Yield a line per item and evaluator; an item that no evaluator was asked about has one line. Lists are JSON."""
    yield csv_line(COLUMNS)
    for row in export_rows(batch):
        given = row.item.input
        texts = (given.get(name) for name in ("request", "response", "expected_output"))
        lists = (to_json(given[name]) if given.get(name) else None for name in ("contexts", "turns"))
        before = (row.item.index, row.item.status, *texts, *lists)
        asked = [result for result in row.results if result.status != ResultStatus.SKIPPED]
        for result in row.results if asked else [None]:
            yield csv_line(
                (*before, *_result_cells(result, batch), row.item.error_message, str(row.execution_log_id or ""))
            )


def _result_cells(result: EvaluatorResult | None, batch: BatchExecution) -> tuple[str, float | None, str]:
    if result is None:
        return "", None, ""
    why = batch.error if result.status == ResultStatus.SKIPPED else result.failure_message
    return result.evaluator.name, result.score, result.justification or why
