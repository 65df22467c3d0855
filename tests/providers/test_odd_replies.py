"""Answers as gateways really give them: packed, as streams, with thoughts beside the text, with nothing counted."""

import gzip
import json
import time
import zlib
from typing import Any

import pytest

from judging.foundation.answers import Fault
from judging.providers.base import Connection
from judging.providers.token_counts import tokens_sent_where_cut
from judging.wire.unpacking import UnusableReply, unpacked
from tests.providers.provider_calls import PROMPT, call, custom, failure, hostile_environment
from tests.stub.fixtures import Stub
from tests.stub.script import expected_grade, expected_tokens

pytestmark = pytest.mark.seldom

__all__ = ["custom", "hostile_environment"]  # fixtures

GOOD = {"choices": [{"message": {"content": "fine"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 9}}
UNAUTHORIZED = {"error": {"message": "no", "code": "invalid_api_key"}}


def answer_with(stub: Stub, body: Any, **more: Any) -> None:
    stub.script(fault="odd", custom={"odd": {"body": body, **more}})


# Packed


@pytest.mark.parametrize("name", ["gzip", "x-gzip", "GZip", "deflate"])
def test_a_packed_reply_is_read(stub: Stub, custom: Connection, name: str) -> None:
    packed = "deflate" if name == "deflate" else "gzip"
    answer_with(stub, GOOD, packed=packed, headers={"content-encoding": name})

    assert call(custom).text == "fine"


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "gzip, gzip, gzip"])
@pytest.mark.parametrize("packed", ["gzip", ""])
def test_the_status_counts_before_the_encoding(stub: Stub, custom: Connection, encoding: str, packed: str) -> None:
    answer_with(stub, UNAUTHORIZED, status=401, packed=packed, headers={"content-encoding": encoding})

    error = failure(custom)

    assert (error.fault, error.code, error.status) == (Fault.RUN, "authentication", 401)


@pytest.mark.parametrize("status", [401, 400, 503, 307])
def test_the_status_counts_before_the_size(stub: Stub, custom: Connection, status: int) -> None:
    answer_with(stub, " " * 6_000_000, status=status)

    assert failure(custom).status == status


def test_what_a_packed_refusal_says_is_told(stub: Stub, custom: Connection) -> None:
    body = {"error": {"message": "no such flavour"}}
    answer_with(stub, body, status=400, packed="gzip", headers={"content-encoding": "gzip"})

    assert "no such flavour" in failure(custom).message


def test_a_bomb_is_refused(stub: Stub, custom: Connection) -> None:
    answer_with(stub, " " * 50_000_000, packed="gzip", headers={"content-encoding": "gzip"})

    error = failure(custom)

    assert (error.fault, error.code) == (Fault.TRANSIENT, "bad_reply")
    assert "larger than 5 MB when unpacked" in error.message


def test_unpacking_is_bounded_in_size_and_time() -> None:
    raw = zlib.compressobj(wbits=-15)
    assert unpacked(raw.compress(b"abc") + raw.flush(), ["deflate"], limit=10) == b"abc"
    assert unpacked(gzip.compress(b"ab") + gzip.compress(b"cd"), ["gzip"], limit=10) == b"abcd"
    assert unpacked(gzip.compress(gzip.compress(b"ab")), ["gzip", "gzip"], limit=100) == b"ab"
    assert unpacked(b"", ["gzip"], limit=10) == b""
    bomb = gzip.compress(gzip.compress(b" " * 20_000_000))
    started = time.process_time()
    for body, encodings in (
        (bomb, ["gzip", "gzip"]),
        (gzip.compress(b"") * 200_000, ["gzip"]),
        (gzip.compress(b"a" * 100)[:-9], ["gzip"]),
        (b"abc", ["br"]),
    ):
        with pytest.raises(UnusableReply):
            unpacked(body, encodings, limit=5_000_000)
    assert time.process_time() - started < 2


# Streams


def test_a_stream_that_nobody_asked_for_is_read(stub: Stub, custom: Connection) -> None:
    stub.script(fault="stream")

    reply = call(custom)

    assert reply.text.startswith(f'<candidate id="a"><grade>{expected_grade("shoes", "a")}</grade>')
    assert (reply.finish_reason, reply.model) == ("stop", "model-x-2026-01-01")
    assert (reply.input_tokens, reply.output_tokens) == (expected_tokens(PROMPT), expected_tokens(reply.text))


def test_a_reply_that_is_followed_by_the_end_of_a_stream_is_read(stub: Stub, custom: Connection) -> None:
    stub.script(fault="json_done")

    assert call(custom).text.startswith('<candidate id="a">')


def event(**choice: Any) -> str:
    return f"data: {json.dumps({'choices': [{'index': 0, **choice}]})}\n\n"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (f"data: {json.dumps(GOOD)}\n\ndata: [DONE]\n\n", "fine"),
        (event(delta={"content": "fi"}) + event(delta={"content": "ne"}, finish_reason="stop"), "fine"),
        ("\n:keep-alive\r\n\r\nevent: chunk\r\n" + event(delta={"content": "fine"}) + "data:[DONE]", "fine"),
        (event(delta={"content": "fine"}) + event(index=1, delta={"content": "x"}) + "data: [DONE]", "fine"),
        (event(delta={"reasoning_content": "hm"}, finish_reason="stop"), ""),
    ],
)
def test_streams_of_other_shapes_are_read(stub: Stub, custom: Connection, body: str, text: str) -> None:
    answer_with(stub, body)

    assert call(custom).text == text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (event(delta={"content": "half"}), "a stream that ended before its answer did"),
        ("data: <html>\n\n", "a stream that can't be read"),
        ('event: response.created\ndata: {"type": "response.created"}\n\n', "a stream without an answer"),
        ("data: [DONE]\n\n", "a stream without an answer"),
        (json.dumps(GOOD) + json.dumps(GOOD), "more than one JSON value"),
    ],
)
def test_a_stream_that_is_no_answer_is_named(stub: Stub, custom: Connection, body: str, words: str) -> None:
    answer_with(stub, body)

    error = failure(custom)

    assert (error.fault, error.code) == (Fault.TRANSIENT, "bad_reply")
    assert words in error.message
    assert stub.base_url in error.message
    assert error.raw_reply


def test_an_error_in_a_stream_is_that_error(stub: Stub, custom: Connection) -> None:
    answer_with(stub, event(delta={"content": "half"}) + f"data: {json.dumps(UNAUTHORIZED)}\n\n")

    assert failure(custom).code == "authentication"


# What may be a wrong address


@pytest.mark.parametrize(
    "body",
    [
        {"error": "Unexpected endpoint or method. (POST /chat/completions)"},
        "<!doctype html><title>Welcome</title>",
        "Ollama is running",
        {"detail": "Not Found"},
        {"object": "error", "message": "no route", "code": 50001},
        {"models": []},
        "3",
        "",
        "data: [DONE]",
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_no_chat_completions_would_say_may_be_a_wrong_address(stub: Stub, custom: Connection, body: Any) -> None:
    answer_with(stub, body)

    error = failure(custom)

    assert (error.fault, error.code, error.code_if_lasting) == (Fault.TRANSIENT, "bad_reply", "misconfigured")
    assert stub.base_url in error.message
    assert "check the provider's address" in error.message


def test_the_forgotten_v1_is_hinted_at(stub: Stub) -> None:
    answer_with(stub, "<!doctype html>")

    error = failure(Connection("custom", stub.base_url.removesuffix("/v1")))

    assert "often ends in /v1" in error.message


@pytest.mark.parametrize(
    "body",
    [
        {"choices": None},
        {"choices": [], "error": {"message": "upstream"}},
        {"choices": [{"message": {"content": "3"}, "error": {"message": "cut"}}]},
        {"error": {"message": "try later", "type": "server_error"}},
        {"error": {"message": "busy", "type": "overloaded_error"}},
        '{"choices": [',
        event(delta={"content": "half"}),
    ],
    ids=lambda value: str(value)[:30],
)
def test_trouble_of_the_moment_is_not_a_wrong_address(stub: Stub, custom: Connection, body: Any) -> None:
    answer_with(stub, body)

    assert failure(custom).code_if_lasting == ""


# Thoughts beside the text


@pytest.mark.parametrize(
    "message",
    [
        {"content": None, "reasoning_content": "hm"},
        {"content": "", "reasoning": "hm"},
        {"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]},
    ],
)
def test_an_answer_in_the_reasoning_alone_is_kept_and_told(stub: Stub, custom: Connection, message: Any) -> None:
    answer_with(stub, {"choices": [{"message": message, "finish_reason": "stop"}]})

    reply = call(custom)

    assert (reply.text, reply.has_reasoning) == ("", True)
    assert "hm" in reply.raw_body
    assert reply.output_tokens > 0


def test_the_body_of_an_empty_reply_is_kept_and_that_of_another_is_not(stub: Stub, custom: Connection) -> None:
    answer_with(stub, {"choices": [{"message": {"content": None, "refusal": "I can't."}}]})
    assert "I can't." in call(custom).raw_body
    answer_with(stub, GOOD)
    assert call(custom).raw_body == ""


# Tokens


@pytest.mark.parametrize(
    ("usage", "given", "made", "is_estimated"),
    [
        (None, 24, 2, True),
        ("many", 24, 2, True),
        ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, 24, 2, True),
        ({"prompt_tokens": "7", "completion_tokens": None}, 24, 2, True),
        ({"prompt_tokens": True, "completion_tokens": -1}, 24, 2, True),
        ({"prompt_tokens": 10**30, "completion_tokens": 8}, 24, 8, True),
        ({"prompt_tokens": 11}, 11, 2, True),
        ({"prompt_tokens": 11, "completion_tokens": 8}, 11, 8, False),
        ({"prompt_tokens": 11.0, "completion_tokens": 8.0}, 11, 8, False),
        ({"input_tokens": 11, "output_tokens": 8}, 11, 8, False),
        ({"prompt_tokens": 11, "total_tokens": 19}, 11, 8, False),
        ({"completion_tokens": 8, "total_tokens": 19}, 11, 8, False),
        ({"total_tokens": 19}, 17, 2, True),
    ],
)
def test_tokens_that_are_not_counted_are_estimated_and_marked(
    stub: Stub, custom: Connection, usage: Any, given: int, made: int, is_estimated: bool
) -> None:
    answer_with(stub, {"choices": [{"message": {"content": "some text"}}], "usage": usage, "model": None})

    reply = call(custom)

    assert len(PROMPT) // 4 == 24
    assert (reply.input_tokens, reply.output_tokens, reply.is_usage_estimated) == (given, made, is_estimated)
    assert (reply.model, reply.finish_reason, reply.request_id) == ("", "", "")


def test_a_prompt_that_was_cut_is_found_by_its_tokens() -> None:
    def cut(text: str, tokens_read: int) -> int | None:
        return tokens_sent_where_cut([{"role": "user", "content": text}], tokens_read)

    prose = "some words of a document " * 3083
    assert cut(prose, 2050) == len(prose) // 4
    # tokenizers differ, and some read rows of spaces or lines as one token
    assert cut(prose, 12_000) is None
    assert cut("short " * 100, 1) is None
    assert cut("a" + " " * 70_000, 50) is None
    assert cut("=" * 70_000, 50) is None
