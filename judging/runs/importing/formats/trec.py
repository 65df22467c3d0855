"""TREC's files and MS MARCO's kin of them: qrels and runs, columns with white space between them, no header."""

import math
import re
from collections.abc import Iterator

from judging.foundation.limits import MAX_LABEL
from judging.records.reading.opening import Opening
from judging.records.reading.upload import BadValue, SourceFile, shown
from judging.records.reading.values import read_external_id, read_name
from judging.runs.importing.formats.shapes import Content, Format, JudgmentValues, Reading, RunRow

_RANK = re.compile(r"[0-9]{1,9}")
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}(?:\.0*)?")
_SCORE = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
# Not str.split(): it also splits at U+00A0 and other spaces that ids hold.
_COLUMN = re.compile(r"[^ \t\r\n\f\v]+")


def columns_of(line: str) -> list[str]:
    """Return the columns of a line, with whatever white space between them."""
    return _COLUMN.findall(line)


def read_rank(text: str) -> int:
    if not _RANK.fullmatch(text):
        raise BadValue(f"the rank must be a whole number, not {shown(text)}")
    return int(text)


def read_score_text(text: str) -> float:
    if not _SCORE.fullmatch(text) or not math.isfinite(score := float(text)):
        raise BadValue(f"the score must be a finite number, not {shown(text)}")
    return score


def _read_qrels(source: SourceFile, reading: Reading) -> Iterator[JudgmentValues]:
    for line in source.lines(reading.problems):
        columns = columns_of(line.text)
        if len(columns) == 4:
            yield JudgmentValues(line.number, {"query_id": columns[0], "doc_id": columns[2], "grade": columns[3]})
        else:
            message = f"4 columns are expected (query_id 0 doc_id grade), not {len(columns)}"
            reading.problems.add(source.name, line.number, message)


def _read_run(source: SourceFile, reading: Reading) -> Iterator[RunRow]:
    for line in source.lines(reading.problems):
        try:
            columns = columns_of(line.text)
            if len(columns) != 6:
                raise BadValue(f"6 columns are expected (query_id Q0 doc_id rank score tag), not {len(columns)}")
            label, _, external_id, rank, score, _ = columns
            rank_number, score_number = read_rank(rank), read_score_text(score)
            label, external_id = read_name(label, "query_id", MAX_LABEL), read_external_id(external_id, "doc_id")
            yield RunRow(line.number, label, None, external_id, rank_number, score_number, None)
        except BadValue as error:
            reading.problems.add(source.name, line.number, str(error))


def _read_msmarco_run(source: SourceFile, reading: Reading) -> Iterator[RunRow]:
    for line in source.lines(reading.problems):
        try:
            columns = columns_of(line.text)
            if len(columns) != 3:
                raise BadValue(f"3 columns are expected (query_id doc_id rank), not {len(columns)}")
            label = read_name(columns[0], "query_id", MAX_LABEL)
            external_id = read_external_id(columns[1], "doc_id")
            yield RunRow(line.number, label, None, external_id, read_rank(columns[2]), None, None)
        except BadValue as error:
            reading.problems.add(source.name, line.number, str(error))


def _is_qrels(opening: Opening) -> bool:
    columns = columns_of(opening.first)
    return (
        len(columns) == 4
        and _WHOLE.fullmatch(columns[3]) is not None
        and not columns[1].startswith("qid:")
        and not opening.is_object
    )


def _is_run(opening: Opening) -> bool:
    columns = columns_of(opening.first)
    return len(columns) == 6 and bool(_RANK.fullmatch(columns[3]) and _SCORE.fullmatch(columns[4]))


def _is_msmarco_run(opening: Opening) -> bool:
    columns = columns_of(opening.first)
    return len(columns) == 3 and _RANK.fullmatch(columns[2]) is not None and not opening.is_object


QRELS = Format("qrels", "TREC qrels (MS MARCO's, too)", Content.JUDGMENTS, _is_qrels, _read_qrels)
TREC_RUN = Format("trec_run", "a TREC run", Content.RUN, _is_run, _read_run)
MSMARCO_RUN = Format("msmarco_run", "an MS MARCO run", Content.RUN, _is_msmarco_run, _read_msmarco_run)
