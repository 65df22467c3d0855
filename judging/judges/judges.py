"""AI judges: settings that every change turns into an immutable version."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from judging.asking.prompting import TemplateError, check_template
from judging.foundation.errors import Conflict, Forbidden
from judging.foundation.text import name_of_copy
from judging.foundation.validation import clean
from judging.models import (
    AIJudge,
    AIProvider,
    BatchExecution,
    GoldenCheck,
    JudgeSettings,
    JudgeVersion,
    JudgingRun,
    Judgment,
    ProbeRun,
)
from judging.records.audit import record_event
from judging.records.roles import Actor, require_member, user_of
from judging.records.versions import JUDGES
from judging.records.visibility import check_may_change, visible_providers

JUDGE_FIELDS = frozenset({*JudgeSettings.setting_names(), "description", "shared"})


def save_judge(
    *, actor: Actor, fields: Mapping[str, Any], judge: AIJudge | None = None, expected_version: int | None = None
) -> AIJudge:
    """Make a judge, or change the given `fields` (JUDGE_FIELDS) of one.

    A change of what a version pins makes the next version in the same transaction; a change of description or sharing
    does not. With `expected_version`, a judge that someone else changed meanwhile is left alone. Raise Invalid,
    Forbidden, NotFound or Conflict (judge_archived, judge_changed).
    """
    require_member(actor)
    unknown = fields.keys() - JUDGE_FIELDS
    assert not unknown, unknown
    problems = _template_problems(fields, judge)
    if judge is None:
        return _create(actor, fields, problems)
    with transaction.atomic():
        stored = JUDGES.lock(judge)
        check_may_change(actor, stored)
        if stored.archived_at is not None:
            raise Conflict("the judge was deleted; it is kept for its runs", code="judge_archived")
        if expected_version is not None and stored.version != expected_version:
            raise Conflict(f"the judge was changed meanwhile: it is at version {stored.version}", code="judge_changed")
        return _change(actor, stored, fields, problems)


def _create(actor: Actor, fields: Mapping[str, Any], problems: dict[str, list[str]]) -> AIJudge:
    judge = AIJudge(**fields, created_by=user_of(actor))
    judge.owner = None if judge.shared else user_of(actor)
    _check_may_share(actor, judge)
    with transaction.atomic():
        _check(judge, {**problems, **_provider_problems(judge)})
        JUDGES.create(judge, actor=actor)
        record_event(actor=actor, action="judge_created", subject=judge)
    return judge


def _change(actor: Actor, judge: AIJudge, fields: Mapping[str, Any], problems: dict[str, list[str]]) -> AIJudge:
    before, was_shared = judge.settings_dict(), judge.shared
    for field, value in fields.items():
        setattr(judge, field, value)
    if judge.shared != was_shared:
        _check_may_share(actor, judge)
        judge.owner = None if judge.shared else user_of(actor)
    if judge.shared != was_shared or judge.ai_provider_id != before["ai_provider_id"]:
        problems = {**problems, **_provider_problems(judge)}
    _check(judge, problems)
    change = JUDGES.change(judge, before=before, actor=actor, others=("description", "shared", "owner"))
    record_event(actor=actor, action="judge_changed", subject=judge, detail={"fields": change.settings})
    return judge


def draft_judge(*, actor: Actor, fields: Mapping[str, Any]) -> AIJudge:
    """Return a judge that is not stored, held to the rules of one that is: to be tried. Raise Invalid or Forbidden."""
    require_member(actor)
    unknown = fields.keys() - JUDGE_FIELDS
    assert not unknown, unknown
    judge = AIJudge(**{**fields, "shared": False}, owner=user_of(actor))
    with transaction.atomic():
        problems = {**_template_problems(fields, None), **_provider_problems(judge)}
    _check(judge, problems)
    return judge


def duplicate_judge(*, actor: Actor, judge: AIJudge, name: str = "") -> AIJudge:
    """Make a personal copy of a judge that `actor` sees, at version 1. Raise Forbidden or Invalid."""
    require_member(actor)
    fields = {**judge.settings_dict(), "description": judge.description, "name": name or name_of_copy(judge.name)}
    return save_judge(actor=actor, fields=fields)


def delete_judge(*, actor: Actor, judge: AIJudge) -> bool:
    """Delete a judge; one that has runs is archived instead: out of the lists, kept for what it judged.

    Return whether it was archived. Raise NotFound or Forbidden.
    """
    require_member(actor)
    check_may_change(actor, judge)
    with transaction.atomic():
        # A run that starts at this moment reads the judge under the same lock.
        AIJudge.objects.select_for_update().filter(pk=judge.pk).first()
        versions = JudgeVersion.objects.filter(judge=judge)
        is_used = (
            JudgingRun.objects.filter(judge_version__in=versions).exists()
            or Judgment.objects.filter(judge_version__in=versions).exists()
            or GoldenCheck.objects.filter(judge_version__in=versions).exists()
            or ProbeRun.objects.filter(judge_version__in=versions).exists()
            or BatchExecution.objects.filter(relevance_judge_version__in=versions).exists()
        )
        record_event(actor=actor, action="judge_archived" if is_used else "judge_deleted", subject=judge)
        if is_used:
            AIJudge.objects.filter(pk=judge.pk, archived_at=None).update(archived_at=timezone.now())
        else:
            judge.delete()
    return is_used


def _check(judge: AIJudge, problems: dict[str, list[str]]) -> None:
    judge.name = judge.name.strip()
    judge.model = judge.model.strip()
    clean(judge, errors=problems)


def _check_may_share(actor: Actor, judge: AIJudge) -> None:
    # Both ways: to take a shared judge from the team is an admin's act, too.
    if judge.shared and not actor.is_admin:
        raise Forbidden("shared AI judges are made by admins")


def _template_problems(fields: Mapping[str, Any], judge: AIJudge | None) -> dict[str, list[str]]:
    template = fields.get("prompt_template")
    if template is None or (judge is not None and template == judge.prompt_template):
        return {}
    try:
        check_template(template)
    except TemplateError as error:
        return {"prompt_template": error.errors.get("prompt_template", [error.message])}
    return {}


def _provider_problems(judge: AIJudge) -> dict[str, list[str]]:
    # Locked until the commit: a provider is deleted or unshared only while no judge needs it.
    seen = AIProvider.objects.all() if judge.owner is None else visible_providers(judge.owner)
    provider = seen.select_for_update(no_key=True).filter(pk=judge.ai_provider_id).first()
    if provider is None:
        return {"ai_provider_id": ["There is no such AI provider."]}
    if judge.shared and not provider.shared:
        return {"ai_provider_id": ["A shared judge needs a shared provider."]}
    return {}
