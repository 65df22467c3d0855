"""Proposals for a candidates mapping from a sample of an answer: by the names of keys, without a model."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_MOST_SUGGESTIONS = 10
_MOST_VISITED = 5_000
_DEEPEST = 12
_LOOKED_AT = 20

_ID_NAMES = ("id", "_id", "objectid", "documentid", "docid", "_key", "key", "uuid", "guid", "sku", "asin", "productid")
_ID_NAMES_LESS = (
    "code",
    "ean",
    "gtin",
    "isbn",
    "pk",
    "slug",
    "handle",
    "url",
    "uri",
    "link",
    "href",
    "number",
    "rowid",
)
_TITLE_NAMES = ("title", "name", "productname", "producttitle", "label", "headline", "displayname", "heading")
_TITLE_NAMES_LESS = ("subject", "caption", "summary", "text", "content", "description", "snippet", "url", "question")
_TOTAL_NAMES = ("total", "numfound", "nbhits", "estimatedtotalhits", "totalhits", "found", "n_hits", "nhits")
_TOTAL_NAMES_MORE = ("totalcount", "total_count", "totalresults", "total_results", "count", "filtered_table_rows_count")
_SCORE_NAMES = ("score", "_score", "relevance", "_rankingscore", "textmatch", "rankscore")
_IMAGE_NAMES = ("image", "imageurl", "thumbnail", "thumbnailurl", "picture", "img")
_COLUMN_NAMES = ("columns", "fields", "header", "headers", "schema")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class SuggestedMapping:
    """A proposed expression, where its list stands in the sample, of how many rows, and how the first ones read."""

    expression: str
    path: str
    count: int
    preview: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class _Found:
    """A list in the sample: its path, its rows, and the values around it from the outermost on."""

    path: str
    rows: list[Any]
    around: tuple[tuple[str, Any], ...]


def suggest_expressions(sample: Any) -> list[tuple[str, str, int]]:
    """Return (expression, path, rows), the likeliest first."""
    scored: list[tuple[float, str, str, int]] = []
    for found in _lists(sample):
        proposal = _of_objects(found) if isinstance(found.rows[0], dict) else _of_rows(found)
        if proposal:
            scored.append((proposal[0], proposal[1], found.path or "@", proposal[2]))
    scored.sort(key=lambda entry: -entry[0])
    return [entry[1:] for entry in scored[:_MOST_SUGGESTIONS]]


def _lists(sample: Any) -> Iterator[_Found]:
    """Find lists of objects or of lists, the outermost first. Never raises, however deep the sample is."""
    pending: list[tuple[str, Any, tuple[tuple[str, Any], ...]]] = [("", sample, ())]
    for visited in range(_MOST_VISITED):
        if visited >= len(pending):
            return
        path, value, around = pending[visited]
        inner = (*around, (path, value))
        if len(inner) > _DEEPEST:
            continue
        if isinstance(value, dict):
            pending.extend((_joined(path, name), item, inner) for name, item in list(value.items())[:200])
        elif isinstance(value, list) and value:
            if all(isinstance(row, dict) for row in value) or all(isinstance(row, list) for row in value):
                yield _Found(path, value, around)
            pending.extend((f"{path}[{position}]", item, inner) for position, item in enumerate(value[:5]))


def _of_objects(found: _Found) -> tuple[float, str, int] | None:
    rows = found.rows[:_LOOKED_AT]
    # Keys of a row, and of objects in it, as `_source.title` or `document.id`.
    names = _keys_of(rows)
    key, key_score = _best(names, _ID_NAMES, _ID_NAMES_LESS, rows)
    if not key:
        return None
    title, title_score = _best(names, _TITLE_NAMES, _TITLE_NAMES_LESS, None)
    inner = title.path.rpartition(".")[0] if title else ""
    parts = [f"id: {key.path}", f"title: {_title_of(title, key)}"]
    for word, wanted in (("image", _IMAGE_NAMES), ("score", _SCORE_NAMES)):
        if named := next((one for one in names if one.plain in wanted), None):
            parts.append(f"{word}: {named.path}")
    parts.append(f"fields: {inner or '@'}")
    expression = f"{{total: {_total_near(found)}, candidates: {found.path or '@'}[*].{{{', '.join(parts)}}}}}"
    return key_score + title_score + min(len(found.rows), 10) / 20 - len(found.around) / 50, expression, len(found.rows)


def _of_rows(found: _Found) -> tuple[float, str, int] | None:
    columns, first = _columns_of(found)
    rows = [row for row in found.rows[first : first + _LOOKED_AT] if isinstance(row, list)]
    if not rows:
        return None
    width = min(len(row) for row in rows)
    names = [
        _Key(f"[{position}]", _plain(columns[position]) if position < len(columns) else "")
        for position in range(min(width, 200))
        if all(isinstance(row[position], (str, int, float)) for row in rows)
    ]
    key, key_score = _best(names, _ID_NAMES, _ID_NAMES_LESS, rows)
    if not key:
        return None
    title, title_score = _best(names, _TITLE_NAMES, _TITLE_NAMES_LESS, None)
    fields = ", ".join(
        f"{_quoted(columns[position])}: [{position}]" for position in range(min(width, len(columns), 50))
    )
    # Not [], which would make one list of all rows; and a slice after an index is no projection to the library.
    source = f"{found.path or '@'}[{first}:]" if first else found.path or "@"
    parts = [f"id: {key.path}", f"title: {_title_of(title, key)}", *([f"fields: {{{fields}}}"] if fields else [])]
    total = f"{found.path}[0][0]" if first == 2 else _total_near(found)
    expression = f"{{total: {total}, candidates: map(&{{{', '.join(parts)}}}, {source})}}"
    likely = (key_score + title_score) if columns else (key_score + title_score) / 4
    return likely + min(len(rows), 10) / 20 - len(found.around) / 50, expression, len(found.rows) - first


@dataclass(frozen=True, slots=True)
class _Key:
    path: str
    plain: str


def _keys_of(rows: Sequence[dict[str, Any]]) -> list[_Key]:
    keys: dict[str, _Key] = {}
    for row in rows:
        for name, value in list(row.items())[:200]:
            if isinstance(value, dict):
                for inner, deep in list(value.items())[:200]:
                    if not isinstance(deep, dict):
                        path = f"{_quoted(name)}.{_quoted(inner)}"
                        keys.setdefault(path, _Key(path, _plain(inner)))
            else:
                keys.setdefault(_quoted(name), _Key(_quoted(name), _plain(name)))
    return list(keys.values())


def _best(
    keys: Sequence[_Key], wanted: Sequence[str], less: Sequence[str], rows: Sequence[Any] | None
) -> tuple[_Key | None, float]:
    """Return the key that fits best and how well, 0 to 1; with rows, its values must tell the rows apart."""
    best: tuple[_Key | None, float] = (None, 0.0)
    for key in keys:
        fit = _fit(key.plain, wanted, less)
        if rows is not None:
            if not _tells_apart(key, rows):
                continue
            fit = fit or 0.05
        if fit > best[1]:
            best = (key, fit)
    return best


def _fit(name: str, wanted: Sequence[str], less: Sequence[str]) -> float:
    if name in wanted:
        return 1.0 - wanted.index(name) / 50
    if name in less:
        return 0.5 - less.index(name) / 50
    if any(name.endswith(word) and len(word) > 1 for word in wanted[:8]):
        return 0.4
    return 0.0


def _tells_apart(key: _Key, rows: Sequence[Any]) -> bool:
    values = [_value_at(row, key.path) for row in rows]
    return all(isinstance(value, (str, int)) and not isinstance(value, bool) and value != "" for value in values) and (
        len({str(value) for value in values}) == len(values)
    )


def _value_at(row: Any, path: str) -> Any:
    if isinstance(row, list):
        return row[int(path[1:-1])]
    for part in re.findall(r'"(?:[^"\\]|\\.)*"|[^.]+', path):
        row = row.get(json.loads(part) if part.startswith('"') else part) if isinstance(row, dict) else None
    return row


def _title_of(title: _Key | None, key: _Key) -> str:
    return f"{title.path} || {key.path}" if title and title.path != key.path else key.path


def _columns_of(found: _Found) -> tuple[list[str], int]:
    """Return the names of columns and the place of the first row.

    Groonga begins its list with the count and the columns as [name, type]; others name them beside the list.
    """
    rows = found.rows
    if len(rows) > 1 and len(rows[0]) == 1 and isinstance(rows[0][0], int) and all(_is_column(c) for c in rows[1]):
        return [column[0] for column in rows[1]], 2
    owner = found.around[-1][1] if found.around else None
    for name, value in owner.items() if isinstance(owner, dict) else ():
        if str(name).lower() in _COLUMN_NAMES and isinstance(value, list) and value:
            named = [one.get("name") if isinstance(one, dict) else one[0] if _is_column(one) else one for one in value]
            if all(isinstance(one, str) for one in named):
                return [str(one) for one in named], 0
    return [], 0


def _is_column(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(part, str) for part in value)


def _total_near(found: _Found) -> str:
    """Return where the number of matches stands: beside the list, or beside what holds it."""
    for path, value in reversed(found.around):
        if isinstance(value, dict):
            beside = [(path, value)]
            beside += [(_joined(path, name), inner) for name, inner in value.items() if isinstance(inner, dict)]
            for at, names in beside:
                if total := _total_in(at, names):
                    return total
    return "`null`"


def _total_in(path: str, names: dict[str, Any]) -> str:
    for wanted in (*_TOTAL_NAMES, *_TOTAL_NAMES_MORE):
        for name, number in names.items():
            if str(name).lower() == wanted:
                if isinstance(number, int) and not isinstance(number, bool):
                    return _joined(path, name)
                if isinstance(number, dict) and isinstance(number.get("value"), int):
                    return f"{_joined(path, name)}.value"
    return ""


def _plain(name: str) -> str:
    word = name.lower().replace("-", "").replace(" ", "")
    return word if word.startswith("_") else word.replace("_", "")


def _quoted(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else json.dumps(name)


def _joined(path: str, name: str) -> str:
    return f"{path}.{_quoted(name)}" if path else _quoted(name)
