"""What a provider's refusals and unreadable answers mean, over real HTTP."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from judging.foundation.answers import Fault
from judging.providers.base import Connection
from judging.providers.failures import retry_after_of
from tests.providers.provider_calls import KEY, call, custom, failure, hostile_environment
from tests.stub.fixtures import Stub
from tests.stub.server import headers_of

__all__ = ["custom", "hostile_environment"]  # fixtures


def error_body(**error: Any) -> dict[str, Any]:
    return {"error": {"message": "told so", **error}}


RUN, TRANSIENT, PROMPT_FAULT = Fault.RUN, Fault.TRANSIENT, Fault.PROMPT


@pytest.mark.parametrize(
    ("status", "body", "fault", "code"),
    [
        (400, error_body(code="content_filter"), PROMPT_FAULT, "request_rejected"),
        (400, error_body(code="context_length_exceeded", param="messages"), PROMPT_FAULT, "request_rejected"),
        (400, error_body(message="invalid role"), PROMPT_FAULT, "request_rejected"),
        (400, error_body(message="the words api key and model appear"), PROMPT_FAULT, "request_rejected"),
        (400, {"error": {"message": "max_tokens is too large: maximum context length is 4096", "param": "max_tokens"}},
         PROMPT_FAULT, "request_rejected"),
        (400, "", PROMPT_FAULT, "request_rejected"),
        (413, error_body(), PROMPT_FAULT, "request_rejected"),
        (422, {"detail": [{"loc": ["body"], "msg": "too long"}]}, PROMPT_FAULT, "request_rejected"),
        (403, error_body(metadata={"flagged_input": "..."}), PROMPT_FAULT, "request_rejected"),
        (400, error_body(code="model_not_found"), RUN, "unknown_model"),
        (400, error_body(code="invalid_value", param="model"), RUN, "unknown_model"),
        (400, error_body(code="invalid_api_key"), RUN, "authentication"),
        (400, [{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key."}}],
         RUN, "authentication"),
        (400, error_body(code="unsupported_value", param="temperature"), RUN, "misconfigured"),
        (400, error_body(code="unsupported_parameter", param="max_tokens"), RUN, "misconfigured"),
        (400, error_body(message="`temperature` is deprecated for this model."), RUN, "misconfigured"),
        (400, error_body(message="Your credit balance is too low"), RUN, "no_quota"),
        (401, error_body(), RUN, "authentication"),
        (402, error_body(), RUN, "no_quota"),
        (403, error_body(), RUN, "permission"),
        (404, error_body(), RUN, "unknown_model"),
        (404, "<html><title>Not here</title>", RUN, "unknown_model"),
        (405, "", RUN, "misconfigured"),
        (307, "", RUN, "misconfigured"),
        (429, error_body(code="insufficient_quota"), RUN, "no_quota"),
        (429, error_body(type="insufficient_quota"), RUN, "no_quota"),
        (429, error_body(), TRANSIENT, "rate_limited"),
        (429, "slow down", TRANSIENT, "rate_limited"),
        (408, "", TRANSIENT, "timeout"),
        (409, error_body(), TRANSIENT, "server_error"),
        (500, error_body(), TRANSIENT, "server_error"),
        (500, "null", TRANSIENT, "server_error"),
        (502, "<html>Bad gateway</html>", TRANSIENT, "server_error"),
        (503, {"error": "overloaded"}, TRANSIENT, "server_error"),
        (529, error_body(type="overloaded_error"), TRANSIENT, "server_error"),
    ],
    ids=str,
)  # fmt: skip
def test_a_refusal_means_what_its_status_and_code_say(
    stub: Stub, custom: Connection, status: int, body: Any, fault: Fault, code: str
) -> None:
    headers = {"x-request-id": "req-abc", "location": "https://elsewhere.example/x?secret=1"}
    stub.script(fault="odd", custom={"odd": {"status": status, "headers": headers, "body": body}})

    error = failure(custom)

    assert (error.fault, error.code, error.status) == (fault, code, status)
    assert error.request_id == "req-abc"
    assert stub.calls == 1  # never repeated here


def test_messages_tell_what_to_do(stub: Stub, custom: Connection) -> None:
    stub.script(fault="404")
    assert "'model-x'" in failure(custom).message
    assert stub.base_url in failure(custom).message
    refused = error_body(code="unsupported_value", param="temperature")
    stub.script(fault="odd", custom={"odd": {"status": 400, "body": refused}})
    assert "the model refuses `temperature`: leave the judge's temperature empty" in failure(custom).message


def test_a_wrong_key_is_an_authentication_failure_that_does_not_repeat_it(stub: Stub, custom: Connection) -> None:
    stub.script(api_key="another-key")

    error = failure(custom)

    assert (error.fault, error.code) == (Fault.RUN, "authentication")
    assert "Incorrect API key provided: [key]." in error.message
    stub.script(api_key=KEY)
    assert call(custom).text


@pytest.mark.parametrize("echo", [f"Bearer {KEY}", f"x{KEY}x", "a" * 490 + KEY, "\0".join(KEY)], ids=range(4))
@pytest.mark.parametrize("status", [400, 500, 200])
def test_a_provider_that_echoes_the_key_does_not_get_it_into_a_message(
    stub: Stub, custom: Connection, echo: str, status: int
) -> None:
    for body in (echo, error_body(message=echo)):
        stub.script(fault="odd", custom={"odd": {"status": status, "body": body}})

        error = failure(custom)

        assert KEY[:12] not in error.message + error.raw_reply
        assert len(error.message) < 700


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "300"}, 300.0),
        ({"retry-after": "9", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_passed_on(stub: Stub, custom: Connection, headers: Any, seconds: float | None) -> None:
    stub.script(fault="odd", custom={"odd": {"status": 429, "headers": headers}})

    assert failure(custom).retry_after == seconds


def test_retry_after_may_be_a_date() -> None:
    now = datetime(2026, 11, 1, 12, tzinfo=UTC)

    def seconds(moment: datetime) -> float | None:
        return retry_after_of({"retry-after": format_datetime(moment, usegmt=True)}, now=now.timestamp())

    assert seconds(now + timedelta(seconds=40)) == 40.0
    assert seconds(now - timedelta(days=1)) == 0.0


# HTTP 200 that is no answer


@pytest.mark.parametrize(
    ("body", "fault", "code"),
    [
        ("<!doctype html><p>3", Fault.TRANSIENT, "bad_reply"),
        ('{"choices": [', Fault.TRANSIENT, "bad_reply"),
        ("", Fault.TRANSIENT, "bad_reply"),
        ("[" * 100_000, Fault.TRANSIENT, "bad_reply"),
        ("3", Fault.TRANSIENT, "bad_reply"),
        ("[]", Fault.TRANSIENT, "bad_reply"),
        ({"choices": None}, Fault.TRANSIENT, "bad_reply"),
        ({"choices": []}, Fault.TRANSIENT, "bad_reply"),
        ({"choices": ["3"]}, Fault.TRANSIENT, "bad_reply"),
        ({"choices": [{"message": None}]}, Fault.TRANSIENT, "bad_reply"),
        ({"choices": [{"message": {"content": 3}}]}, Fault.TRANSIENT, "bad_reply"),
        ({"choices": [{"message": {"content": "3"}, "error": {"message": "cut"}}]}, Fault.TRANSIENT, "bad_reply"),
        (error_body(), Fault.TRANSIENT, "bad_reply"),
        ({"error": "no"}, Fault.TRANSIENT, "bad_reply"),
        (error_body(code=401), Fault.RUN, "authentication"),
        (error_body(code="invalid_api_key"), Fault.RUN, "authentication"),
        (error_body(type="permission_error"), Fault.RUN, "permission"),
        (error_body(code="insufficient_quota"), Fault.RUN, "no_quota"),
        (error_body(code="429"), Fault.TRANSIENT, "rate_limited"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_200_without_an_answer_is_a_failure(
    stub: Stub, custom: Connection, body: Any, fault: Fault, code: str
) -> None:
    stub.script(fault="odd", custom={"odd": {"body": body}})

    error = failure(custom)

    assert (error.fault, error.code) == (fault, code)
    assert bool(error.raw_reply) is bool(body)
    assert len(error.raw_reply) <= 100_000


def test_a_reply_over_the_bound_is_not_taken_in(stub: Stub, custom: Connection) -> None:
    stub.script(fault="oversized")

    error = failure(custom)

    assert (error.fault, error.code) == (Fault.TRANSIENT, "bad_reply")
    assert "5 MB" in error.message


def test_no_compressed_reply_is_asked_for(stub: Stub, custom: Connection) -> None:
    stub.script(fault="odd", custom={"odd": {"headers": {"content-encoding": "gzip"}, "body": "no gzip"}})

    assert failure(custom).code == "bad_reply"
    assert headers_of(stub.requests[0]["head"])["accept-encoding"] == "identity"
