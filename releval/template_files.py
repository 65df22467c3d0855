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
# A condition that has a line to itself, most often about an attribute: unmet, it would leave an empty line.
_CONDITIONAL_LINES = re.compile(
    r"\n(\{% if (?:(?!%\}).)*%\})(?=(?:(?!\{% (?:if|elif|else|endif)\b).)+\{% endif %\}$)", re.MULTILINE
)


class Loader(filesystem.Loader):
    """Read templates without indentation and lines that write nothing: a third of a page would be blank.

    Errors count the lines that are left.
    """

    def get_contents(self, origin: Origin) -> str:
        bare = _INDENTATION.sub("", super().get_contents(origin))
        return _CONDITIONAL_LINES.sub(r"\1 ", _SILENT_LINES.sub(r"\1", bare))
