"""How texts of documents are shown."""

import re
from functools import lru_cache

from django import template
from django.utils.html import escape, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

_MOST_WORDS = 32
_MOST_QUERY_CHARACTERS = 1000
_WORD = re.compile(r"(\w+)")


@register.filter
def marked(text: str, query: str) -> SafeString:
    """Escape a text and mark the words that it shares with a query, whatever their case; single letters stay.

    Words with nothing but blanks between them are marked as one.
    """
    text, words = str(text), _words(str(query)[:_MOST_QUERY_CHARACTERS])
    places: list[list[int]] = []
    for match in _WORD.finditer(text):
        if match[0].casefold() in words:
            if places and text[places[-1][1] : match.start()].isspace():
                places[-1][1] = match.end()
            else:
                places.append([*match.span()])
    ends = [0, *(end for _, end in places)]
    pieces = [(text[done:start], text[start:end]) for done, (start, end) in zip(ends, places, strict=False)]
    return format_html_join("", "{}<mark>{}</mark>", pieces) + escape(text[ends[-1] :])


@lru_cache(maxsize=256)
def _words(query: str) -> frozenset[str]:
    found = _WORD.findall(query)
    return frozenset(word.casefold() for word in found[:_MOST_WORDS] if len(word) > 1)
