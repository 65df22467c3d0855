"""What differs between two versions of something, for its page of versions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from judging.models import AIJudge, JudgeVersion, QueryTemplate, QueryTemplateVersion
from judging.records.versions import changes_by_number
from judging.web.text_diff import DiffLine, diff_lines

Versioned = AIJudge | QueryTemplate
Version = JudgeVersion | QueryTemplateVersion


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that two versions have different values of."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class TextChange:
    name: str
    lines: list[DiffLine]


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version with the names of what it changed."""

    version: Version
    changed: list[str]


def two_versions(request: HttpRequest, thing: Versioned) -> tuple[Any, Any]:
    """Return the versions that ?from= and ?to= name, the two newest without; None for one that there is not."""
    newest = _number(request.GET.get("to"), thing.version)
    oldest = _number(request.GET.get("from"), max(newest - 1, 1))
    found = {version.number: version for version in thing.versions.filter(number__in=[oldest, newest])}
    return found.get(oldest), found.get(newest)


def version_rows(thing: Versioned, versions: Sequence[Any], names: Mapping[str, str] | None = None) -> list[VersionRow]:
    """Return a page of versions, newest first; `names` are what settings are called that have another name."""
    changed = changes_by_number(versions, thing.versions.all())
    return [VersionRow(each, [label_of(name, names) for name in changed[each.number]]) for each in versions]


def text_changes(before: Any, after: Any, texts: Sequence[str]) -> list[TextChange]:
    """Return the texts among the settings that differ, line by line."""
    return [
        TextChange(label_of(name), lines)
        for name in texts
        if (lines := diff_lines(getattr(before, name), getattr(after, name)))
    ]


def label_of(name: str, names: Mapping[str, str] | None = None) -> str:
    """Return what people call a setting."""
    label = (names or {}).get(name, name.replace("_", " "))
    return label[0].upper() + label[1:]


def _number(given: str | None, otherwise: int) -> int:
    return int(given) if given and given.isascii() and given.isdecimal() and len(given) < 9 else otherwise
