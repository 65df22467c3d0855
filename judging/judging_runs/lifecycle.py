"""The state machine of AI judging runs. Every change is a conditional UPDATE whose row count is checked."""

import logging
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from judging.foundation.errors import IllegalTransition
from judging.models import ItemStatus, JudgingItem, JudgingRun, JudgingRunStatus, Lane

logger = logging.getLogger(__name__)

_S = JudgingRunStatus
_REACHED_FROM: dict[str, tuple[str, ...]] = {
    _S.RUNNING: (_S.QUEUED,),
    _S.COMPLETED: (_S.RUNNING,),
    _S.FAILED: (_S.QUEUED, _S.RUNNING),
    _S.CANCELLED: (_S.QUEUED, _S.RUNNING),
}
RUN_LOCKED = "run_locked"


def move(run_id: UUID, to: JudgingRunStatus, **fields: Any) -> None:
    """Change a run's status, and `fields` with it. Raise IllegalTransition when the machine has no such change."""
    allowed = JudgingRun.objects.filter(pk=run_id, status__in=_REACHED_FROM.get(to, ()))
    if not allowed.update(status=to, **fields):
        status = JudgingRun.objects.filter(pk=run_id).values_list("status", flat=True).first()
        raise IllegalTransition(f"an AI judging run that is {status or 'gone'} can't become {to}")


def start(run_id: UUID) -> bool:
    """Move a queued run to running; return False where it no longer is queued."""
    try:
        move(run_id, JudgingRunStatus.RUNNING, started_at=timezone.now())
    except IllegalTransition:
        return False
    logger.info("AI judging run %s is running", run_id)
    return True


def complete(run_id: UUID) -> bool:
    """End a run that has nothing pending or skipped. Return whether this call ended it."""
    now = timezone.now()
    nothing_left: QuerySet[JudgingRun] = JudgingRun.objects.filter(
        pk=run_id,
        status__in=_REACHED_FROM[JudgingRunStatus.COMPLETED],
        total_count=F("judged_count") + F("failed_count"),
    )
    if not nothing_left.update(status=JudgingRunStatus.COMPLETED, completed_at=now):
        return False
    logger.info("AI judging run %s is completed", run_id)
    return True


def end(run_id: UUID, to: JudgingRunStatus, *, error: str = "", error_code: str = "") -> None:
    """Fail or cancel a run and skip what was not asked yet, in one transaction.

    Items in flight keep their claim: their replies may still land, and whoever holds the claim settles them.
    Raise IllegalTransition when the run has ended before.
    """
    with transaction.atomic():
        move(run_id, to, completed_at=timezone.now(), error=error, error_code=error_code)
        skipped = JudgingItem.objects.filter(
            judging_run_id=run_id, status=ItemStatus.PENDING, claim_token__isnull=True
        ).update(status=ItemStatus.SKIPPED, finished_at=timezone.now())
        if skipped:
            JudgingRun.objects.filter(pk=run_id).update(skipped_count=F("skipped_count") + skipped)
        Lane.objects.filter(judging_run_id=run_id, lease_token__isnull=True).update(is_done=True)
    logger.log(
        logging.WARNING if to == JudgingRunStatus.FAILED else logging.INFO,
        "AI judging run %s is %s%s",
        run_id,
        to.value,
        f" with {error_code}: {error}" if error_code else "",
    )
