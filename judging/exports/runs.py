"""An evaluation run as a file: TREC run or JSONL."""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from judging.models import Candidate, EvaluationRun, RunQuery
from judging.records.files.formats import RUN_FORMATS, checked_format, in_chunks
from judging.records.files.names import check_columns, json_line, label_or_id

_ROWS = 2000


def export_run(run: EvaluationRun, file_format: str) -> Iterator[str]:
    """Write a run's ranked candidates as pieces of text.

    `trec_run`: scores are the number of candidates from that rank on, so they fall strictly; queries without
    candidates don't appear. `jsonl`: what the import takes, and gives back unchanged. Raises Invalid for an unknown
    format and Conflict (not_exportable) for ids that TREC's columns can't hold, both before the first piece.
    """
    if checked_format(RUN_FORMATS, file_format).name == "jsonl":
        return in_chunks(_jsonl(run))
    check_columns(run, Candidate.objects.filter(run=run).order_by().values_list("document__external_id", flat=True))
    return in_chunks(_trec(run))


def _trec(run: EvaluationRun) -> Iterator[str]:
    tag = re.sub(r"\s+", "-", run.name.strip()) or "run"
    rows = (
        Candidate.objects.filter(run=run)
        .order_by("position", "rank")
        .values_list("run_query_id", "run_query__label", "run_query__candidate_count", "document__external_id", "rank")
    )
    for run_query_id, label, count, external_id, rank in rows.iterator(chunk_size=_ROWS):
        yield f"{label_or_id(label, run_query_id)} Q0 {external_id} {rank} {count - rank + 1} {tag}\n"


def _jsonl(run: EvaluationRun) -> Iterator[str]:
    candidates = (
        Candidate.objects.filter(run=run)
        .order_by("position", "rank")
        .values_list(
            "position",
            "document__external_id",
            "document_version__title",
            "document_version__fields",
            "document_version__image",
            "score",
        )
    )
    by_position = groupby(candidates.iterator(chunk_size=_ROWS), key=lambda row: row[0])
    position, rows = next(by_position, (None, iter(())))
    queries = RunQuery.objects.filter(run=run).order_by("position").values_list("position", "label", "body", "tags")
    for query_position, label, body, tags in queries.iterator(chunk_size=_ROWS):
        line: dict[str, Any] = {"query": body}
        if label:
            line["query_id"] = label
        if tags:
            line["tags"] = tags
        line["candidates"] = []
        if query_position == position:
            line["candidates"] = [_candidate(*row) for row in rows]
            position, rows = next(by_position, (None, iter(())))
        yield json_line(line)


def _candidate(
    _: int, external_id: str, title: str, fields: dict[str, Any], image: str, score: float | None
) -> dict[str, Any]:
    optional = {"fields": fields or None, "image": image or None, "score": score}
    return {"id": external_id, "title": title} | {key: value for key, value in optional.items() if value is not None}
