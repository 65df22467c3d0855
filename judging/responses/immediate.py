"""Batches that the caller waits for: worked on at once, in the process that received the request."""

from collections.abc import Callable
from contextlib import suppress

from judging.foundation.errors import IllegalTransition
from judging.foundation.waiting import waiting_for_a_service
from judging.models import BatchExecution, Call
from judging.work import lifecycle
from judging.work.slices import work_slice
from judging.work.words import Turn

LONGEST_SECONDS = 60.0


def execute_now(create: Callable[[], BatchExecution]) -> BatchExecution:
    """Create an immediate batch and work on it until it has ended; return it. Call it outside a transaction.

    After 60 s no call is started any more, and the batch fails. Should this process die, the rescue goes on. Raise
    Busy, before anything is created, while half of the process's threads do the same; and whatever `create` raises.
    """
    with waiting_for_a_service():
        return _execute(create())


def _execute(batch: BatchExecution) -> BatchExecution:
    for lane_id in batch.lanes.values_list("pk", flat=True):
        work_slice(lane_id, turn=Turn(shared=LONGEST_SECONDS, longest=LONGEST_SECONDS))
    with suppress(IllegalTransition):
        lifecycle.fail(batch.kind, batch.pk, error=_timeout_message(batch), error_code="timeout")
    batch.refresh_from_db()
    return batch


def _timeout_message(batch: BatchExecution) -> str:
    message = f"the evaluators did not answer within {LONGEST_SECONDS:.0f} s"
    failed = Call.objects.filter(evaluator_result__batch=batch).exclude(error="").order_by("-pk").first()
    return f"{message}; the last call failed: {failed.error}" if failed is not None else message
