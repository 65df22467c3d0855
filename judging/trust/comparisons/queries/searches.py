"""What is known of the searches behind a run's lists: which brought none, how deep they went, which runs repeat one.

The one place where comparisons look this up. Imported runs have no searches, and none of theirs failed.
"""

from uuid import UUID

import numpy as np
from django.db.models import Q

from judging.models import EvaluationRun, EvaluationRunStatus, SearchItem, SearchStatus
from judging.statistics.tables import Integers

_WITHOUT_ANSWER = (SearchStatus.FAILED, SearchStatus.PENDING, SearchStatus.SKIPPED)


def failed_queries(run: EvaluationRun) -> Integers:
    """Return the corpus's queries whose search brought no answer in a run: no list of theirs is the engine's."""
    if run.depth is None:
        return np.array([], dtype=np.int64)
    failed = SearchItem.objects.filter(search_run_id=run.pk, status__in=_WITHOUT_ANSWER)
    return np.fromiter(failed.order_by().values_list("run_query__query_id", flat=True).iterator(), dtype=np.int64)


def search_depth(run: EvaluationRun) -> int | None:
    """Return how deep a run's lists were asked for; None where nobody said, as of imported ones."""
    return run.depth


def is_same_configuration(a: EvaluationRun, b: EvaluationRun) -> bool:
    """Tell whether two runs are clones: they asked one engine the same, and what differs is its own noise."""
    return a != b and bool(_family(a) & _family(b))


def repeated_run(a: EvaluationRun, b: EvaluationRun) -> EvaluationRun | None:
    """Return the newest run of a's configuration that can be compared with it, beside b; it tells the noise."""
    clones = EvaluationRun.objects.filter(
        Q(pk__in=_family(a)) | Q(cloned_from__in=_family(a)),
        status=EvaluationRunStatus.COMPLETED,
        scale=a.scale,
        relevant_from=a.relevant_from,
        depth__isnull=False,
    )
    others = clones.exclude(pk__in=[a.pk, b.pk]).select_related("evaluation__corpus")
    return None if a.depth is None else others.order_by("-created_at", "pk").first()


def _family(run: EvaluationRun) -> set[UUID]:
    return {run.pk} if run.cloned_from_id is None else {run.pk, run.cloned_from_id}
