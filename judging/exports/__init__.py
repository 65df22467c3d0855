"""Runs, judgments and judging runs as files, streamed."""

from judging.exports.items import export_judging_run
from judging.exports.judgments import export_judgments
from judging.exports.runs import export_run
from judging.records.files.formats import (
    ITEM_FORMATS,
    JUDGMENT_FORMATS,
    RUN_FORMATS,
    ExportFormat,
    checked_format,
    export_file_name,
)

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
