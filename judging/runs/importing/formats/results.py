"""Results of a run with everything in one file: JSON lines, or an array, of queries with their candidates."""

from collections.abc import Iterator

from judging.records.reading.json_stream import json_values
from judging.records.reading.opening import Opening
from judging.records.reading.upload import SourceFile
from judging.runs.importing.formats.shapes import Content, Format, Reading, ResultValues


def _read(source: SourceFile, reading: Reading) -> Iterator[ResultValues]:
    for line, value in json_values(source, reading.problems):
        yield ResultValues(line, value)


def _is_result(opening: Opening) -> bool:
    return "candidates" in opening.first_object


RESULT_FORMATS = (
    Format(
        "jsonl",
        "JSON lines of queries with candidates",
        Content.RESULTS,
        lambda opening: not opening.is_array and _is_result(opening),
        _read,
    ),
    Format(
        "json",
        "a JSON array of queries with candidates",
        Content.RESULTS,
        lambda opening: opening.is_array and _is_result(opening),
        _read,
    ),
)
