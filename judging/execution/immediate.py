"""A batch that somebody waits for: worked on at once, in the process that took the request."""

from contextlib import suppress

from judging import batch_lifecycle
from judging.errors import IllegalTransition
from judging.execution.slices import judge_slice
from judging.execution.work import Turn
from judging.models import BatchExecution

LONGEST_SECONDS = 60.0


def execute_now(batch: BatchExecution) -> BatchExecution:
    """Work on an immediate batch until it has ended; return it. Call it outside a transaction.

    After 60 s no call is started any more, and the batch fails. Should this process die, the rescue goes on.
    """
    for lane_id in batch.lanes.values_list("pk", flat=True):
        judge_slice(lane_id, turn=Turn(shared=LONGEST_SECONDS, longest=LONGEST_SECONDS))
    with suppress(IllegalTransition):
        message = f"the evaluators did not answer within {LONGEST_SECONDS:.0f} s"
        batch_lifecycle.end(batch.pk, error=message, error_code="timeout")
    batch.refresh_from_db()
    return batch
