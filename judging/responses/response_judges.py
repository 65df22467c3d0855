"""Response judges: named stacks of evaluators; every change makes an immutable version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from judging.foundation.errors import Conflict, Forbidden
from judging.foundation.limits import MAX_EVALUATORS, MIN_RESPONSE_JUDGE_NAME
from judging.foundation.validation import clean
from judging.models import (
    BatchExecution,
    Evaluator,
    EvaluatorReference,
    EvaluatorVersion,
    ResponseJudge,
    ResponseJudgeVersion,
)
from judging.records.audit import record_event
from judging.records.roles import Actor, require_member, user_of
from judging.records.versions import RESPONSE_JUDGES

RESPONSE_JUDGE_FIELDS = frozenset(ResponseJudge.setting_names())


@dataclass(frozen=True, slots=True)
class Reference:
    """An evaluator of a stack; without a version it follows the evaluator's latest."""

    evaluator_id: UUID
    version_id: UUID | None = None


def save_response_judge(
    *,
    actor: Actor,
    fields: Mapping[str, Any],
    references: Sequence[Reference] | None = None,
    judge: ResponseJudge | None = None,
) -> ResponseJudge:
    """Make a response judge, or change the given `fields` (RESPONSE_JUDGE_FIELDS) and evaluators of one.

    `references` None leaves the evaluators as they are. Raise Invalid, Forbidden (raters; presets) or Conflict.
    """
    require_member(actor)
    unknown = fields.keys() - RESPONSE_JUDGE_FIELDS
    assert not unknown, unknown
    with transaction.atomic():
        if judge is None:
            judge = ResponseJudge(**fields, created_by=user_of(actor))
            _check(judge, references or ())
            _refer(RESPONSE_JUDGES.create(judge, actor=actor), references or ())
            record_event(actor=actor, action="response_judge_created", subject=judge)
            return judge
        stored = RESPONSE_JUDGES.lock(judge)
        check_may_change_response_judge(stored)
        before, had = stored.settings_dict(), current_references(stored)
        for field, value in fields.items():
            setattr(stored, field, value)
        wanted = had if references is None else references
        _check(stored, wanted)
        change = RESPONSE_JUDGES.change(stored, before=before, actor=actor, is_different=list(wanted) != had)
        if change.version is not None:
            _refer(change.version, wanted)
            record_event(actor=actor, action="response_judge_changed", subject=stored)
    return stored


def current_references(judge: ResponseJudge) -> list[Reference]:
    """Return the evaluators of a judge's newest version."""
    rows = EvaluatorReference.objects.filter(judge_version__judge=judge, judge_version__number=judge.version)
    return [Reference(*row) for row in rows.order_by("position").values_list("evaluator_id", "pinned_version_id")]


def check_may_change_response_judge(judge: ResponseJudge) -> None:
    """Raise Forbidden for presets, Conflict (judge_archived) for deleted ones that are kept for their batches."""
    if judge.preset:
        raise Forbidden("a preset stays as it is; make a judge of your own with its evaluators")
    if judge.archived_at is not None:
        raise Conflict("the judge was deleted; it is kept for its batches", code="judge_archived")


def delete_response_judge(*, actor: Actor, judge: ResponseJudge) -> bool:
    """Delete a response judge; one that has batches is archived instead. Return whether it was. Raise Forbidden."""
    require_member(actor)
    with transaction.atomic():
        stored = ResponseJudge.objects.select_for_update().get(pk=judge.pk)
        check_may_change_response_judge(stored)
        is_used = BatchExecution.objects.filter(response_judge_version__judge=stored).exists()
        action = "response_judge_archived" if is_used else "response_judge_deleted"
        record_event(actor=actor, action=action, subject=stored)
        if is_used:
            ResponseJudge.objects.filter(pk=stored.pk).update(archived_at=timezone.now())
        else:
            stored.delete()
    return is_used


def _refer(version: ResponseJudgeVersion, references: Sequence[Reference]) -> None:
    EvaluatorReference.objects.bulk_create(
        [
            EvaluatorReference(
                judge_version=version,
                position=position,
                evaluator_id=reference.evaluator_id,
                pinned_version_id=reference.version_id,
            )
            for position, reference in enumerate(references)
        ]
    )


def _check(judge: ResponseJudge, references: Sequence[Reference]) -> None:
    judge.name = judge.name.strip()
    problems: dict[str, list[str]] = {}
    if len(judge.name) < MIN_RESPONSE_JUDGE_NAME:
        problems["name"] = [f"Ensure this value has at least {MIN_RESPONSE_JUDGE_NAME} characters."]
    messages = _reference_problems(references)
    if messages:
        problems["evaluator_references"] = messages
    clean(judge, errors=problems)


def _reference_problems(references: Sequence[Reference]) -> list[str]:
    if not references:
        return ["A judge needs at least one evaluator."]
    if len(references) > MAX_EVALUATORS:
        return [f"A judge has at most {MAX_EVALUATORS} evaluators."]
    if len({reference.evaluator_id for reference in references}) < len(references):
        return ["An evaluator stands in a judge once."]
    known = set(
        Evaluator.objects.filter(
            pk__in=[reference.evaluator_id for reference in references], archived_at=None
        ).values_list("pk", flat=True)
    )
    pinned = [reference for reference in references if reference.version_id is not None]
    versions = dict(
        EvaluatorVersion.objects.filter(pk__in=[reference.version_id for reference in pinned]).values_list(
            "pk", "evaluator_id"
        )
    )
    return [
        *(f"There is no evaluator {r.evaluator_id}." for r in references if r.evaluator_id not in known),
        *(
            f"The evaluator {r.evaluator_id} has no version {r.version_id}."
            for r in pinned
            if r.version_id is not None and versions.get(r.version_id) != r.evaluator_id
        ),
    ]
