"""Documents and queries as people read them. Everything here is plain text; templates escape it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_PREVIEW_FIELDS = 6
_PREVIEW_CHARACTERS = 84
_MOST_FIELDS = 200
# Longer texts are cut on the page; exports and the API have them whole.
_MOST_CHARACTERS = 20_000
_ADDRESS = re.compile(r"https?://[^\s\x00-\x20\\]{1,2000}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FieldText:
    """A field of a document, or a further key of a query, as text."""

    name: str
    text: str
    is_code: bool = False

    @property
    def link(self) -> str:
        """Return the text when it is an address of the web and nothing else."""
        return self.text if _ADDRESS.fullmatch(self.text) else ""


def field_texts(fields: Mapping[str, Any]) -> list[FieldText]:
    """Return fields as text: lists of words with commas, what is nested as JSON."""
    return [_field(name, value) for name, value in list(fields.items())[:_MOST_FIELDS]]


def fields_preview(fields: Mapping[str, Any]) -> str:
    """Return the first fields in one short line."""
    parts = []
    for name, value in list(fields.items())[:_PREVIEW_FIELDS]:
        parts.append(f"{name}: {shortened(_field(name, value).text, 60)}")
    return shortened(" · ".join(parts), _PREVIEW_CHARACTERS)


def query_details(body: Any) -> list[FieldText]:
    """Return what a query given as an object holds beside its text."""
    if not isinstance(body, dict):
        return []
    return field_texts({name: value for name, value in body.items() if name != "query"})


def shortened(text: str, length: int) -> str:
    """Return text in one line of at most `length` characters; an ellipsis marks what was cut."""
    line = " ".join(text[: length * 4].split())
    return line if len(line) <= length and len(text) <= length * 4 else f"{line[: length - 1].rstrip()}…"


def image_address(address: str) -> str:
    """Return an image's address if a browser may load it, else nothing."""
    return address if address.lower().startswith(("http://", "https://", "data:image/")) else ""


def _field(name: str, value: Any) -> FieldText:
    is_code = False
    if isinstance(value, str):
        text = value
    elif isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        text = ", ".join(map(str, value))
    elif isinstance(value, dict | list):
        text, is_code = json.dumps(value, ensure_ascii=False, indent=2), True
    else:
        text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    if len(text) > _MOST_CHARACTERS:
        text = f"{text[:_MOST_CHARACTERS]}… ({len(text) - _MOST_CHARACTERS:,} more characters)"
    return FieldText(str(name), text, is_code)
