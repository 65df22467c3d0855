"""Evaluators: settings that every change turns into an immutable version."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from judging.asking.evaluator_prompting import check_evaluator_template
from judging.foundation.errors import Conflict, Forbidden
from judging.foundation.validation import clean
from judging.models import (
    AIProvider,
    BatchEvaluator,
    Evaluator,
    EvaluatorReference,
    EvaluatorSettings,
    InputName,
)
from judging.records.audit import record_event
from judging.records.roles import Actor, require_member, user_of
from judging.records.versions import EVALUATORS
from judging.templating.templates import TemplateError

EVALUATOR_FIELDS = frozenset(EvaluatorSettings.setting_names())


def save_evaluator(*, actor: Actor, fields: Mapping[str, Any], evaluator: Evaluator | None = None) -> Evaluator:
    """Make an evaluator, or change the given `fields` (EVALUATOR_FIELDS) of one, which makes the next version.

    Evaluators are the team's, so they call shared providers. Raise Invalid, Forbidden (raters; presets) or Conflict.
    """
    require_member(actor)
    unknown = fields.keys() - EVALUATOR_FIELDS
    assert not unknown, unknown
    with transaction.atomic():
        if evaluator is None:
            evaluator = Evaluator(**fields, created_by=user_of(actor))
            _check(evaluator)
            EVALUATORS.create(evaluator, actor=actor)
            record_event(actor=actor, action="evaluator_created", subject=evaluator)
            return evaluator
        stored = EVALUATORS.lock(evaluator)
        check_may_change_evaluator(stored)
        before = stored.settings_dict()
        for field, value in fields.items():
            setattr(stored, field, value)
        _check(stored)
        change = EVALUATORS.change(stored, before=before, actor=actor)
        if change.settings:
            record_event(actor=actor, action="evaluator_changed", subject=stored, detail={"fields": change.settings})
    return stored


def check_may_change_evaluator(evaluator: Evaluator) -> None:
    """Raise Forbidden for presets, Conflict (evaluator_archived) for deleted ones that are kept for their results."""
    if evaluator.preset:
        raise Forbidden("a preset stays as it is; make an evaluator of your own from its prompt")
    if evaluator.archived_at is not None:
        raise Conflict("the evaluator was deleted; it is kept for its results", code="evaluator_archived")


def delete_evaluator(*, actor: Actor, evaluator: Evaluator) -> bool:
    """Delete an evaluator; one that has results or stood in a judge is archived instead. Return whether it was.

    Raise Forbidden, or Conflict (evaluator_in_use) while a judge has it.
    """
    require_member(actor)
    with transaction.atomic():
        stored = Evaluator.objects.select_for_update().get(pk=evaluator.pk)
        check_may_change_evaluator(stored)
        references = EvaluatorReference.objects.filter(evaluator=stored)
        for reference in references.select_related("judge_version__judge"):
            judge = reference.judge_version.judge
            if judge.archived_at is None and judge.version == reference.judge_version.number:
                raise Conflict(f"the judge {judge.name} has this evaluator", code="evaluator_in_use")
        is_used = references.exists() or BatchEvaluator.objects.filter(evaluator_version__evaluator=stored).exists()
        action = "evaluator_archived" if is_used else "evaluator_deleted"
        record_event(actor=actor, action=action, subject=stored)
        if is_used:
            Evaluator.objects.filter(pk=stored.pk).update(archived_at=timezone.now())
        else:
            stored.delete()
    return is_used


def _check(evaluator: Evaluator) -> None:
    evaluator.name, evaluator.model = evaluator.name.strip(), evaluator.model.strip()
    problems: dict[str, list[str]] = {}
    unknown = [name for name in evaluator.requires if name not in InputName.values]
    if unknown:
        problems["requires"] = [f"{str(unknown[0])[:50]} is none of {', '.join(InputName.values)}."]
    else:
        evaluator.requires = [name for name in InputName.values if name in evaluator.requires]
        try:
            check_evaluator_template(evaluator.prompt_template, evaluator.requires)
        except TemplateError as error:
            problems["prompt_template"] = error.errors.get("prompt_template", [error.message])
    if (evaluator.ai_provider_id is None) != (not evaluator.model):
        problems["model"] = [
            "Name both a provider and a model, or neither: then the default of the installation is used."
        ]
    elif evaluator.ai_provider_id is not None:
        # Locked until the commit: a provider is deleted or unshared only while nothing needs it.
        shared = AIProvider.objects.select_for_update(no_key=True).filter(pk=evaluator.ai_provider_id, shared=True)
        if not shared.exists():
            problems["ai_provider_id"] = ["There is no such shared AI provider."]
    clean(evaluator, errors=problems)
