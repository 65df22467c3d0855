"""The queries of a run with their metrics as a file: what the API lists, a column per metric where it is CSV."""

import json
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from judging.models import EvaluationRun, RunQuery
from judging.records.files.cells import csv_line
from judging.records.files.formats import ExportFormat, in_chunks
from judging.records.files.names import query_cell
from judging.records.reading.tags import tag_cell
from judging.runs.run_lists import coverage_shares

_ROWS = 2000


def query_columns(run_query: Any) -> dict[str, Any]:
    """Return of a query of `run_queries` what every interface lists, unrounded; shares are of 1."""
    return {
        "id": str(run_query.pk),
        "label": run_query.label,
        "query": run_query.body,
        "tags": run_query.tags,
        "position": run_query.position,
        "metric_values": run_query.metric_values,
        "coverage_values": coverage_shares(run_query),
        "candidate_count": run_query.candidate_count,
        "judged_count": run_query.judged_count,
        "has_no_results": run_query.has_no_results,
    }


def export_queries(run: EvaluationRun, queries: QuerySet[RunQuery], file_format: ExportFormat) -> Iterator[str]:
    """Write queries of a run, as `run_queries` returns them, as pieces of text.

    `json` is an array of what the API lists. In CSV a metric has a column by its name and one for its coverage; cells
    can't become formulas.
    """
    rows = map(query_columns, queries.iterator(chunk_size=_ROWS))
    return in_chunks(_json(rows) if file_format.name == "json" else _csv(run, rows), file_format)


def _json(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    before = "["
    for row in rows:
        yield f"{before}\n{json.dumps(row, ensure_ascii=False)}"
        before = ","
    yield "[]\n" if before == "[" else "\n]\n"


def _csv(run: EvaluationRun, rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    match_mode = run.evaluation.corpus.match_mode
    head = [part for name in run.metrics for part in (name, f"{name} coverage")]
    yield csv_line(
        ["id", "label", "query", "position", *head, "candidate_count", "judged_count", "has_no_results", "tags"]
    )
    for row in rows:
        values, shares = row["metric_values"], row["coverage_values"]
        yield csv_line(
            [
                row["id"],
                row["label"],
                query_cell(row["query"], match_mode),
                row["position"],
                *(part for name in run.metrics for part in (values.get(name), shares.get(name))),
                row["candidate_count"],
                row["judged_count"],
                str(row["has_no_results"]).lower(),
                tag_cell(row["tags"]),
            ]
        )
