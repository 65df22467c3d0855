"""Validate the inputs of batches. Every refusal names the input by its index, and the field."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from judging.foundation.limits import MAX_ID_CHARS, MAX_INPUT_CHARS, MAX_INPUTS, MAX_TAG_CHARS, MAX_TAGS, MAX_TURNS
from judging.foundation.validation import raise_if_any, text_problem
from judging.responses.plans import BatchPlan

INPUT_COUNT_PROBLEM = f"A batch takes 1 to {MAX_INPUTS} inputs, this one has {{length}}."
ROLES = ("user", "assistant", "tool")
TARGETS = ("agent_behavior", "user_behavior")

_TEXTS = ("request", "response", "expected_output", "system_prompt")


@dataclass(frozen=True, slots=True)
class BatchInput:
    """One input as it came. "" and empty lists mean absent. `messages` is {"turns": [...], "target": ...}."""

    request: str = ""
    response: str = ""
    contexts: Sequence[str] = ()
    expected_output: str = ""
    system_prompt: str = ""
    turns: Sequence[Mapping[str, Any]] = ()
    messages: Mapping[str, Any] | None = None
    tools: Sequence[Mapping[str, Any]] = ()
    functions: Sequence[Mapping[str, Any]] = ()
    file_ids: Sequence[str] = ()
    user_id: str = ""
    session_id: str = ""

    def content(self) -> dict[str, Any]:
        """Return what is stored of the input, and prompts are made of: what is absent is left out."""
        turns = self.turns or (self.messages or {}).get("turns") or ()
        members: dict[str, Any] = {
            **{name: getattr(self, name) for name in _TEXTS},
            "contexts": list(self.contexts),
            "turns": [dict(turn) for turn in turns],
            "target": (self.messages or {}).get("target") or "",
            "tools": list(self.tools),
            "functions": list(self.functions),
        }
        return {name: value for name, value in members.items() if value}


def check_inputs(inputs: Sequence[BatchInput], plan: BatchPlan, *, path: str = "inputs") -> None:
    """Raise Invalid unless every input can be judged by the plan. `path` "" leaves the index out (a single input)."""
    problems: dict[str, list[str]] = {}
    if not 1 <= len(inputs) <= MAX_INPUTS:
        problems[path] = [INPUT_COUNT_PROBLEM.format(length=len(inputs))]
    else:
        requires = plan.requires()
        for index, given in enumerate(inputs):
            checked = _Check(given)
            checked.check(requires, takes_conversations=plan.takes_conversations)
            prefix = f"{path}.{index}" if path else ""
            for name, messages in checked.problems.items():
                key = ".".join(part for part in (prefix, name) if part) or "non_field_errors"
                problems[key] = messages
    raise_if_any(problems)


def clean_tags(tags: Sequence[str]) -> list[str]:
    """Return the tags without blanks around them. Raise Invalid for what can't be stored: empty, too long, too many."""
    tags = [tag.strip() for tag in tags]
    problems: dict[str, list[str]] = {}
    if len(tags) > MAX_TAGS:
        problems["tags"] = [f"At most {MAX_TAGS} tags."]
    for index, tag in enumerate(tags):
        message = "This field may not be blank." if not tag else text_problem(tag, limit=MAX_TAG_CHARS)
        if message:
            problems[f"tags.{index}"] = [message]
    raise_if_any(problems)
    return tags


@dataclass(slots=True)
class _Check:
    given: BatchInput
    problems: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def check(self, requires: Mapping[str, str], *, takes_conversations: bool) -> None:
        self._check_texts()
        turns = self._check_turns()
        self._check_kind(turns, takes_conversations=takes_conversations)
        if not self.problems:
            self._check_required(requires, turns)

    def _check_texts(self) -> None:
        given = self.given
        for name in _TEXTS:
            self._check_text(name, getattr(given, name), MAX_INPUT_CHARS)
        for name in ("user_id", "session_id"):
            self._check_text(name, getattr(given, name), MAX_ID_CHARS)
        self._check_contexts("contexts", given.contexts)
        if given.file_ids:
            self.problems["file_ids"].append("Files are not supported yet: put their text into `contexts`.")

    def _check_contexts(self, path: str, contexts: Sequence[str]) -> None:
        for index, text in enumerate(contexts):
            if not text:
                self.problems[f"{path}.{index}"].append("This field may not be blank.")
            self._check_text(f"{path}.{index}", text, MAX_INPUT_CHARS)

    def _check_text(self, path: str, text: str, limit: int) -> None:
        if message := text_problem(text, limit=limit):
            self.problems[path].append(message)

    def _check_turns(self) -> Sequence[Mapping[str, Any]]:
        given = self.given
        messages = given.messages or {}
        if given.turns and messages.get("turns"):
            self.problems["messages"].append("Give `turns` or `messages`, not both.")
        target = messages.get("target")
        if target and target not in TARGETS:
            self.problems["messages.target"].append(f"One of {', '.join(TARGETS)}.")
        if given.messages is not None and not messages.get("turns") and not given.turns:
            self.problems["messages.turns"].append("A conversation has at least one turn.")
        path, turns = ("turns", given.turns) if given.turns else ("messages.turns", messages.get("turns") or ())
        if len(turns) > MAX_TURNS:
            self.problems[path].append(f"A conversation has at most {MAX_TURNS} turns.")
            return ()
        # One turn without either is ordinary: the result of a tool can be empty.
        if turns and not any(turn.get("content") or turn.get("tool_calls") for turn in turns):
            self.problems[path].append("A conversation holds content or tool calls in one turn at least.")
        for index, turn in enumerate(turns):
            if turn.get("role") not in ROLES:
                self.problems[f"{path}.{index}.role"].append(f"One of {', '.join(ROLES)}.")
            self._check_text(f"{path}.{index}.content", turn.get("content") or "", MAX_INPUT_CHARS)
            self._check_contexts(f"{path}.{index}.contexts", turn.get("contexts") or ())
        return turns

    def _check_kind(self, turns: Sequence[Mapping[str, Any]], *, takes_conversations: bool) -> None:
        given = self.given
        has_pair = bool(given.request or given.response)
        if turns and has_pair:
            name = "turns" if given.turns else "messages"
            self.problems[name].append("Give a conversation or `request` and `response`, not both.")
        elif turns and not takes_conversations:
            name = "turns" if given.turns else "messages"
            self.problems[name].append("A relevance judge takes `request` and `response`, no conversation.")
        elif not turns and not has_pair and not self.problems:
            self.problems[""].append("Give `request` and `response`, or a conversation (`turns` or `messages`).")

    def _check_required(self, requires: Mapping[str, str], turns: Sequence[Mapping[str, Any]]) -> None:
        given = self.given
        present = {
            # A conversation holds what was asked and answered.
            "request": bool(given.request or turns),
            "response": bool(given.response or turns),
            "contexts": bool(given.contexts or any(turn.get("contexts") for turn in turns)),
            "expected_output": bool(given.expected_output),
            "turns": bool(turns),
        }
        for name, evaluator in requires.items():
            if not present[name]:
                self.problems[name].append(f"The evaluator {evaluator} requires this field.")
