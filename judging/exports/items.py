"""What an AI judging run said about every candidate, as a file, whatever came later."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Case, When

from judging.models import JudgingItem, JudgingRun
from judging.records.files.cells import csv_line
from judging.records.files.formats import ITEM_FORMATS, checked_format, in_chunks
from judging.records.files.names import json_line, label_or_id, query_cell

COLUMNS = (
    "query_id",
    "query",
    "doc_id",
    "rank",
    "status",
    "grade",
    "scale",
    "kind",
    "judge",
    "reasoning",
    "failure_code",
)
_ROWS = 2000


def export_judging_run(judging_run: JudgingRun, file_format: str) -> Iterator[str]:
    """Write a judging run's items, in the order of its evaluation run, as pieces of text. Raises Invalid."""
    known = checked_format(ITEM_FORMATS, file_format)
    return in_chunks(_jsonl(judging_run) if known.name == "jsonl" else _csv(judging_run), known)


def _csv(judging_run: JudgingRun) -> Iterator[str]:
    match_mode = judging_run.evaluation_run.evaluation.corpus.match_mode
    yield csv_line(COLUMNS)
    for label, body, *values in _items(judging_run):
        yield csv_line((label, query_cell(body, match_mode), *values))


def _jsonl(judging_run: JudgingRun) -> Iterator[str]:
    for values in _items(judging_run):
        yield json_line(dict(zip(COLUMNS, values, strict=True)))


def _items(judging_run: JudgingRun) -> Iterator[tuple[Any, ...]]:
    scale, judge = judging_run.evaluation_run.scale, judging_run.judge_version.label
    rows = (
        JudgingItem.objects.filter(judging_run=judging_run)
        .order_by("candidate__position", "candidate__rank")
        .values_list(
            "run_query_id",
            "run_query__label",
            "run_query__body",
            "candidate__document__external_id",
            Case(When(candidate__run__isnull=False, then="candidate__rank")),
            "status",
            "grade",
            "reasoning",
            "failure_code",
        )
    )
    for run_query_id, label, body, external_id, rank, status, grade, reasoning, code in rows.iterator(chunk_size=_ROWS):
        query_id = label_or_id(label, run_query_id)
        yield query_id, body, external_id, rank, status, grade, scale, "ai", judge, reasoning, code
