"""One question of an evaluator to a model and what comes of it. No database, no retries: as judging.asking.engine."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from judging.asking.engine import (
    FAULT_IN_READING,
    WORTH_ASKING_AGAIN,
    Ask,
    CallRecord,
    JudgeSpec,
    ask_once,
    with_reminder,
)
from judging.asking.evaluator_prompting import REMINDER, EvaluationInput, evaluation_messages
from judging.asking.parsing import Grade, parse_evaluation
from judging.asking.prompting import EvaluationContext, PromptCandidate, TemplateError, prompt_hash
from judging.foundation.answers import AnswerTo, Failure, FailureCode, Fault
from judging.foundation.scales import SCALES
from judging.providers.base import CallSettings, ChatClient, ProviderError

logger = logging.getLogger(__name__)

# A relevance judge grades a response as it grades a document.
_SCALE = SCALES["graded"]


@dataclass(frozen=True, slots=True)
class EvaluatorSpec:
    """How an evaluator asks: the pure part of an evaluator version."""

    prompt_template: str
    intent: str
    call: CallSettings
    max_reasks: int = 1


@dataclass(frozen=True, slots=True)
class EvaluatorAsk:
    """One evaluator's question about one input; `key` is the caller's name for it."""

    evaluator_id: int
    input: EvaluationInput
    key: int
    reask_number: int = 0
    # The caller's name for the input.
    subject: str = ""

    @property
    def keys(self) -> tuple[int, ...]:
        return (self.key,)


@dataclass(frozen=True, slots=True)
class Score:
    """A score in 0..1 and why."""

    score: float
    justification: str


EvaluatorAnswer = AnswerTo[EvaluatorAsk, Score]


async def evaluate_once(
    client: ChatClient, ask: EvaluatorAsk, *, spec: EvaluatorSpec, may_reask: Callable[[], bool] = lambda: True
) -> EvaluatorAnswer:
    """Send an evaluator's prompt and read the reply. Never raises for what a model or provider does."""
    try:
        messages = evaluation_messages(ask.input, prompt_template=spec.prompt_template, intent=spec.intent)
    except TemplateError as error:
        failure = Failure(FailureCode.REQUEST_REJECTED, f"the prompt could not be rendered: {error.message}")
        return AnswerTo(None, {ask.key: failure})
    if ask.reask_number:
        messages = with_reminder(messages, REMINDER)
    call = CallRecord(prompt_hash(messages), 1, is_reask=ask.reask_number > 0)
    try:
        reply = await client.complete(messages, spec.call)
    except ProviderError as error:
        call.error = error
        if error.fault is not Fault.PROMPT:
            return AnswerTo(call, error=error, messages=messages)
        refused_subject = None if error.is_filtering else ask.subject
        return AnswerTo(call, {ask.key: error.failure}, messages=messages, refused_subject=refused_subject)
    call.note_reply(reply, messages)
    read: tuple[float, str] | Failure
    try:
        read = parse_evaluation(reply.text, finish_reason=reply.finish_reason, has_reasoning=reply.has_reasoning)
    except Exception:
        logger.exception("an evaluator's reply could not be read")
        read = FAULT_IN_READING
    if not isinstance(read, Failure):
        return AnswerTo(call, {ask.key: Score(*read)}, messages=messages)
    if read.code in WORTH_ASKING_AGAIN and ask.reask_number < spec.max_reasks and may_reask():
        return AnswerTo(call, follow_ups=(replace(ask, reask_number=ask.reask_number + 1),), messages=messages)
    return AnswerTo(call, {ask.key: read}, messages=messages)


async def judge_response_once(
    client: ChatClient, ask: EvaluatorAsk, *, spec: JudgeSpec, may_reask: Callable[[], bool] = lambda: True
) -> EvaluatorAnswer:
    """Have a relevance judge grade the response as a document found for the request; score = grade / 4."""
    graded = await ask_once(
        client,
        Ask(
            query=ask.input.request,
            candidates=(PromptCandidate(id="response", fields={"text": ask.input.response}),),
            keys=ask.keys,
            reask_number=ask.reask_number,
            subject=ask.subject,
        ),
        spec=spec,
        evaluation=EvaluationContext(name="", description="", scale=_SCALE),
        may_reask=may_reask,
    )
    return AnswerTo(
        graded.call,
        {
            key: Score(outcome.grade / _SCALE.maximum, outcome.reasoning) if isinstance(outcome, Grade) else outcome
            for key, outcome in graded.outcomes.items()
        },
        tuple(replace(ask, reask_number=follow_up.reask_number) for follow_up in graded.follow_ups),
        graded.error,
        graded.messages,
        graded.taken,
        graded.refused_subject,
    )
