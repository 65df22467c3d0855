"""What a provider's answer under HTTP 200 holds: a reply, or ProviderError. Pure; knows no HTTP client."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from judging.foundation.text import clean_text
from judging.providers.base import Message, ProviderError, Reply
from judging.providers.failures import CallContext, bad_reply, complaint_of, refusal_in_reply
from judging.providers.token_counts import counted_tokens, usage_of

# Where services put thoughts beside the text.
_REASONING = ("reasoning_content", "reasoning", "reasoning_details", "reasoning_text", "thinking", "thoughts")
_EVENT_LINE = re.compile(r"\s*+(?:(?:data|event|id|retry)?:)")
_DONE = re.compile(r"\s*+(?:data:\s*+)?\[DONE\]\s*+")


class Unreadable(ValueError):
    """A body is no JSON. The message names what it is; is_broken: an answer that did not come whole."""

    def __init__(self, message: str, *, is_broken: bool = False) -> None:
        super().__init__(message)
        self.is_broken = is_broken


def read_reply(
    text: str, *, messages: Sequence[Message], context: CallContext, request_id: str, latency_ms: int
) -> Reply:
    """Read the body of an answer to `messages`. Raise ProviderError."""
    try:
        body = read_body(text)
    except Unreadable as error:
        raise bad_reply(
            f"{context.endpoint} answered with {error}",
            text,
            context=context,
            request_id=request_id,
            is_lasting=not error.is_broken,
        ) from None
    counted = body.get("usage") if isinstance(body, dict) else None
    try:
        said = _read_answer(body, text, context, request_id)
    except ProviderError as error:
        # An answer that can't be read is paid for, too.
        error.input_tokens, error.output_tokens, _ = counted_tokens(counted)
        raise
    usage = usage_of(counted, messages, said.text + said.reasoning)
    return Reply(
        text=context.redact(clean_text(said.text)),
        finish_reason=said.finish_reason,
        model=context.short(body.get("model"), 200),
        request_id=request_id,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        is_usage_estimated=usage.is_estimated,
        has_reasoning=bool(said.reasoning),
        # What people need to see where there is nothing to read.
        raw_body="" if said.text else context.raw(text),
        latency_ms=latency_ms,
    )


def read_body(text: str) -> Any:
    """Read a body that should be JSON, and a stream that nobody asked for as what it adds up to. Raise Unreadable."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if text.lstrip()[:1] == "{":
        try:
            value, end = json.JSONDecoder().raw_decode(text.lstrip())
        except (ValueError, RecursionError):
            raise Unreadable("something that is no JSON", is_broken=True) from None
        if _DONE.fullmatch(text.lstrip(), end):
            return value
        raise Unreadable("more than one JSON value")
    if _EVENT_LINE.match(text):
        return _read_stream(text)
    if text.lstrip()[:1] == "<":
        raise Unreadable("a web page")
    raise Unreadable("something that is no JSON" if text.strip() else "an empty body")


def _read_stream(text: str) -> Any:
    """Put the pieces of a stream of events together. Raise Unreadable."""
    stream = _Stream()
    for line in text.splitlines():
        name, _, value = line.strip().partition(":")
        if name != "data":
            continue
        if _DONE.fullmatch(value):
            stream.is_done = True
            break
        try:
            event = json.loads(value)
        except (ValueError, RecursionError):
            raise Unreadable("a stream that can't be read, though none was asked for") from None
        if not isinstance(event, dict):
            continue
        if event.get("error") or event.get("object") == "error":
            return event
        stream.take(event)
    return stream.completion()


class _Stream:
    """The events of one answer so far."""

    def __init__(self) -> None:
        self.is_done = False
        self._is_begun = False
        self._head: dict[str, Any] = {}
        self._choice: dict[str, Any] = {}
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._refusals: list[str] = []

    def take(self, event: dict[str, Any]) -> None:
        self._head.update({name: event[name] for name in ("model", "usage", "id") if event.get(name)})
        choices = event.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict) and choice.get("index", 0) == 0:
                self._take_choice(choice)

    def _take_choice(self, choice: dict[str, Any]) -> None:
        self._is_begun = True
        self._choice.update({name: choice[name] for name in ("finish_reason", "error") if choice.get(name)})
        piece = choice.get("delta") or choice.get("message")
        if not isinstance(piece, dict):
            return
        self._texts.append(_content_text(piece.get("content")) or "")
        self._thoughts.append(_reasoning_of(piece))
        self._refusals.append(piece["refusal"] if isinstance(piece.get("refusal"), str) else "")

    def completion(self) -> dict[str, Any]:
        if not self._is_begun:
            raise Unreadable("a stream without an answer, though none was asked for")
        if not (self.is_done or self._choice.get("finish_reason")):
            raise Unreadable("a stream that ended before its answer did", is_broken=True)
        message = {
            "content": "".join(self._texts),
            "reasoning_content": "".join(self._thoughts),
            "refusal": "".join(self._refusals) or None,
        }
        return {**self._head, "choices": [{**self._choice, "message": message}]}


@dataclass(frozen=True, slots=True)
class _Said:
    text: str
    reasoning: str
    finish_reason: str


def _read_answer(body: Any, text: str, context: CallContext, request_id: str) -> _Said:
    """Return what the model said. Raise ProviderError."""
    has_place = isinstance(body, dict) and "choices" in body
    if error := refusal_in_reply(body, text, context=context, request_id=request_id, has_place=has_place):
        raise error
    choices = body.get("choices") if isinstance(body, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        # Where not even the place for an answer is there, something else is served at this address.
        said = "" if has_place else context.brief(complaint_of(body))
        holder = "the provider's reply" if has_place else f"the reply of {context.endpoint}"
        raise bad_reply(
            f"{holder} holds no answer{': ' if said else ''}{said}",
            text,
            context=context,
            request_id=request_id,
            is_lasting=not has_place,
        )
    if error := refusal_in_reply(choice, json.dumps(choice), context=context, request_id=request_id, has_place=True):
        raise error
    content = _content_text(message.get("content"))
    if content is None:
        raise bad_reply("the provider's reply holds no text", text, context=context, request_id=request_id)
    finish_reason = context.short(choice.get("finish_reason"), 50)
    if not content and message.get("refusal"):
        finish_reason = "content_filter"
    return _Said(content, _reasoning_of(message), finish_reason)


def _content_text(content: Any) -> str | None:
    """Return a message's text: "" where it has none, None where it is nothing that can be read."""
    if content is None:
        return ""
    if isinstance(content, list):
        # Some servers answer in parts, thoughts among them.
        texts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") in _TEXT_PARTS]
        return "".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else None


_TEXT_PARTS = frozenset({"text", "output_text"})


def _reasoning_of(message: dict[str, Any]) -> str:
    """Return the thoughts that came beside the text, "" where there are none."""
    thoughts = next((message[name] for name in _REASONING if message.get(name)), None)
    if thoughts is None and isinstance(message.get("content"), list):
        thoughts = [
            part
            for part in message["content"]
            if isinstance(part, dict) and part.get("type") in ("thinking", "reasoning")
        ]
    if not thoughts:
        return ""
    return thoughts if isinstance(thoughts, str) else json.dumps(thoughts)
