"""The evaluators and judges that every installation has, kept in step with the code."""

from typing import Any

from django.db import transaction

from judging.asking.presets import EVALUATOR_PRESETS, RESPONSE_JUDGE_PRESETS, EvaluatorPreset
from judging.models import (
    Evaluator,
    EvaluatorReference,
    ResponseJudge,
)
from judging.records.roles import Actor, require_admin
from judging.records.versions import EVALUATORS, RESPONSE_JUDGES


def ensure_presets(*, actor: Actor) -> None:
    """Make the presets that are missing, and a version of those whose prompt has changed. Cheap when all are there.

    Raise Forbidden for all but admins.
    """
    require_admin(actor)
    with transaction.atomic():
        evaluators = {row.preset: row for row in Evaluator.objects.exclude(preset="")}
        for preset in EVALUATOR_PRESETS:
            evaluators[preset.key] = _ensure_evaluator(actor, preset, evaluators.get(preset.key))
        judges = set(ResponseJudge.objects.exclude(preset="").values_list("preset", flat=True))
        for judge_preset in RESPONSE_JUDGE_PRESETS:
            if judge_preset.key in judges:
                continue
            judge = ResponseJudge(preset=judge_preset.key, name=judge_preset.name, intent=judge_preset.intent)
            version = RESPONSE_JUDGES.create(judge, actor=actor)
            EvaluatorReference.objects.bulk_create(
                [
                    EvaluatorReference(judge_version=version, position=position, evaluator=evaluators[key])
                    for position, key in enumerate(judge_preset.evaluators)
                ]
            )


def _ensure_evaluator(actor: Actor, preset: EvaluatorPreset, row: Evaluator | None) -> Evaluator:
    wanted: dict[str, Any] = {
        "name": preset.name,
        "intent": preset.intent,
        "prompt_template": preset.prompt_template,
        "requires": list(preset.requires),
    }
    if row is None:
        row = Evaluator(preset=preset.key, **wanted)
        EVALUATORS.create(row, actor=actor)
        return row
    before = row.settings_dict()
    for name, value in wanted.items():
        setattr(row, name, value)
    EVALUATORS.change(row, before=before, actor=actor)
    return row
