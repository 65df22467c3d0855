"""What is unjudged where it counts: among the first documents of an executed run's lists."""

from dataclasses import dataclass

from django.db.models import F

from judging.metrics import parse_metric
from judging.models import Candidate, EvaluationRun


@dataclass(frozen=True, slots=True)
class Holes:
    """Of the first `depth` documents of each list, `count` of `total` have no grade."""

    depth: int
    count: int
    total: int


def holes_of(run: EvaluationRun) -> Holes | None:
    """Return what is unjudged down to the cut-off of the run's first metric, else to its depth; None: it was imported.

    Of a run under way this says what came so far; the grades that the corpus knows are given to it when it has ended.
    """
    if run.depth is None:
        return None
    cutoff = parse_metric(run.metrics[0]).cutoff if run.metrics else None
    depth = min(cutoff or run.depth, run.depth)
    candidates = Candidate.objects.filter(run=run).order_by()
    total = candidates.filter(rank__lte=depth).count()
    # Nothing but a sum, so that the rank is read from the index by grade: by the one by rank, SQLite reads each row.
    unjudged = candidates.filter(effective_grade__isnull=True).alias(place=F("rank") + 0).filter(place__lte=depth)
    return Holes(depth, unjudged.count(), total)
