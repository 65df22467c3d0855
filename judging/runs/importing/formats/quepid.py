"""What Quepid exports: a case's ratings (query,docid,rating), and a book with a column for every rater."""

from collections.abc import Iterator

from judging.records.files.names import AI_PREFIX
from judging.records.reading.delimited import checked_cells, header_of, table_rows, trimmed_header
from judging.records.reading.opening import Opening
from judging.records.reading.spellings import plain
from judging.records.reading.upload import BadValue, SourceFile
from judging.runs.importing.formats.judgments import COLUMNS, QUEPID_COLUMNS, judgment_columns
from judging.runs.importing.formats.shapes import Content, Format, JudgmentValues, Reading

_BOOK_COLUMNS = QUEPID_COLUMNS[:2]


def _read_case(source: SourceFile, reading: Reading) -> Iterator[JudgmentValues]:
    """Read ratings. A query without any stands alone in its row: it is unrated."""
    width = len(QUEPID_COLUMNS)
    is_header = True
    for line, cells in table_rows(source, reading.problems):
        if is_header:
            is_header = False
            if [plain(name) for name in trimmed_header(cells)] == list(QUEPID_COLUMNS):
                continue
        if len(cells) == 1:
            reading.notes.unrated += 1
            continue
        try:
            query, external_id, rating = checked_cells(cells, width)
            yield JudgmentValues(line, {"query": query, "doc_id": external_id, "grade": rating})
        except BadValue as error:
            reading.problems.add(source.name, line, str(error))


def _read_book(source: SourceFile, reading: Reading) -> Iterator[JudgmentValues]:
    """Read the ratings of every rater; an empty cell says that this one has not rated the document."""
    raters: list[str] = []
    for line, cells in table_rows(source, reading.problems):
        try:
            if not raters:
                raters = _raters(trimmed_header(cells))
                continue
            query, external_id, *ratings = checked_cells(cells, len(raters) + 2)
        except BadValue as error:
            reading.problems.add(source.name, line, str(error))
            if not raters:
                return
            continue
        is_rated = False
        for rater, rating in zip(raters, ratings, strict=True):
            if rating.strip():
                is_rated = True
                yield JudgmentValues(line, {"query": query, "doc_id": external_id, "grade": rating, **_author(rater)})
        reading.notes.unrated += not is_rated


def _raters(header: list[str]) -> list[str]:
    if tuple(map(plain, header[:2])) != _BOOK_COLUMNS or len(header) < 3:
        raise BadValue("a book's header is query, docid and the raters")
    raters = checked_cells(header[2:], len(header) - 2)
    if not all(raters) or len(set(raters)) < len(raters):
        raise BadValue("every rater of a book has a name and one column")
    return raters


def _author(rater: str) -> dict[str, str]:
    if rater.startswith(AI_PREFIX) and (judge := rater.removeprefix(AI_PREFIX).strip()):
        return {"kind": "ai", "judge": judge}
    return {"author": rater}


def _is_case(opening: Opening) -> bool:
    return [plain(name) for name in trimmed_header(header_of(opening))] == list(QUEPID_COLUMNS)


def _is_book(opening: Opening) -> bool:
    header = trimmed_header(header_of(opening))
    if tuple(map(plain, header[:2])) != _BOOK_COLUMNS:
        return False
    try:
        names = judgment_columns(header)
    except BadValue:
        return False
    others = set(names[2:]) - COLUMNS
    return bool(others) and not others & {"rank", "score", "position", "title", "status"}


QUEPID_CASE = Format("quepid", "ratings of a Quepid case", Content.JUDGMENTS, _is_case, _read_case)
QUEPID_BOOK = Format("quepid_book", "a Quepid book", Content.JUDGMENTS, _is_book, _read_book)
