"""Batches of uploaded files: JSON lines or a table, an input per line, with the members that /v1 takes."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import IO, Any
from uuid import UUID

from judging.foundation.errors import ImportProblem, ImportRejected, Invalid
from judging.foundation.limits import MAX_INPUTS, MAX_LINE_BYTES
from judging.models import BatchExecution
from judging.records.reading.delimited import checked_cells, table_rows, trimmed_header
from judging.records.reading.json_stream import json_values
from judging.records.reading.opening import why_no_text
from judging.records.reading.spellings import plain
from judging.records.reading.upload import BadValue, Problems, SourceFile, shown
from judging.records.reading.values import check_storable, read_json
from judging.records.roles import Actor, require_member
from judging.responses.executions import create_batch, earlier_batch, once
from judging.responses.inputs import BatchInput
from judging.responses.plans import plan_judge

_TABLES = (".csv", ".tsv")
_OBJECTS = (".jsonl", ".ndjson", ".json")
_TEXTS = ("request", "response", "expected_output", "system_prompt", "user_id", "session_id")
_TURN_TEXTS = ("role", "content", "tool_name", "tool_call_id")
# What an error of an input is called: inputs.3.contexts.0
_PLACE = re.compile(r"inputs\.(\d+)(?:\.(.+))?")


def create_batch_from_file(
    *, actor: Actor, judge_id: UUID, file: IO[bytes], name: str, tags: Sequence[str] = (), idempotency_key: str = ""
) -> BatchExecution:
    """Queue a judge over the inputs of a file, as POST /v1 does over those of a body. One bad line refuses all.

    Raise Forbidden, NotFound, Conflict (idempotency_key_reused), Invalid, or ImportRejected, which names lines.
    """
    require_member(actor)
    read = read_inputs(file, name)
    inputs = [given for _, given in read]
    asked = once(idempotency_key, asked_for=("judge", str(judge_id), "None"), inputs=inputs, tags=tags, project_id="")
    if (earlier := earlier_batch(actor=actor, once=asked)) is not None:
        return earlier
    plan = plan_judge(actor=actor, judge_id=judge_id)
    try:
        return create_batch(actor=actor, plan=plan, inputs=inputs, tags=tags, once=asked)
    except Invalid as refused:
        raise _by_line(refused, [line for line, _ in read]) from None


def read_inputs(file: IO[bytes], name: str) -> list[tuple[int, BatchInput]]:
    """Return the inputs of a file, each with the line it begins in. Raise Invalid or ImportRejected."""
    ending = PurePath(name).suffix.lower()
    if ending not in (*_TABLES, *_OBJECTS):
        message = "The file's name must end in .jsonl or .csv."
        raise Invalid(message, errors={"file": [message]})
    file.seek(0, 2)
    if file.tell() > MAX_LINE_BYTES:
        message = f"The file is larger than {MAX_LINE_BYTES // 1_000_000} MB."
        raise Invalid(message, errors={"file": [message]})
    source, problems = SourceFile("file", file), Problems()
    if what := why_no_text(source):
        problems.add(source.name, 0, what)
        problems.raise_if_any()
    found: list[tuple[int, BatchInput]] = []
    for line, given in (_table_rows if ending in _TABLES else json_values)(source, problems):
        if len(found) == MAX_INPUTS:
            problems.add(source.name, line, f"a batch takes at most {MAX_INPUTS} inputs")
            break
        try:
            found.append((line, _input_of(given)))
        except BadValue as error:
            problems.add(source.name, line, str(error))
    if not found and not problems.total:
        problems.add(source.name, 0, "the file holds no input")
    problems.raise_if_any()
    return found


def _table_rows(source: SourceFile, problems: Problems) -> Iterator[tuple[int, Any]]:
    """Yield rows as objects; a cell that holds a list or an object is JSON, other contexts are one text."""
    rows = table_rows(source, problems)
    first = next(rows, None)
    if first is None:
        return
    header = [plain(name) for name in trimmed_header(first.cells)]
    if len(set(header)) < len(header) or not {"request", "response", "turns", "messages"} & set(header):
        problems.add(source.name, first.line, "columns of different names are expected: request, response, ...")
        return
    for row in rows:
        try:
            cells = dict(zip(header, checked_cells(row.cells, len(header)), strict=True))
            yield row.line, {name: _cell(name, text) for name, text in cells.items() if text}
        except BadValue as error:
            problems.add(source.name, row.line, str(error))


def _cell(name: str, text: str) -> Any:
    is_json = name in ("turns", "messages", "tools", "functions") or (name == "contexts" and text.startswith("["))
    return read_json(text) if is_json else text


def _input_of(given: Any) -> BatchInput:
    """Return an input from JSON. As at /v1, members that are not known are left alone. Raise BadValue."""
    check_storable(given)
    if not isinstance(given, dict):
        raise BadValue('a JSON object is expected, such as {"request": ..., "response": ...}')
    contexts = given.get("contexts")
    messages = given.get("messages")
    if messages is not None:
        target = _text(_object(messages, "messages"), "target")
        messages = {"turns": _turns(messages), **({"target": target} if target else {})}
    return BatchInput(
        **{name: _text(given, name) for name in _TEXTS},
        contexts=[contexts] if isinstance(contexts, str) and contexts else _texts(given, "contexts"),
        turns=_turns(given),
        messages=messages,
        tools=_objects(given, "tools"),
        functions=_objects(given, "functions"),
        file_ids=_texts(given, "file_ids"),
    )


def _turns(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    turns = []
    for turn in _objects(given, "turns"):
        read: dict[str, Any] = {name: _text(turn, name) for name in _TURN_TEXTS}
        read |= {"contexts": _texts(turn, "contexts"), "tool_calls": _objects(turn, "tool_calls")}
        turns.append({name: value for name, value in read.items() if value})
    return turns


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise BadValue(f"{name} must be text, not {shown(value)}")
    return value or ""


def _texts(given: Mapping[str, Any], name: str) -> list[str]:
    return _list(given, name, lambda value: isinstance(value, str), "texts")


def _objects(given: Mapping[str, Any], name: str) -> list[Any]:
    return _list(given, name, lambda value: isinstance(value, dict), "objects")


def _list(given: Mapping[str, Any], name: str, is_fit: Callable[[Any], bool], what: str) -> list[Any]:
    value = given.get(name) or []
    if not isinstance(value, list) or not all(map(is_fit, value)):
        raise BadValue(f"{name} must be a list of {what}")
    return value


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadValue(f"{name} must be an object")
    return value


def _by_line(refused: Invalid, lines: Sequence[int]) -> Invalid:
    """Return a refusal of inputs as one that names their lines; what is about no input stays as it is."""
    found = [(_PLACE.fullmatch(place), messages) for place, messages in refused.errors.items()]
    problems = [
        ImportProblem("file", lines[int(place[1])], f"{place[2]}: {message}" if place[2] else message)
        for place, messages in found
        if place is not None
        for message in messages
    ]
    return ImportRejected(problems) if problems and all(place for place, _ in found) else refused
