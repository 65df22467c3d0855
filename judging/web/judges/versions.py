"""The versions of an AI judge, and what differs between any two of them."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from judging.judging_runs.comparing import newest_run_of_both
from judging.models import JudgeVersion, User
from judging.records.visibility import get_judge, visible_providers
from judging.web.base import PageRequest, member_required, page_of
from judging.web.version_changes import Change, label_of, text_changes, two_versions, version_rows

_TEXTS = ("prompt_template", "system_prompt")
_NAMES = {"ai_provider_id": "AI provider"}


@require_safe
@member_required
def ai_judge_versions(request: PageRequest, judge_id: UUID) -> HttpResponse:
    judge = get_judge(request.user, judge_id)
    page = page_of(request, judge.versions.select_related("created_by"))
    before, after = two_versions(request, judge)
    context: dict[str, Any] = {"thing": judge, "page": page, "rows": version_rows(judge, page.rows, _NAMES)}
    if before is not None and after is not None and before != after:
        context |= {
            "before": before,
            "after": after,
            "judged_run": newest_run_of_both(before, after),
            "changes": _changes(request.user, before, after),
            "text_changes": text_changes(before, after, _TEXTS),
        }
    return render(request, "judging/judges/versions.html", context)


def _changes(user: User, before: JudgeVersion, after: JudgeVersion) -> list[Change]:
    changes = []
    for name in after.setting_names():
        old, new = getattr(before, name), getattr(after, name)
        if old == new or name in _TEXTS:
            continue
        if name == "ai_provider_id":
            names = dict(visible_providers(user).filter(pk__in=[old, new]).values_list("pk", "name"))
            old, new = (names.get(pk, "one that you do not see") for pk in (old, new))
        changes.append(Change(label_of(name, _NAMES), old, new))
    return changes
