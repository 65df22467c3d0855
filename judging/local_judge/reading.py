"""Prompt text -> what is to be judged. Reads the tags of the default prompt and nothing else.

Text between the tags is XML-escaped, so no document can forge a tag. Every pattern is linear in its input.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_CANDIDATES = 200
MAX_GRADE = 100

_QUERY = re.compile(r"<query>([^<]*)</query>")
_CANDIDATE = re.compile(r"""<candidate\s+id=(?:"([^"<]*)"|'([^'<]*)')\s*>""")
_TITLE = re.compile(r"<title>([^<]*)</title>")
_FIELDS = re.compile(r"<fields>([^<]*)</fields>")
_SCALE = re.compile(r"""<scale\s+min=["'](\d{1,3})["']\s+max=["'](\d{1,3})["']\s*>""")
_EVALUATOR = re.compile(r"<evaluator>([^<]*)</evaluator>")
_REQUEST = re.compile(r"<request>([^<]*)</request>")
_RESPONSE = re.compile(r"<response>([^<]*)</response>")
_TURN = re.compile(r"<turn\s+role=")

_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
_NAMED = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'"}
_CUT = re.compile(r"\s?\[… cut at [\d,. ]{1,15} characters\]")
_JSON_KEY = re.compile(r'"[^"\\]{0,100}"\s{0,10}:')
_JSON_PUNCTUATION = re.compile(r'[{}\[\]"\\]')


class UnreadablePrompt(Exception):
    """The prompt cannot be judged here. `code` is stable; the message tells the way out."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Document:
    """What is compared with the query: a title and the texts of its other fields, in their order."""

    id: str
    title: str
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GradingTask:
    """Grade each document against the query on minimum..maximum."""

    query: str
    documents: tuple[Document, ...]
    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True)
class RelevanceTask:
    """Score one response against the request it answers, in 0..1."""

    request: str
    response: Document


def read_messages(messages: object) -> GradingTask | RelevanceTask:
    """Find the task in the chat messages of a request. Raise UnreadablePrompt when there is none.

    The newest message that holds a whole task counts (an assistant's own replies never do); a task may also be
    spread over several messages, such as a scale in the system prompt.
    """
    texts = list(_texts(messages))
    problem: UnreadablePrompt | None = None
    for text in [*reversed(texts), "\n".join(texts)]:
        try:
            return _read(text)
        except UnreadablePrompt as unreadable:
            problem = unreadable
            if unreadable.code != "tags_missing":
                break
    assert problem is not None  # the joined text was tried at least
    raise problem


def unescape(text: str) -> str:
    """Undo XML escaping, once: the five named entities and character numbers, no HTML names."""
    return _ENTITY.sub(_character, text)


def escape(text: str) -> str:
    """Escape text for an XML element or attribute."""
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;")):
        text = text.replace(character, entity)
    return text


def field_texts(text: str) -> tuple[str, ...]:
    """Flatten a document's fields, a JSON object, to its texts and numbers in their order.

    What was cut in the middle is no JSON any more: its words still count.
    """
    text = _without_cut(text).strip()
    if not text:
        return ()
    value = _json(text)
    if isinstance(value, (dict, list)):
        return tuple(_scalars(value))
    return (_JSON_PUNCTUATION.sub(" ", _JSON_KEY.sub(" ", text)).strip(),)


def _texts(messages: object) -> Iterator[str]:
    if not isinstance(messages, list):
        raise UnreadablePrompt("`messages` must be a list of chat messages", code="invalid_messages")
    for message in messages:
        if not isinstance(message, dict):
            raise UnreadablePrompt("every message must be an object with role and content", code="invalid_messages")
        if message.get("role") == "assistant":
            continue
        content = message.get("content")
        parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
        yield "\n".join(
            part["text"]
            for part in parts
            if isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)
        )


def _read(text: str) -> GradingTask | RelevanceTask:
    start, documents = _last_candidates(text)
    evaluator = _last(_EVALUATOR, text)
    if not documents and evaluator is not None:
        return _read_evaluation(text, unescape(evaluator[1]).strip())
    # The query stands before the candidates: what comes after may be an instruction that names the tag.
    query = _last(_QUERY, text[:start]) or _last(_QUERY, text)
    scale = _last(_SCALE, text)
    missing = [
        name for name, found in (("<query>", query), ("<candidates>", documents), ("<scale>", scale)) if not found
    ]
    if missing or query is None or scale is None:
        raise UnreadablePrompt(
            f"The local judge found no {' and no '.join(missing)} in this prompt. It is a similarity model that reads "
            "the tags of the default prompt: use the default prompt template, or keep its <query>, <candidates> and "
            "<scale> tags with their text escaped by the xml helper.",
            code="tags_missing",
        )
    if len(documents) > MAX_CANDIDATES:
        raise UnreadablePrompt(f"At most {MAX_CANDIDATES} candidates per prompt", code="too_many_candidates")
    minimum, maximum = int(scale[1]), int(scale[2])
    if not minimum < maximum <= MAX_GRADE:
        raise UnreadablePrompt(
            f"The scale must rise from min to a max of at most {MAX_GRADE}, not {minimum}..{maximum}",
            code="invalid_scale",
        )
    return GradingTask(_query_text(unescape(query[1])), documents, minimum, maximum)


def _read_evaluation(text: str, evaluator: str) -> RelevanceTask:
    if evaluator.casefold() != "relevance":
        raise UnreadablePrompt(
            f"The local judge is a similarity model and cannot judge {evaluator[:100]!r}: it can only tell how close a "
            "response is to its request (Relevance). Give this evaluator a provider with an LLM.",
            code="evaluator_not_supported",
        )
    request, response = _last(_REQUEST, text), _last(_RESPONSE, text)
    if (request is None or response is None) and _TURN.search(text):
        raise UnreadablePrompt(
            "The local judge is a similarity model and reads no conversations: send a request and a response, or give "
            "this evaluator a provider with an LLM.",
            code="conversation_not_supported",
        )
    if request is None or response is None:
        raise UnreadablePrompt(
            "The local judge found no <request> or no <response> in this prompt: it reads the tags of the default "
            "Relevance evaluator.",
            code="tags_missing",
        )
    return RelevanceTask(unescape(request[1]).strip(), Document("", "", (unescape(response[1]).strip(),)))


def _last_candidates(text: str) -> tuple[int, tuple[Document, ...]]:
    """Return where the last block with candidates in it starts, and them; instructions may name the tags too."""
    end = len(text)
    while (end := text.rfind("</candidates>", 0, end)) >= 0:
        start = text.rfind("<candidates>", 0, end)
        if start < 0:
            break
        if documents := _read_candidates(text[start:end]):
            return start, documents
        end = start
    return len(text), ()


def _read_candidates(block: str) -> tuple[Document, ...]:
    openings = list(_CANDIDATE.finditer(block))
    ends = [*(opening.start() for opening in openings[1:]), len(block)]
    documents = []
    for opening, end in zip(openings, ends, strict=False):  # without openings one end is left over
        body = block[opening.end() : end]
        title, fields = _TITLE.search(body), _FIELDS.search(body)
        if "</candidate>" in body:
            documents.append(
                Document(
                    unescape(opening[1] if opening[1] is not None else opening[2]),
                    _without_cut(unescape(title[1])) if title else "",
                    field_texts(unescape(fields[1])) if fields else (),
                )
            )
    return tuple(documents)


def _query_text(text: str) -> str:
    value = _json(text)
    if isinstance(value, dict) and isinstance(value.get("query"), str):
        text = value["query"]
    return text.strip()


def _scalars(value: dict[str, Any] | list[Any]) -> Iterator[str]:
    # A stack of its own: what the parser let through may still be nested deeper than Python likes to recurse.
    waiting: list[Any] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting.extend(reversed(list(item.values())))
        elif isinstance(item, list):
            waiting.extend(reversed(item))
        elif isinstance(item, str) and item.strip():
            yield item.strip()
        elif isinstance(item, (int, float)) and not isinstance(item, bool):
            yield str(item)


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _without_cut(text: str) -> str:
    return _CUT.sub("", text).strip()


def _character(match: re.Match[str]) -> str:
    entity = match[0]
    if entity in _NAMED:
        return _NAMED[entity]
    number = int(entity[3:-1], 16) if entity[2] in "xX" else int(entity[2:-1])
    return chr(number) if number <= 0x10FFFF else entity


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    last = None
    for match in pattern.finditer(text):
        last = match
    return last
