"""Calls as rows, for every kind of work."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, F, QuerySet

from judging.asking.engine import CallRecord
from judging.foundation.limits import MAX_ERROR, MAX_FINISH_REASON, MAX_MODEL, MAX_NAME, MAX_RAW_REPLY
from judging.foundation.text import cut_text
from judging.models import Call


def call_row(record: CallRecord, **owner: Any) -> Call:
    """Make the unsaved row of a call. `owner` names what the call was made for, as fields of Call."""
    call = Call(
        prompt_hash=record.prompt_hash,
        candidate_count=record.candidate_count,
        is_reask=record.is_reask,
        input_tokens=record.input_tokens,
        output_tokens=record.output_tokens,
        usage_estimated=record.is_usage_estimated,
        notes="\n".join(record.notes)[:MAX_ERROR],
        **owner,
    )
    if (reply := record.reply) is not None:
        call.model, call.request_id = cut_text(reply.model, MAX_MODEL), cut_text(reply.request_id, MAX_NAME)
        call.latency_ms, call.finish_reason = reply.latency_ms, cut_text(reply.finish_reason, MAX_FINISH_REASON)
        call.raw_reply = cut_text(reply.text or reply.raw_body, MAX_RAW_REPLY)
    elif (error := record.error) is not None:
        call.request_id, call.http_status = cut_text(error.request_id, MAX_NAME), error.status
        call.error_code, call.error = error.code, cut_text(error.message, MAX_ERROR)
        call.latency_ms, call.raw_reply = error.latency_ms, cut_text(error.raw_reply, MAX_RAW_REPLY)
    return call


def refusals_by_frequency(**owner: Any) -> "QuerySet[Call, str]":
    """Return what services said when they refused prompts, the most frequent first, of calls made for `owner`."""
    refused = Call.objects.filter(error_code="request_rejected", **owner).order_by()
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
