"""The pure forms of evaluators and of inputs, as the engine takes them."""

from collections.abc import Mapping
from typing import Any

from judging.asking.evaluator_engine import EvaluatorSpec
from judging.asking.evaluator_prompting import EvaluationInput
from judging.models import BatchEvaluator, EvaluatorSettings
from judging.providers.base import CallSettings


def evaluator_spec_of(evaluator: BatchEvaluator) -> EvaluatorSpec:
    """Return how an evaluator of a batch asks; its model was settled when the batch began."""
    version = evaluator.evaluator_version
    assert version is not None  # the others are relevance judges
    return spec_of_settings(version, model=evaluator.model)


def spec_of_settings(settings: EvaluatorSettings, *, model: str) -> EvaluatorSpec:
    return EvaluatorSpec(
        prompt_template=settings.prompt_template,
        intent=settings.intent,
        call=CallSettings(
            model=model,
            temperature=settings.temperature,
            max_output_tokens=settings.max_output_tokens,
            timeout=float(settings.timeout),
        ),
        max_reasks=settings.max_reasks,
    )


def evaluation_input_of(given: Mapping[str, Any]) -> EvaluationInput:
    """Return an item's stored input as prompts are made of it; `functions`, the older name, stand in for `tools`."""
    return EvaluationInput(
        request=given.get("request", ""),
        response=given.get("response", ""),
        contexts=tuple(given.get("contexts", ())),
        expected_output=given.get("expected_output", ""),
        turns=tuple(given.get("turns", ())),
        tools=tuple(given.get("tools") or given.get("functions") or ()),
        system_prompt=given.get("system_prompt", ""),
        target=given.get("target", ""),
    )
