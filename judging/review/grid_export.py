"""The rows of the review grid that a filter leaves, as CSV."""

from collections.abc import Iterator
from typing import Any

from judging.models import EvaluationRun, User
from judging.records.blindness import check_sighted
from judging.records.files.cells import csv_line
from judging.records.files.formats import ExportFormat, in_chunks
from judging.records.files.names import label_or_id, query_cell
from judging.review.grid import GridRow, all_grid_rows
from judging.review.grid_filter import GridFilter

COLUMNS = (
    "query_id", "query", "rank", "doc_id", "title", "effective_grade", "people_mean", "people_count", "people",
    "people_reasoning", "cant_tell", "ai_grade", "judge", "reasoning", "last_item_status", "failure_code",
)  # fmt: skip


def export_grid(
    run: EvaluationRun, *, viewer: User, grid_filter: GridFilter, ordering: str, file_format: ExportFormat | None = None
) -> Iterator[str]:
    """Write the candidates that a filter leaves, in an order, as pieces of text; cells can't become formulas.

    Raise Forbidden (blind).
    """
    check_sighted(run, viewer)
    return in_chunks(_lines(run, viewer, grid_filter, ordering), file_format)


def _lines(run: EvaluationRun, viewer: User, grid_filter: GridFilter, ordering: str) -> Iterator[str]:
    match_mode = run.evaluation.corpus.match_mode
    yield csv_line(COLUMNS)
    for row in all_grid_rows(run, viewer=viewer, grid_filter=grid_filter, ordering=ordering):
        told = _told(row, match_mode)
        yield csv_line([told[name] if name in told else getattr(row, name) for name in COLUMNS])


def _told(row: GridRow, match_mode: str) -> dict[str, Any]:
    """Return the cells that a row does not hold itself under the name of their column."""
    return {
        "query_id": label_or_id(row.query_label, row.run_query_id),
        "query": query_cell(row.query, match_mode),
        "doc_id": row.document_key,
        "people": "; ".join(f"{person.author}: {person.grade}" for person in row.people),
        "people_reasoning": "; ".join(
            f"{person.author}: {person.reasoning}" for person in row.people if person.reasoning
        ),
        "cant_tell": "; ".join(f"{each.person}: {each.reason}" for each in row.cant_tell),
        "judge": row.ai_judge_label,
    }
