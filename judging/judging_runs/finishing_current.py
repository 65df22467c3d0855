"""What is left to write of judging runs whose grades were made to count: gone on with, also after a killed process."""

import time
from datetime import datetime, timedelta
from uuid import UUID

from judging import ledger
from judging.foundation.clock import shared_now
from judging.judging_runs.stale_metrics import enqueue_stale_metrics
from judging.models import EvaluationRun, JudgingRun
from judging.work import queue
from judging.work.rescue import LOST_AFTER

_LOOK_BACK = timedelta(days=7)
# Runs made current of which this process has seen that nothing is left. Each is looked at once, not every few seconds.
_finished: set[tuple[UUID, datetime]] = set()


def finish_making_current(judging_run_id: UUID, *, seconds: float | None = None) -> bool:
    """Write what is left of a run made current, and queue the metrics; False: `seconds` are over and some is left.

    Harmless at any moment and from several processes at once.
    """
    end = None if seconds is None else time.monotonic() + seconds
    after = ledger.make_chunk_current(judging_run_id, after=0)
    while after is not None:
        if end is not None and time.monotonic() >= end:
            return False
        after = ledger.make_chunk_current(judging_run_id, after=after)
    run = JudgingRun.objects.select_related("evaluation_run__evaluation").filter(pk=judging_run_id).first()
    if run is not None:
        enqueue_stale_metrics(run.evaluation_run)
    return True


def finish_forgotten_current() -> None:
    """Queue what is left of runs made current whose process was killed on the way."""
    if queue.has_waiting_tasks():
        return
    now = shared_now()
    made = JudgingRun.objects.filter(made_current_at__lt=now - LOST_AFTER, made_current_at__gt=now - _LOOK_BACK)
    for run in made.select_related("evaluation_run").order_by("made_current_at"):
        key = (run.pk, run.counts_from)
        if key in _finished:
            continue
        if not ledger.left_to_make_current(run).exists():
            _finished.add(key)
        elif not _is_at_work(run.evaluation_run, now):
            queue.enqueue_making_current(run.pk)


def _is_at_work(evaluation_run: EvaluationRun, now: datetime) -> bool:
    """Tell whether judgments are being written on the run: somebody may be at it, a chunk at a time."""
    written_at = evaluation_run.judgments_at
    return written_at is not None and written_at > now - LOST_AFTER
