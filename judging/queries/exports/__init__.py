"""Runs, judgments and judging runs as files, streamed."""

from judging.queries.exports.formats import (
    ITEM_FORMATS,
    JUDGMENT_FORMATS,
    RUN_FORMATS,
    ExportFormat,
    checked_format,
    export_file_name,
)
from judging.queries.exports.items import export_judging_run
from judging.queries.exports.judgments import export_judgments
from judging.queries.exports.runs import export_run

__all__ = [
    "ITEM_FORMATS",
    "JUDGMENT_FORMATS",
    "RUN_FORMATS",
    "ExportFormat",
    "checked_format",
    "export_file_name",
    "export_judging_run",
    "export_judgments",
    "export_run",
]
