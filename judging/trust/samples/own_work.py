"""What one person has done for check samples."""

import math
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from django.db.models import Exists, OuterRef

from judging.models import AuthorKind, Candidate, CheckSample, Judgment, User
from judging.statistics.estimates.additive import depth_of_estimate
from judging.trust.samples.states import metric_of


def own_counts(samples: Sequence[CheckSample], person: User) -> list[int]:
    """Return how many of its run's candidates that each sample is about a person has graded blind.

    Those that a metric looks at; for one of whole queries, and for agreement, any of the run.
    """
    own = Judgment.objects.filter(
        author_kind=AuthorKind.MEMBER,
        member=person,
        scale=OuterRef("run__scale"),
        blind_grade__isnull=False,
        query=OuterRef("query_id"),
        document=OuterRef("document_id"),
    )
    graded = Candidate.objects.filter(Exists(own), run__in={sample.run_id for sample in samples}).order_by()
    ranks: dict[UUID, list[int]] = defaultdict(list)
    for run_id, rank in graded.values_list("run_id", "rank"):
        ranks[run_id].append(rank)
    return [sum(rank <= _depth(sample) for rank in ranks[sample.run_id]) for sample in samples]


def _depth(sample: CheckSample) -> float:
    metric = metric_of(sample)
    return depth_of_estimate(metric) if metric else math.inf
