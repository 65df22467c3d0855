"""Lock and unlock evaluation runs."""

from contextlib import suppress

from django.db import transaction

from judging import ledger
from judging.foundation.errors import IllegalTransition
from judging.models import ACTIVE_STATUSES, RUN_LOCKED, EvaluationRun, JudgingRun
from judging.records.audit import record_event
from judging.records.roles import Actor, require_member
from judging.work import lifecycle


def lock_run(*, run: EvaluationRun, actor: Actor) -> EvaluationRun:
    """Lock a completed run: no judgment on it changes until it is unlocked; judging under way ends as failed.

    The snapshot and the end of the judging runs come in one transaction. Raise Conflict (run_locked,
    run_not_completed), or Forbidden.
    """
    require_member(actor)
    with transaction.atomic():
        ledger.snapshot_run(run.pk, by_id=actor.pk)
        _fail_active_judging(run)
        record_event(actor=actor, action="run_locked", subject=run)
    run.refresh_from_db()
    return run


def unlock_run(*, run: EvaluationRun, actor: Actor) -> EvaluationRun:
    """Drop the snapshot and let the run follow the corpus's judgments again. Raise Forbidden or Conflict (run_not_locked)."""
    require_member(actor)
    with transaction.atomic():
        ledger.unlock_run(run.pk)
        record_event(actor=actor, action="run_unlocked", subject=run)
    run.refresh_from_db()
    return run


def _fail_active_judging(run: EvaluationRun) -> None:
    active = JudgingRun.objects.filter(evaluation_run=run, status__in=ACTIVE_STATUSES)
    for judging_run_id in list(active.values_list("pk", flat=True)):
        # It may have ended a moment ago.
        with suppress(IllegalTransition):
            lifecycle.fail(
                JudgingRun.kind, judging_run_id, error="the evaluation run was locked", error_code=RUN_LOCKED
            )
