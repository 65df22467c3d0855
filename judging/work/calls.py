"""Calls as rows: what is kept of each, whatever kind of work it was made for."""

from typing import Any

from judging.asking.engine import CallRecord
from judging.models import Call

MAX_RAW_REPLY = 100_000


def call_row(record: CallRecord, **owner: Any) -> Call:
    """Make the unsaved row of a call. `owner` names what the call was made for, as fields of Call."""
    call = Call(
        prompt_hash=record.prompt_hash,
        candidate_count=record.candidate_count,
        is_reask=record.is_reask,
        input_tokens=record.input_tokens,
        output_tokens=record.output_tokens,
        notes="\n".join(record.notes)[:2000],
        **owner,
    )
    if (reply := record.reply) is not None:
        call.model, call.request_id = clean_and_cut(reply.model, 200), clean_and_cut(reply.request_id, 200)
        call.latency_ms, call.finish_reason = reply.latency_ms, clean_and_cut(reply.finish_reason, 50)
        call.raw_reply = clean_and_cut(reply.text, MAX_RAW_REPLY)
    elif (error := record.error) is not None:
        call.request_id, call.http_status = clean_and_cut(error.request_id, 200), error.status
        call.error_code, call.error = error.code, clean_and_cut(error.message, 2000)
        call.latency_ms, call.raw_reply = error.latency_ms, clean_and_cut(error.raw_reply, MAX_RAW_REPLY)
    return call


def clean_and_cut(text: str, length: int) -> str:
    # PostgreSQL refuses NUL in text.
    return text.replace("\x00", "")[:length]
