"""Metrics that have to be renewed once judging has ended: queued when it ends, and again should that get lost."""

from django.db.models import Exists, OuterRef, Q

from judging.foundation.clock import shared_now
from judging.models import ACTIVE_STATUSES, EvaluationRun, JudgingRun
from judging.work import queue
from judging.work.rescue import LOST_AFTER


def enqueue_stale_metrics(evaluation_run: EvaluationRun) -> None:
    """Queue the renewal of every unlocked run of the same corpus and scale that has stale metrics."""
    stale = EvaluationRun.objects.filter(
        evaluation__corpus_id=evaluation_run.evaluation.corpus_id,
        scale=evaluation_run.scale,
        is_locked=False,
        run_queries__has_stale_metrics=True,
    ).distinct()
    for run_id in stale.values_list("pk", flat=True):
        queue.enqueue_metrics(run_id)


def renew_forgotten_metrics() -> None:
    """Queue the renewal of metrics whose task was lost: what follows a terminal status can be run again."""
    if queue.has_waiting_tasks():
        return
    # Metrics wait for the end of judging, but not for that of a trial, which changes none.
    at_work = JudgingRun.objects.filter(evaluation_run=OuterRef("pk"), status__in=ACTIVE_STATUSES, trial=False)
    forgotten = (
        EvaluationRun.objects.filter(
            Q(metrics_at__isnull=True) | Q(metrics_at__lt=shared_now() - LOST_AFTER),
            is_locked=False,
            status="completed",
            run_queries__has_stale_metrics=True,
        )
        .exclude(Exists(at_work))
        .distinct()
    )
    for run_id in forgotten.values_list("pk", flat=True)[:20]:
        queue.enqueue_metrics(run_id)
