"""How templates are read: without the blanks that only their authors need."""

import re

from django.template.base import Origin
from django.template.loaders import filesystem

_INDENTATION = re.compile(r"^[ \t]+", re.MULTILINE)
# The end of a line that holds nothing but tags that write nothing, or comments.
_SILENT_LINES = re.compile(
    r"^((?:\{% (?:if|elif|else|endif|for|empty|endfor|with|endwith|load)\b(?:(?!%\}).)*%\}|\{#(?:(?!#\}).)*#\})+)[ \t]*\n",
    re.MULTILINE,
)


class Loader(filesystem.Loader):
    """Read templates without indentation and lines that write nothing: a third of a page would be blank.

    Errors count the lines that are left.
    """

    def get_contents(self, origin: Origin) -> str:
        return _SILENT_LINES.sub(r"\1", _INDENTATION.sub("", super().get_contents(origin)))
