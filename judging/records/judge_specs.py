"""Turn judges and evaluations, which are models, into the pure values that `asking` takes."""

from dataclasses import fields
from typing import Any, TypeVar

from judging.asking.engine import JudgeSpec
from judging.asking.prompting import EvaluationContext, PromptSettings
from judging.models import CallSettingsFields, EvaluationRun, JudgeSettings
from judging.providers.base import CallSettings

SettingsT = TypeVar("SettingsT", CallSettings, PromptSettings)


def settings_of(shape: type[SettingsT], row: CallSettingsFields, **others: Any) -> SettingsT:
    """Fill a value of `shape` with what a judge or an evaluator has under the same names, and with `others`."""
    names = [field.name for field in fields(shape) if field.name not in others]
    return shape(**{name: getattr(row, name) for name in names}, **others)


def judge_spec_of(settings: JudgeSettings) -> JudgeSpec:
    """Return the spec of a judge, or of a version of it."""
    return JudgeSpec(
        prompt=settings_of(PromptSettings, settings),
        call=settings_of(CallSettings, settings),
        max_reasks=settings.max_reasks,
    )


def evaluation_context_of(run: EvaluationRun) -> EvaluationContext:
    """Return what a prompt may say about the evaluation."""
    return EvaluationContext(name=run.evaluation.name, description=run.evaluation.description, scale=run.grading_scale)
