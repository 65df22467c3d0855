"""Imports whose process was killed: what they left is ended, so that it can be deleted."""

import logging

from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from judging.foundation.clock import shared_now
from judging.foundation.limits import IMPORT_INTERRUPTED_AFTER
from judging.models import EvaluationRun, EvaluationRunStatus

logger = logging.getLogger(__name__)


def interrupted_imports() -> QuerySet[EvaluationRun]:
    """Return the runs that are `running` although nobody has written to them for long: their import was killed."""
    runs = EvaluationRun.objects.filter(status=EvaluationRunStatus.RUNNING, search=None)
    last_sign = Coalesce("written_at", "created_at")
    return runs.alias(last_sign=last_sign).filter(last_sign__lt=shared_now() - IMPORT_INTERRUPTED_AFTER)


def fail_interrupted_imports() -> int:
    """End evaluation runs as `failed` that nobody writes any more; return how many. Harmless at any moment.

    Should the import live after all, its next chunk finds the run no longer `running` and stops.
    """
    count = interrupted_imports().update(status=EvaluationRunStatus.FAILED, error="the import was interrupted")
    if count:
        logger.warning("%s evaluation runs were left behind by imports that were interrupted", count)
    return count
