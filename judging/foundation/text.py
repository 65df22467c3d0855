"""Clean and cut text from outside, so that it is safe to store and show."""

import html
import re

from judging.foundation.limits import MAX_NAME

# html.unescape() reads any number of digits, and int() refuses more than 4,300 of them. No character has twenty.
_OVERLONG_NUMBER = re.compile(r"&#(?:[0-9]{20,}+|[xX][0-9a-fA-F]{20,}+);?")
_SURROGATES = re.compile("[\ud800-\udfff]")


def clean_text(text: str) -> str:
    """Drop NULs, which PostgreSQL refuses, and replace lone surrogates, which have no UTF-8."""
    if "\0" in text:
        text = text.replace("\0", "")
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def unescape_html(text: str) -> str:
    """Undo HTML escaping, once. Never raises: a character number that is too long stands for no known character."""
    return html.unescape(_OVERLONG_NUMBER.sub("\ufffd", text) if "&#" in text else text)


def cut_text(text: str, length: int) -> str:
    """Return a text fit for a column of so many characters."""
    return clean_text(text)[:length]


def name_of_copy(name: str) -> str:
    """Return the name of a copy, cut to the column's length."""
    mark = " (copy)"
    return f"{name[: MAX_NAME - len(mark)]}{mark}"
