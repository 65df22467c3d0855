"""The one table of what the files of an import can be, and how a file is recognised."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from judging.foundation.errors import Invalid
from judging.records.reading.delimited import header_of
from judging.records.reading.opening import Opening, opening_of, why_no_text
from judging.records.reading.spellings import DOCUMENT_IDS, LONE_QUERY_IDS, spelled
from judging.records.reading.upload import BadValue, SourceFile
from judging.runs.importing.formats.beir import BEIR_QRELS
from judging.runs.importing.formats.documents import DOCUMENT_FORMATS
from judging.runs.importing.formats.judgments import JUDGMENT_FORMATS
from judging.runs.importing.formats.opensearch import OPENSEARCH
from judging.runs.importing.formats.quepid import QUEPID_BOOK, QUEPID_CASE
from judging.runs.importing.formats.queries import QUERY_FORMATS
from judging.runs.importing.formats.ranklib import RANKLIB
from judging.runs.importing.formats.results import RESULT_FORMATS
from judging.runs.importing.formats.rre import RRE
from judging.runs.importing.formats.run_tables import RUN_TABLE
from judging.runs.importing.formats.shapes import Content, Format
from judging.runs.importing.formats.trec import MSMARCO_RUN, QRELS, TREC_RUN, columns_of

AUTO = "auto"

AnyFormat = Format[Any]
# By the name of the form field that takes the file.
FORMATS: Mapping[str, tuple[AnyFormat, ...]] = {
    "file": (*JUDGMENT_FORMATS, QRELS, BEIR_QRELS, QUEPID_CASE, QUEPID_BOOK, OPENSEARCH, RRE, RANKLIB),
    "results": (*RESULT_FORMATS, RUN_TABLE),
    "run": (TREC_RUN, MSMARCO_RUN, RUN_TABLE),
    "queries": QUERY_FORMATS,
    "documents": DOCUMENT_FORMATS,
}
# Where a file of some content belongs. Judgments are imported elsewhere than runs.
_PLACES = {
    Content.JUDGMENTS: "file (of an import of judgments)",
    Content.RESULTS: "results",
    Content.RUN: "run",
    Content.QUERIES: "queries",
    Content.DOCUMENTS: "documents",
}
_BY_EXTENSION = {"csv": "csv", "jsonl": "jsonl", "ndjson": "jsonl", "qrels": "qrels", "qrel": "qrels"}


def recognised(source: SourceFile, read_as: Mapping[str, str], *, file_name: str = "") -> AnyFormat:
    """Return the format of a file: the one that `read_as` names for its field, else the one that its beginning fits.

    What fits none is read as the nearest one, which says line by line what is wrong. Raises BadValue for what is no
    text, fits two formats, or belongs into another field.
    """
    field = source.name
    if message := why_no_text(source):
        raise BadValue(message)
    if name := read_as.get(field):
        return next(each for each in FORMATS[field] if each.name == name)
    opening = opening_of(source)
    fitting = [each for each in FORMATS[field] if each.fits(opening)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        labels, names = (" or ".join(values) for values in zip(*((f.label, f.name) for f in fitting), strict=True))
        raise BadValue(f"this may be {labels}: say which it is (read_as: {names})")
    if elsewhere := _elsewhere(field, opening):
        place = _PLACES[elsewhere.content]
        raise BadValue(f"this looks like {elsewhere.label}, which belongs into the field {place}, not into {field}")
    return _nearest(field, opening, file_name)


def _elsewhere(field: str, opening: Opening) -> AnyFormat | None:
    """Return a format of another field that a file fits."""
    for other, formats in FORMATS.items():
        if other != field:
            for each in formats:
                if each.fits(opening):
                    return each
    return None


def _nearest(field: str, opening: Opening, file_name: str) -> AnyFormat:
    formats = {each.name: each for each in FORMATS[field]}
    by_look = "json" if opening.is_array else "jsonl" if opening.is_object else ""
    if by_look in formats:
        return formats[by_look]
    if field != "file":
        # A header that names the rows says more than what else stands in it: products have ratings, too.
        header = header_of(opening)
        ids = LONE_QUERY_IDS if field == "queries" else DOCUMENT_IDS
        is_table = len(header) > 1 and spelled(header, ids) is not None
        return formats["csv"] if is_table else FORMATS[field][0]
    name = _BY_EXTENSION.get(file_name.lower().rpartition(".")[2], "")
    is_like_qrels = len(columns_of(opening.first)) == 4 and "," not in opening.first
    return formats[name or ("qrels" if is_like_qrels else "csv")]


def read_as_of(given: object, fields: Iterable[str]) -> dict[str, str]:
    """Return the format that is named for each of some fields of a form; those left to be recognised are missing.

    `given` is a name (of the first field that knows it), several with commas between them, `field=name`, or an object
    from field to name, as such or as JSON. Raises Invalid under read_as.
    """
    allowed = list(fields)
    found: dict[str, str] = {}
    for field, name in _pairs(given):
        if name in ("", AUTO):
            continue
        places = [field] if field else allowed
        place = next(
            (each for each in places if each in allowed and any(name == known.name for known in FORMATS[each])), None
        )
        if place is None:
            raise _unknown(field, name, allowed)
        found[place] = name
    return found


def _pairs(given: object) -> Iterable[tuple[str, str]]:
    if isinstance(given, str) and given.lstrip().startswith("{"):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            raise _invalid("The format of each file is an object from field to format name.") from None
    if isinstance(given, Mapping):
        if not all(isinstance(name, str) or name is None for pair in given.items() for name in pair):
            raise _invalid("The format of each file is an object from field to format name.")
        return [(str(field), (name or "").strip()) for field, name in given.items()]
    if given is None:
        return []
    if not isinstance(given, str):
        raise _invalid("The format is a name, or an object from field to name.")
    parts = [part.strip().partition("=") for part in given.split(",")]
    return [(left.strip(), right.strip()) if mark else ("", left.strip()) for left, mark, right in parts]


def _unknown(field: str, name: str, allowed: list[str]) -> Invalid:
    if field and field not in allowed:
        return _invalid(f'There is no file "{field[:60]}" here, but {", ".join(allowed)}.')
    places = [field] if field else allowed
    known = "; ".join(f"{place}: {', '.join(each.name for each in FORMATS[place])}" for place in places)
    return _invalid(f'No format "{name[:60]}" is known. Known are {AUTO} and, of {known}.')


def _invalid(message: str) -> Invalid:
    return Invalid(message, errors={"read_as": [message]})


def label_of(field: str, name: str) -> str:
    """Return what people are told that a file was read as."""
    return next(each.label for each in FORMATS[field] if each.name == name)
