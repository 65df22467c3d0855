"""An input and an evaluator's template -> chat messages. Pure: no Django, no models, the same for the same input."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from judging.asking.documents import plain_json
from judging.foundation.text import clean_text
from judging.providers.base import Message
from judging.templating.templates import TemplateError, render_template

# What one input may hold is bounded by the size of a body, 20 MB; a template that prints it once must have room.
MAX_PROMPT_CHARS = 25_000_000

REPLY_FORMAT = """\
Reply with exactly one block, in this form, with nothing before or after it:
<evaluation><score>SCORE</score><justification>WHY</justification></evaluation>
SCORE is a decimal number from 0 to 1. WHY is one to three sentences in plain text, without tags. No JSON, no Markdown.
"""

REMINDER = f"\n\nYour previous reply could not be read. {REPLY_FORMAT}"

# (name, description) of all that an evaluator's template may use; its helpers are those of any prompt template.
EVALUATOR_TEMPLATE_VARIABLES: list[tuple[str, str]] = [
    ("request", "What was asked."),
    ("response", "What was answered: the text to judge."),
    ("contexts", "Texts that the answer was made from: {{#each contexts}}{{this}}{{/each}}."),
    ("expected_output", "The answer that was wanted."),
    ("turns", "A conversation: {{#each turns}} with role, content, contexts, tool_calls and tool_call_id."),
    ("tools", "The tools that the agent could call."),
    ("system_prompt", "The instructions that the answer was given under."),
    ("target", "In a conversation, whom to judge: agent_behavior or user_behavior."),
    ("intent", "What the evaluator, or its judge, is for."),
]


@dataclass(frozen=True, slots=True)
class EvaluationInput:
    """What is judged: a response to a request, or a conversation (`turns`), and what belongs to it."""

    request: str = ""
    response: str = ""
    contexts: tuple[str, ...] = ()
    expected_output: str = ""
    turns: tuple[Mapping[str, Any], ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()
    system_prompt: str = ""
    target: str = ""


def evaluation_messages(given: EvaluationInput, *, prompt_template: str, intent: str) -> list[Message]:
    """Render an evaluator's prompt. A template that does not say how to reply is told so at its end.

    Raise TemplateError when it does not compile, or its text is over the bounds of judging.templating.templates.
    """
    context = {
        "request": clean_text(given.request),
        "response": clean_text(given.response),
        "contexts": [clean_text(text) for text in given.contexts],
        "expected_output": clean_text(given.expected_output),
        "turns": [_plain(turn) for turn in given.turns],
        "tools": [_plain(tool) for tool in given.tools],
        "system_prompt": clean_text(given.system_prompt),
        "target": given.target,
        "intent": intent,
    }
    text = render_template(prompt_template, context, max_chars=MAX_PROMPT_CHARS)
    if "<evaluation>" not in prompt_template:
        text = f"{text.rstrip()}\n\n{REPLY_FORMAT}"
    return [{"role": "user", "content": text}]


def check_evaluator_template(source: str, requires: Collection[str]) -> None:
    """Raise TemplateError for a template that no evaluator should be saved with.

    It must compile and print something of the input, and all that the evaluator requires.
    """
    if not source.strip():
        raise TemplateError("the template is empty")
    single = EvaluationInput(
        request=_sentinel("request"),
        response=_sentinel("response"),
        contexts=(_sentinel("contexts"),),
        expected_output=_sentinel("expected_output"),
    )
    conversation = EvaluationInput(turns=({"role": "user", "content": _sentinel("turns")},))
    texts = [_rendered(source, given) for given in (single, conversation)]
    printed = {name for name in _INPUTS if any(_sentinel(name) in text for text in texts)}
    if not printed:
        raise TemplateError("the template never prints the input: use {{request}}, {{response}} or {{#each turns}}")
    missing = [name for name in _INPUTS if name in requires and name not in printed]
    if missing:
        raise TemplateError(f"the evaluator requires {missing[0]}, but the template never prints it")


_INPUTS = ("request", "response", "contexts", "expected_output", "turns")


def _sentinel(name: str) -> str:
    return f"releval-sentinel-7f3a-{name}"


def _rendered(source: str, given: EvaluationInput) -> str:
    messages: Sequence[Message] = evaluation_messages(given, prompt_template=source, intent="intent")
    return str(messages[-1]["content"])


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    # Members that prompts print are texts of any length; plain_json bounds what is nested.
    return {
        clean_text(str(name)): clean_text(member) if isinstance(member, str) else plain_json(member)
        for name, member in value.items()
    }
