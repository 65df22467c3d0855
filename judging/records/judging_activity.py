"""Whether an evaluation run is being judged: people grade it otherwise then, and lists say so."""

from django.db.models import Exists, OuterRef

from judging.foundation.clock import shared_now
from judging.models import ACTIVE_STATUSES, JudgingRun, Lane


def being_judged() -> Exists:
    """Return the condition on an evaluation run that a worker is at work on an AI judging run of it at this moment."""
    held = Lane.objects.filter(kind=JudgingRun.kind, job_id=OuterRef("pk"), lease_until__gt=shared_now())
    active = JudgingRun.objects.filter(evaluation_run=OuterRef("pk"), status__in=ACTIVE_STATUSES)
    return Exists(active.filter(Exists(held)))
