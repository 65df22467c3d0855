"""Text from outside, made fit for every place that it may go to."""

import re

_SURROGATES = re.compile("[\ud800-\udfff]")


def clean_text(text: str) -> str:
    """Drop NULs, which PostgreSQL refuses, and replace lone surrogates, which have no UTF-8."""
    if "\0" in text:
        text = text.replace("\0", "")
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)
