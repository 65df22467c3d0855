"""Turn judges and evaluations, which are models, into the pure values that `asking` takes."""

from judging.asking.engine import JudgeSpec
from judging.asking.prompting import EvaluationContext, PromptSettings
from judging.models import EvaluationRun, JudgeSettings
from judging.providers.base import CallSettings


def judge_spec_of(settings: JudgeSettings) -> JudgeSpec:
    """Return the spec of a judge, or of a version of it."""
    return JudgeSpec(
        prompt=PromptSettings(
            prompt_template=settings.prompt_template,
            system_prompt=settings.system_prompt,
            include_images=settings.include_images,
            max_document_chars=settings.max_document_chars,
        ),
        call=CallSettings(
            model=settings.model,
            temperature=settings.temperature,
            max_output_tokens=settings.max_output_tokens,
            timeout=float(settings.timeout),
        ),
        max_reasks=settings.max_reasks,
    )


def evaluation_context_of(run: EvaluationRun) -> EvaluationContext:
    """Return what a prompt may say about the evaluation."""
    return EvaluationContext(name=run.evaluation.name, description=run.evaluation.description, scale=run.grading_scale)
