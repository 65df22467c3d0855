"""The queries of a run with their metrics as a file: what the API lists, a column per metric where it is CSV."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet

from judging.models import EvaluationRun, RunQuery
from judging.records.files.cells import csv_line
from judging.records.files.formats import ExportFormat, in_chunks
from judging.records.files.names import query_cell
from judging.records.reading.tags import tag_cell
from judging.runs.run_lists import coverage_shares
from judging.runs.tag_metrics import metrics_by_tag

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


def export_by_tag(run: EvaluationRun, file_format: ExportFormat) -> Iterator[str]:
    """Write a run's metrics by tag as pieces of text, a line or object per tag, as `export_queries` does per query."""
    rows = (asdict(each) for each in metrics_by_tag(run).tags)
    return in_chunks(_json(rows) if file_format.name == "json" else _tags_csv(run, rows), file_format)


def _json(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    before = "["
    for row in rows:
        yield f"{before}\n{json.dumps(row, ensure_ascii=False)}"
        before = ","
    yield "[]\n" if before == "[" else "\n]\n"


def _csv(run: EvaluationRun, rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    match_mode = run.evaluation.corpus.match_mode
    counts = ("candidate_count", "judged_count", "has_no_results")
    yield csv_line(["id", "label", "query", "position", *_metric_columns(run), *counts, "tags"])
    for row in rows:
        yield csv_line(
            [
                row["id"],
                row["label"],
                query_cell(row["query"], match_mode),
                row["position"],
                *_metric_cells(run, row),
                row["candidate_count"],
                row["judged_count"],
                str(row["has_no_results"]).lower(),
                tag_cell(row["tags"]),
            ]
        )


def _tags_csv(run: EvaluationRun, rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    yield csv_line(["tag", "query_count", "scored_query_count", *_metric_columns(run)])
    for row in rows:
        yield csv_line([row["tag"], row["query_count"], row["scored_query_count"], *_metric_cells(run, row)])


def _metric_columns(run: EvaluationRun) -> list[str]:
    return [part for name in run.metrics for part in (name, f"{name} coverage")]


def _metric_cells(run: EvaluationRun, row: dict[str, Any]) -> list[float | None]:
    values, shares = row["metric_values"], row["coverage_values"]
    return [part for name in run.metrics for part in (values.get(name), shares.get(name))]
