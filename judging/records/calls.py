"""Calls as rows, for every kind of work."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Count, F, QuerySet

from judging.asking.engine import CallRecord
from judging.foundation.columns import insert_returning_keys
from judging.foundation.limits import MAX_ERROR, MAX_FINISH_REASON, MAX_MODEL, MAX_NAME, MAX_RAW_REPLY
from judging.foundation.text import cut_text
from judging.models import Call
from judging.providers.base import PROMPT_CODES

_NAMES = (
    "prompt_hash",
    "candidate_count",
    "is_reask",
    "input_tokens",
    "output_tokens",
    "usage_estimated",
    "notes",
    "model",
    "request_id",
    "latency_ms",
    "finish_reason",
    "http_status",
    "error_code",
    "error",
    "raw_reply",
)


def insert_calls(owner: str, made: Iterable[tuple[Any, CallRecord]]) -> list[int]:
    """Store calls and return their keys. Each comes with the key of what it was made for; `owner` is its column."""
    return insert_returning_keys(Call, (owner, *_NAMES), ((key, *_row(record)) for key, record in made))


def _row(record: CallRecord) -> tuple[Any, ...]:
    model = request_id = finish_reason = error_code = message = raw_reply = ""
    latency_ms, http_status = 0, None
    if (reply := record.reply) is not None:
        model, request_id, latency_ms = reply.model, reply.request_id, reply.latency_ms
        finish_reason, raw_reply = reply.finish_reason, reply.text or reply.raw_body
    elif (error := record.error) is not None:
        request_id, latency_ms, http_status = error.request_id, error.latency_ms, error.status
        error_code, message, raw_reply = error.code, error.message, error.raw_reply
    return (
        record.prompt_hash,
        record.candidate_count,
        record.is_reask,
        record.input_tokens,
        record.output_tokens,
        record.is_usage_estimated,
        "\n".join(record.notes)[:MAX_ERROR],
        cut_text(model, MAX_MODEL),
        cut_text(request_id, MAX_NAME),
        latency_ms,
        cut_text(finish_reason, MAX_FINISH_REASON),
        http_status,
        error_code,
        cut_text(message, MAX_ERROR),
        cut_text(raw_reply, MAX_RAW_REPLY),
    )


def refusals_by_frequency(**owner: Any) -> "QuerySet[Call, str]":
    """Return what services said when they refused prompts, the most frequent first, of calls made for `owner`."""
    refused = Call.objects.filter(error_code__in=PROMPT_CODES, **owner).order_by()
    counted = refused.values("error").annotate(count=Count("pk")).order_by("-count", "error")
    return counted.values_list("error", flat=True)


def call_counts(records: Sequence[CallRecord]) -> dict[str, Any]:
    """Return the changes of a job's counters for these calls."""
    changes: dict[str, Any] = {
        "call_count": F("call_count") + len(records),
        "input_tokens": F("input_tokens") + sum(record.input_tokens for record in records),
        "output_tokens": F("output_tokens") + sum(record.output_tokens for record in records),
    }
    if any(record.is_usage_estimated for record in records):
        changes["usage_estimated"] = True
    return changes
