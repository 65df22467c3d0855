"""Whether an evaluation run is being judged: its metrics then wait for the end, and lists show it."""

from django.db.models import Exists, OuterRef

from judging.foundation.clock import shared_now
from judging.models import ACTIVE_STATUSES, JudgingRun, Lane


def being_judged() -> Exists:
    """Return the condition that a worker is running an AI judging run of an evaluation run now; trials don't count."""
    held = Lane.objects.filter(kind=JudgingRun.kind, job_id=OuterRef("pk"), lease_until__gt=shared_now())
    active = JudgingRun.objects.filter(evaluation_run=OuterRef("pk"), status__in=ACTIVE_STATUSES, trial=False)
    return Exists(active.filter(Exists(held)))
