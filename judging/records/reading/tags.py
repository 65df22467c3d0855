"""Tags of queries: short words for what kind of query it is, such as head, tail, an intent or a language."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from judging.foundation.limits import MAX_QUERY_TAG, MAX_QUERY_TAGS
from judging.records.reading.upload import BadValue, shown
from judging.records.reading.values import read_name

# Between tags in a cell or a field of a form; hence never within one.
_SEPARATORS = re.compile(r"[|,]")


def read_tags(value: Any) -> list[str]:
    """Return tags in one spelling and each once, from a list, or from text with | or a comma between them.

    "Head " and "head" are the same tag. Raise BadValue.
    """
    if isinstance(value, str):
        value = [part for part in _SEPARATORS.split(value) if part.strip()]
    if value is not None and not isinstance(value, list):
        raise BadValue("tags must be a list of texts")
    tags = list(dict.fromkeys(read_tag(tag) for tag in value or ()))
    if len(tags) > MAX_QUERY_TAGS:
        raise BadValue(f"a query has at most {MAX_QUERY_TAGS} tags")
    return tags


def read_tag(value: Any) -> str:
    """Return a tag in the one spelling it is kept in: lower case, single spaces. Raise BadValue."""
    name = read_name(value, "a tag", MAX_QUERY_TAG)
    if _SEPARATORS.search(name):
        raise BadValue(f"a tag holds no comma and no |: {shown(name)}")
    tag = " ".join(unicodedata.normalize("NFC", name).lower().split())
    # A few letters are two in lower case.
    return read_name(tag, "a tag", MAX_QUERY_TAG)


def tag_cell(tags: Iterable[str]) -> str:
    """Return tags as a cell of a table holds them."""
    return "|".join(tags)
