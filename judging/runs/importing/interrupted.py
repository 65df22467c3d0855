"""Imports whose process was killed: what they left is ended, so that it can be deleted."""

import logging

from judging.models import EvaluationRunStatus
from judging.operations.totals import interrupted_imports

logger = logging.getLogger(__name__)


def fail_interrupted_imports() -> int:
    """End evaluation runs as `failed` that nobody writes any more; return how many. Harmless at any moment.

    Should the import live after all, its next chunk finds the run no longer `running` and stops.
    """
    count = interrupted_imports().update(status=EvaluationRunStatus.FAILED, error="the import was interrupted")
    if count:
        logger.warning("%s evaluation runs were left behind by imports that were interrupted", count)
    return count
