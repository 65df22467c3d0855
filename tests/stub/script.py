"""What the stub provider answers: good replies that tests can recompute, and every kind of bad one.

Faults: an HTTP status ("401", "429", "503", ...; "429:0.2" names its Retry-After), "quota", "reset", "close", "hang",
"partial", "html", "broken_json", "null_choices", "empty_choices", "null_content", "refusal", "error_200", "oversized",
"redirect", "prose", "json", "wrong_ids", "too_few", "out_of_scale", "conflicting", "truncated", "nul", "huge",
"entity" (a character number of 5,000 digits), "no_usage", "zero_usage", "few_tokens:N" (all that it says to have read),
"reasoning" (no text, but thoughts), "filtered:REASON", "stream", "json_done", "wrong_route", "delay:MS", "hold" (a good
reply once the stub has another script), or a name of `Script.custom`.
"""

import gzip
import html
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_CANDIDATES = re.compile(r"<candidates>(.*?)</candidates>", re.DOTALL)
_CANDIDATE = re.compile(r'<candidate\s+id="([^"]*)"')
_QUERY = re.compile(r"<query>(.*?)</query>", re.DOTALL)
_SCALE = re.compile(r'<scale\s+min="\d+"\s+max="(\d+)"')
_ODD_REASONS = {"huge": "long " * 200_000, "nul": "a \0 inside", "entity": f"so &#{'9' * 5000}; it is"}
_STATUS_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_STATUS_CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}


@dataclass(frozen=True, slots=True)
class Script:
    """How the stub behaves from now on. What decides a call's fault, first match: by_call (numbers from 1),
    by_candidate (a text: always; a list: one per attempt, "" is good), mix (share per fault, drawn per prompt from
    the seed, whatever the order of calls, and over after `fault_attempts` attempts), fault (calls after `after_calls`).
    """

    delay_ms: float = 0.0
    fault: str = ""
    after_calls: int = 0
    by_call: Mapping[int, str] = field(default_factory=dict)
    by_candidate: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    mix: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    fault_attempts: int = 1
    retry_after: str = "1"
    api_key: str = ""  # wanted; "" takes any
    grades: Mapping[str, int] = field(default_factory=dict)  # candidate id -> grade, instead of the computed one
    text: str | None = None  # the reply's text, literally
    models: Sequence[str] = ("stub-model", "stub-large")
    release: str = "2026-01-01"  # what a reply adds to the model's name
    # name -> {status, headers, body, packed: "gzip" or "deflate", how the body travels}
    custom: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mix:
    """Faults by share of prompts, fixed by the seed."""

    seed: int
    shares: Mapping[str, float]

    def fault_for(self, query: str, candidate_ids: Sequence[str]) -> str:
        draw = zlib.crc32(f"{self.seed}\0{prompt_key(query, candidate_ids)}".encode()) / 2**32
        for fault, share in self.shares.items():
            if draw < share:
                return fault
            draw -= share
        return ""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the stub reads from a request: ids and query unescaped, whether an evaluator asks."""

    text: str
    query: str
    candidate_ids: tuple[str, ...]
    maximum: int
    is_evaluation: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes over the wire. `special` is what the connection does instead of, or with, a whole answer."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    special: str = ""
    delay_ms: float = 0.0


def prompt_key(query: str, candidate_ids: Sequence[str]) -> str:
    return "\0".join((query, *candidate_ids))


def expected_grade(query: str, candidate_id: str, maximum: int = 4) -> int:
    """Return the grade of a good reply."""
    return zlib.crc32(f"{query}\0{candidate_id}".encode()) % (maximum + 1)


def expected_score(prompt_text: str) -> float:
    """Return the score of a good reply to an evaluator, in 0..1 with two decimals."""
    return zlib.crc32(prompt_text.encode()) % 101 / 100


def expected_tokens(text: str) -> int:
    """Return the tokens that the stub counts for a text."""
    return len(text) // 4 + 1


def read_prompt(messages: Any) -> Prompt:
    """Read chat messages as sent; never raises."""
    texts: list[str] = []
    for message in messages if isinstance(messages, list) else []:
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, str):
            texts.append(content)
        elif isinstance(content, list):
            texts.extend(part["text"] for part in content if isinstance(part, dict) and "text" in part)
    text = "\n".join(texts)
    fences = _CANDIDATES.findall(text)
    ids = _CANDIDATE.findall(fences[-1] if fences else text)
    query = _QUERY.search(text)
    scale = _SCALE.search(text)
    return Prompt(
        text,
        html.unescape(query[1]) if query else "",
        tuple(html.unescape(candidate_id) for candidate_id in ids),
        int(scale[1]) if scale else 4,
        "<evaluation>" in text,
    )


def fault_of(script: Script, prompt: Prompt, *, call_number: int, attempt: int) -> str:
    """Decide what goes wrong with a call; call and attempt (of this prompt) count from 1."""
    if call_number in script.by_call:
        return script.by_call[call_number]
    for candidate_id in prompt.candidate_ids:
        faults = script.by_candidate.get(candidate_id)
        if isinstance(faults, str):
            return faults
        if faults is not None:
            return faults[attempt - 1] if attempt <= len(faults) else ""
    if script.mix and attempt <= script.fault_attempts:
        fault = Mix(script.seed, script.mix).fault_for(prompt.query, prompt.candidate_ids)
        if fault:
            return fault
    return script.fault if call_number > script.after_calls else ""


def answer_to(script: Script, prompt: Prompt, fault: str, *, call_number: int, model: str) -> Answer:
    """Write the answer to a call."""
    name, _, argument = fault.partition(":")
    if name in script.custom:
        custom = script.custom[name]
        body = custom.get("body", "")
        body = body if isinstance(body, str) else json.dumps(body)
        headers = tuple({"content-type": "application/json", **custom.get("headers", {})}.items())
        return Answer(custom.get("status", 200), _packed(body.encode(), custom.get("packed", "")), headers)
    if name.isdigit():
        return _status(int(name), retry_after=argument or script.retry_after, model=model)
    if name == "quota":
        return Answer(429, _error("You exceeded your current quota.", "insufficient_quota", "insufficient_quota"))
    if name in ("reset", "close", "hang"):
        return Answer(special=name)
    if name == "redirect":
        return Answer(307, headers=(("location", argument or "/elsewhere"),))
    if name == "html":
        return Answer(body=b"<!doctype html><title>Sign in</title><p>3", headers=(("content-type", "text/html"),))
    if name == "broken_json":
        return Answer(body=b'{"choices": [{"message": {"content": "<cand')
    if name == "error_200":
        return Answer(body=_error("upstream failed", "upstream", "server_error"))
    if name == "wrong_route":
        return Answer(body=b'{"error": "Unexpected endpoint or method. (POST /chat/completions)"}')
    if name == "oversized":
        return Answer(body=b" " * 6_000_000 + b"{}")
    text, finish_reason = _text(script, prompt, name)
    completion = _completion(prompt, text, finish_reason, call_number=call_number, model=f"{model}-{script.release}")
    if name == "null_choices":
        completion["choices"] = None
    elif name == "empty_choices":
        completion["choices"] = []
    elif name == "null_content":
        completion["choices"][0]["message"]["content"] = None
    elif name == "refusal":
        completion["choices"][0]["message"] = {"role": "assistant", "content": None, "refusal": "I can't help with it."}
    elif name == "reasoning":
        message = completion["choices"][0]["message"]
        message["content"], message["reasoning_content"] = None, f"Let me think. {message['content']}"
    elif name == "filtered":
        completion["choices"][0].update(finish_reason=argument, message={"role": "assistant", "content": None})
    elif name == "no_usage":
        del completion["usage"]
    elif name == "zero_usage":
        completion["usage"] = dict.fromkeys(completion["usage"], 0)
    elif name == "few_tokens":
        completion["usage"]["prompt_tokens"] = int(argument)
    body = json.dumps(completion, separators=(",", ":"))
    if name == "json_done":
        body += "\n\ndata: [DONE]\n\n"
    elif name == "stream":
        body = _stream(completion)
    return Answer(
        body=body.encode(),
        headers=(("x-request-id", f"req-{call_number}"),),
        special=name if name in ("partial", "hold") else "",
        delay_ms=float(argument) if name == "delay" else 0.0,
    )


def _stream(completion: dict[str, Any]) -> str:
    """Write a completion as the events of a stream, a few characters each."""
    text = completion["choices"][0]["message"]["content"]
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": text[start : start + 7]} for start in range(0, len(text), 7)]
    choices = [[{"index": 0, "delta": delta, "finish_reason": None}] for delta in deltas]
    choices += [[{"index": 0, "delta": {}, "finish_reason": completion["choices"][0]["finish_reason"]}]]
    head = {"id": completion["id"], "object": "chat.completion.chunk", "model": completion["model"]}
    events = [{**head, "choices": each} for each in choices] + [{**head, "choices": [], "usage": completion["usage"]}]
    return ": begins\n\n" + "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"


def _packed(body: bytes, encoding: str) -> bytes:
    packed: bytes = {"": bytes, "gzip": gzip.compress, "deflate": zlib.compress}[encoding](body)
    return packed


def _error(message: str, code: str, kind: str) -> bytes:
    return json.dumps({"error": {"message": message, "type": kind, "code": code, "param": None}}).encode()


def _status(status: int, *, retry_after: str, model: str) -> Answer:
    headers = (("retry-after", retry_after),) if status in (429, 503) and retry_after else ()
    message = f"The model `{model}` does not exist." if status == 404 else f"The stub was told to answer {status}."
    kind = _STATUS_TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return Answer(status, _error(message, _STATUS_CODES.get(status, ""), kind), headers)


def _completion(prompt: Prompt, text: str, finish_reason: str, *, call_number: int, model: str) -> dict[str, Any]:
    asked, answered = expected_tokens(prompt.text), expected_tokens(text)
    return {
        "id": f"chatcmpl-{call_number}",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": model,
        "choices": [
            {"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", "content": text}},
        ],
        "usage": {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered},
    }


def _text(script: Script, prompt: Prompt, fault: str) -> tuple[str, str]:
    if script.text is not None:
        return script.text, "stop"
    if fault == "prose":
        return "Error 503 aside, this looks like a 3 out of 4 to me.", "stop"
    if fault == "json":
        return json.dumps([{"id": candidate_id, "grade": 1} for candidate_id in prompt.candidate_ids]), "stop"
    blocks = _evaluation(prompt, fault) if prompt.is_evaluation else _blocks(script, prompt, fault)
    text = "\n".join(blocks) or "There is nothing to say."
    if fault == "truncated":
        # cut inside the grade, so that only the blocks before the last one are whole
        return text[: max(text.rfind("</grade>"), text.rfind("</score>"))], "length"
    return ("\0" + text + "\0", "stop") if fault == "nul" else (text, "stop")


def _blocks(script: Script, prompt: Prompt, fault: str) -> list[str]:
    ids = prompt.candidate_ids[:-1] if fault == "too_few" else prompt.candidate_ids
    blocks = []
    for candidate_id in ids:
        grade = script.grades.get(candidate_id)
        if grade is None:
            grade = expected_grade(prompt.query, candidate_id, prompt.maximum)
        if fault == "out_of_scale":
            grade = prompt.maximum + 5
        why = _ODD_REASONS.get(fault, "because the stub says so")
        shown = html.escape(f"{candidate_id}-wrong" if fault == "wrong_ids" else candidate_id)
        blocks.append(_block(shown, grade, why))
        if fault == "conflicting":
            blocks.append(_block(shown, grade - 1 if grade else 1, why))
    return blocks


def _block(shown_id: str, grade: int, why: str) -> str:
    return f'<candidate id="{shown_id}"><grade>{grade}</grade><reasoning>{why}</reasoning></candidate>'


def _evaluation(prompt: Prompt, fault: str) -> list[str]:
    score = 7.0 if fault == "out_of_scale" else expected_score(prompt.text)
    scores = {"conflicting": [score, 1 - score / 2], "too_few": [], "wrong_ids": []}.get(fault, [score])
    why = _ODD_REASONS.get(fault, "because the stub says so")
    return [f"<evaluation><score>{score}</score><justification>{why}</justification></evaluation>" for score in scores]
