"""One question to a model and what comes of it: prompt, call, parse, and what to ask next. No database, no retries.

The caller drives: it sends an `Ask`, takes the outcomes of the `Answer`, sends its follow-ups (re-asks, or each
candidate of a refused prompt alone), and decides what an error means for the work around it.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from judging.asking.parsing import Grade, ParsedReply, parse_reply
from judging.asking.prompting import (
    EvaluationContext,
    PromptCandidate,
    PromptSettings,
    TemplateError,
    build_messages,
    prompt_hash,
)
from judging.foundation.answers import AnswerTo, Failure, FailureCode, Fault
from judging.providers.base import PROMPT_CODES, CallSettings, ChatClient, Message, ProviderError, Reply
from judging.providers.token_counts import tokens_sent_where_cut

logger = logging.getLogger(__name__)

# What a reply cost has been spent: whatever goes wrong in reading it, the call is kept with it.
FAULT_IN_READING = Failure(
    FailureCode.UNPARSEABLE, "The reply could not be read because of an internal error, see the log."
)
# Asking again can't help where the provider itself refused to answer.
WORTH_ASKING_AGAIN = frozenset(FailureCode) - {FailureCode.REFUSED, *map(FailureCode, PROMPT_CODES)}

_REMINDER = (
    "\n\nYour previous reply could not be read for the candidates above. Reply with exactly one block per candidate, "
    'in this form and with nothing else: <candidate id="ID"><grade>GRADE</grade><reasoning>WHY</reasoning></candidate>. '
    "GRADE is one integer from {minimum} to {maximum}."
)


@dataclass(frozen=True, slots=True)
class JudgeSpec:
    """How a judge asks: the pure part of a judge version."""

    prompt: PromptSettings
    call: CallSettings
    max_reasks: int = 1


@dataclass(frozen=True, slots=True)
class Ask:
    """One prompt to send: a query and some of its candidates; `keys` are the caller's names for them, in order."""

    query: str | Mapping[str, Any]
    candidates: tuple[PromptCandidate, ...]
    keys: tuple[int, ...]
    reask_number: int = 0
    # The caller's name for what it is about.
    subject: str = ""
    # A candidate of a prompt that was refused, tried alone.
    is_part: bool = False


@dataclass(slots=True)
class CallRecord:
    """What is kept of one call. `reply` or `error`, never both."""

    prompt_hash: str
    candidate_count: int
    is_reask: bool = False
    reply: Reply | None = None
    error: ProviderError | None = None
    notes: tuple[str, ...] = ()
    # About how many tokens were sent, where the service read far fewer.
    cut_from_tokens: int | None = None

    def note_reply(self, reply: Reply, messages: Sequence[Message]) -> None:
        """Keep the reply to these messages, and whether it is one to all of them."""
        self.reply = reply
        if not reply.is_usage_estimated:
            self.cut_from_tokens = tokens_sent_where_cut(messages, reply.input_tokens)
        if self.cut_from_tokens is not None:
            read, sent = reply.input_tokens, self.cut_from_tokens
            self.notes = (f"the service read {read:,} tokens of about {sent:,}: the prompt was cut", *self.notes)

    @property
    def is_usage_estimated(self) -> bool:
        return self.reply is not None and self.reply.is_usage_estimated

    @property
    def is_answered(self) -> bool:
        return self.reply is not None

    @property
    def input_tokens(self) -> int:
        answered = self.reply or self.error
        return answered.input_tokens if answered else 0

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    @property
    def output_tokens(self) -> int:
        answered = self.reply or self.error
        return answered.output_tokens if answered else 0


Answer = AnswerTo[Ask, Grade]


async def ask_once(
    client: ChatClient,
    ask: Ask,
    *,
    spec: JudgeSpec,
    evaluation: EvaluationContext,
    may_reask: Callable[[], bool] = lambda: True,
) -> Answer:
    """Send one prompt and read the reply. Never raises for what a model or provider does."""
    try:
        messages = build_messages(ask.query, ask.candidates, settings=spec.prompt, evaluation=evaluation)
    except TemplateError as error:
        failure = Failure(FailureCode.REQUEST_REJECTED, f"the prompt could not be rendered: {error.message}")
        return Answer(None, dict.fromkeys(ask.keys, failure))
    if ask.reask_number:
        scale = evaluation.scale
        messages = with_reminder(messages, _REMINDER.format(minimum=scale.minimum, maximum=scale.maximum))
    call = CallRecord(prompt_hash(messages), len(ask.candidates), is_reask=ask.reask_number > 0)
    try:
        reply = await client.complete(messages, spec.call)
    except ProviderError as error:
        call.error = error
        if error.fault is not Fault.PROMPT:
            return Answer(call, error=error, messages=messages, taken=call.tokens)
        refused_subject = None if ask.is_part or error.is_filtering else ask.subject
        if len(ask.candidates) > 1:
            follow_ups = _each_alone(ask)
            return Answer(call, follow_ups=follow_ups, messages=messages, refused_subject=refused_subject)
        return Answer(call, dict.fromkeys(ask.keys, error.failure), messages=messages, refused_subject=refused_subject)
    call.note_reply(reply, messages)
    asked_ids = [candidate.id for candidate in ask.candidates]
    try:
        parsed = parse_reply(
            reply.text,
            asked_ids,
            scale=evaluation.scale,
            finish_reason=reply.finish_reason,
            has_reasoning=reply.has_reasoning,
        )
    except Exception:
        logger.exception("a judge's reply could not be read")
        parsed = ParsedReply(dict.fromkeys(asked_ids, FAULT_IN_READING))
    call.notes += tuple(parsed.notes)
    answer = Answer(call, messages=messages, taken=call.tokens)
    again: list[int] = []
    may_ask_again = ask.reask_number < spec.max_reasks and may_reask()
    for position, (key, candidate) in enumerate(zip(ask.keys, ask.candidates, strict=True)):
        outcome = parsed.outcomes[candidate.id]
        if isinstance(outcome, Failure) and may_ask_again and outcome.code in WORTH_ASKING_AGAIN:
            again.append(position)
        else:
            answer.outcomes[key] = outcome
    if again:
        answer.follow_ups = (
            Ask(
                ask.query,
                tuple(ask.candidates[position] for position in again),
                tuple(ask.keys[position] for position in again),
                ask.reask_number + 1,
                ask.subject,
                ask.is_part,
            ),
        )
    return answer


def _each_alone(ask: Ask) -> tuple[Ask, ...]:
    return tuple(
        Ask(ask.query, (candidate,), (key,), ask.reask_number, ask.subject, is_part=True)
        for key, candidate in zip(ask.keys, ask.candidates, strict=True)
    )


def with_reminder(messages: Sequence[Message], reminder: str) -> list[Message]:
    """Return the messages with a reminder at the end of the last one."""
    *before, last = messages
    content = last["content"]
    more = reminder if isinstance(content, str) else [{"type": "text", "text": reminder.strip()}]
    return [*before, {**last, "content": content + more}]
