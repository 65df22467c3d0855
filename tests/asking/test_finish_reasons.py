"""Why a reply ended, as services spell it, and what that says of candidates without a grade."""

import pytest

from judging.asking.parsing import Grade, parse_evaluation
from judging.foundation.answers import FailureCode
from tests.asking.test_parsing import block, code, outcome


@pytest.mark.parametrize(
    ("text", "finish_reason", "expected"),
    [
        ("", "stop", FailureCode.EMPTY_REPLY),
        (" \n\t\0", "", FailureCode.EMPTY_REPLY),
        ("", "length", FailureCode.EMPTY_REPLY),
        ("", "content_filter", FailureCode.REFUSED),
        ("I can't", "content_filter", FailureCode.REFUSED),
        ("Let me think about", "length", FailureCode.TRUNCATED),
        ('<candidate id="a"><grade>3</gra', "length", FailureCode.TRUNCATED),
        (block("b", 3), "length", FailureCode.TRUNCATED),
        (block("a", 9), "length", FailureCode.OUT_OF_SCALE),
    ],
)
def test_a_reply_that_ended_early_says_why(text, finish_reason, expected):
    assert code(text, finish_reason=finish_reason) == expected


CUT_OFF = [
    "length",
    "max_tokens",
    "MAX_TOKENS",
    "maxTokens",
    "FinishReason.MAX_TOKENS",
    "max_output_tokens",
    "token_limit",
]
CUT_OFF += ["model_length", "max_length", "context_window_exceeded", "length: max_new_tokens", "LENGTH"]
REFUSED = [
    "content_filter",
    "content_filter: PROHIBITED_CONTENT",
    "contentFilter",
    "CONTENT_FILTERED",
    "content-filter",
]
REFUSED += [
    "SAFETY",
    "FinishReason.SAFETY",
    "finish_reason_safety",
    "PROHIBITED_CONTENT",
    "BLOCKLIST",
    "SPII",
    "RECITATION",
]
REFUSED += ["refusal", "Refused", "guardrail_intervened", "sensitive", "moderation", "blocked", "IMAGE_SAFETY"]


@pytest.mark.parametrize("reason", CUT_OFF)
def test_a_reply_that_was_cut_off_is_known_by_any_spelling(reason):
    assert code("Let me think about", finish_reason=reason) == FailureCode.TRUNCATED
    assert parse_evaluation("<evaluation><score>0.", finish_reason=reason).code == FailureCode.TRUNCATED
    assert "used up its output tokens" in outcome("", finish_reason=reason).message


@pytest.mark.parametrize("reason", REFUSED)
def test_a_refusal_is_known_by_any_spelling(reason):
    assert code("", finish_reason=reason) == FailureCode.REFUSED
    assert code("I can't", finish_reason=reason) == FailureCode.REFUSED
    assert code(block("b", 1), finish_reason=reason) == FailureCode.REFUSED
    assert parse_evaluation("", finish_reason=reason).code == FailureCode.REFUSED


@pytest.mark.parametrize(
    "reason", ["stop", "STOP", "eos_token", "end_turn", "stop_sequence", "tool_calls", "", "eos", "?"]
)
def test_other_reasons_excuse_nothing(reason):
    assert code("I can't", finish_reason=reason) == FailureCode.UNPARSEABLE
    assert code(block("a", 2), finish_reason=reason) == 2


def test_an_answer_in_the_thoughts_alone_is_empty_and_says_so():
    for reason in ("stop", "length"):
        failure = outcome("", finish_reason=reason, has_reasoning=True)
        assert failure.code == FailureCode.EMPTY_REPLY
        assert "the model answered only in its reasoning" in failure.message
        evaluated = parse_evaluation("", finish_reason=reason, has_reasoning=True)
        assert evaluated == failure
    assert outcome(block("a", 2), has_reasoning=True) == Grade(2, "because")
    assert code("", finish_reason="SAFETY", has_reasoning=True) == FailureCode.REFUSED


def test_an_evaluation_that_ended_early_says_why():
    assert parse_evaluation("<evaluation><score>0.", finish_reason="length").code == FailureCode.TRUNCATED
    assert parse_evaluation("", finish_reason="content_filter").code == FailureCode.REFUSED
