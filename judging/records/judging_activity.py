"""Whether an evaluation run is being judged: its metrics then wait for the end, and lists show it."""

from django.db.models import Exists, OuterRef

from judging.foundation.clock import shared_now
from judging.models import ACTIVE_STATUSES, JudgingRun, Lane


def being_judged() -> Exists:
    """Return the condition that an evaluation run has an AI judging run that a worker is running now."""
    held = Lane.objects.filter(kind=JudgingRun.kind, job_id=OuterRef("pk"), lease_until__gt=shared_now())
    active = JudgingRun.objects.filter(evaluation_run=OuterRef("pk"), status__in=ACTIVE_STATUSES)
    return Exists(active.filter(Exists(held)))
