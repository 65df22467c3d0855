"""The versions of an AI judge, and what differs between any two of them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from judging.judging_runs.comparing import newest_run_of_both
from judging.models import AIJudge, JudgeVersion, User
from judging.records.visibility import get_judge, visible_providers
from judging.web.base import PageRequest, member_required, page_of
from judging.web.judges.text_diff import DiffLine, diff_lines

_TEXTS = ("prompt_template", "system_prompt")
_NAMES = {"ai_provider_id": "AI provider"}


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
class Row:
    """A version with the names of what it changed."""

    version: JudgeVersion
    changed: list[str]


@require_safe
@member_required
def ai_judge_versions(request: PageRequest, judge_id: UUID) -> HttpResponse:
    judge = get_judge(request.user, judge_id)
    page = page_of(request, judge.versions.select_related("created_by"))
    newest = _number(request.GET.get("to"), judge.version)
    oldest = _number(request.GET.get("from"), max(newest - 1, 1))
    found = {version.number: version for version in judge.versions.filter(number__in=[oldest, newest])}
    before, after = found.get(oldest), found.get(newest)
    context: dict[str, Any] = {"judge": judge, "page": page, "rows": _rows(judge, page.rows)}
    if before is not None and after is not None and before != after:
        context |= {
            "before": before,
            "after": after,
            "judged_run": newest_run_of_both(before, after),
            "changes": _changes(request.user, before, after),
            "text_changes": [
                TextChange(_label(name), lines)
                for name in _TEXTS
                if (lines := diff_lines(getattr(before, name), getattr(after, name)))
            ],
        }
    elif "from" in request.GET:
        context["nothing_to_compare"] = True
    return render(request, "judging/judges/versions.html", context)


def _rows(judge: AIJudge, versions: list[JudgeVersion]) -> list[Row]:
    earlier = {version.number: version for version in versions}
    if versions and versions[-1].number > 1:
        # The page's last one changed something of the first of the next page.
        below = judge.versions.filter(number=versions[-1].number - 1).first()
        if below is not None:
            earlier[below.number] = below
    return [Row(version, _changed(earlier.get(version.number - 1), version)) for version in versions]


def _changed(before: JudgeVersion | None, after: JudgeVersion) -> list[str]:
    if before is None:
        return []
    return [_label(name) for name in after.SETTING_NAMES if getattr(before, name) != getattr(after, name)]


def _changes(user: User, before: JudgeVersion, after: JudgeVersion) -> list[Change]:
    changes = []
    for name in after.SETTING_NAMES:
        old, new = getattr(before, name), getattr(after, name)
        if old == new or name in _TEXTS:
            continue
        if name == "ai_provider_id":
            names = dict(visible_providers(user).filter(pk__in=[old, new]).values_list("pk", "name"))
            old, new = (names.get(pk, "one that you do not see") for pk in (old, new))
        changes.append(Change(_label(name), old, new))
    return changes


def _label(name: str) -> str:
    label = _NAMES.get(name, name.replace("_", " "))
    return label[0].upper() + label[1:]


def _number(given: str | None, otherwise: int) -> int:
    return int(given) if given and given.isascii() and given.isdecimal() and len(given) < 9 else otherwise
