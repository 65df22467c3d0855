"""How texts of documents are shown."""

import re

from django import template
from django.utils.html import escape, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

_MOST_WORDS = 32
_MOST_QUERY_CHARACTERS = 1000
_WORDS = re.compile(r"(\w+)")


@register.filter
def marked(text: str, query: str) -> SafeString:
    """Escape a text and mark the words that it shares with a query, whatever their case; single letters stay."""
    found = _WORDS.findall(str(query)[:_MOST_QUERY_CHARACTERS])
    words = {word.casefold() for word in found[:_MOST_WORDS] if len(word) > 1}
    text = str(text)
    pieces: list[tuple[str, str]] = []
    done = 0
    for match in _WORDS.finditer(text):
        if match[0].casefold() in words:
            pieces.append((text[done : match.start()], match[0]))
            done = match.end()
    return format_html_join("", "{}<mark>{}</mark>", pieces) + escape(text[done:])
