"""What one person has done for check samples."""

from collections.abc import Sequence

from django.db.models import Exists, OuterRef

from judging.models import AuthorKind, Candidate, CheckSample, EvaluationRun, Judgment, User
from judging.statistics.estimates.additive import is_additive
from judging.trust.samples.states import metric_of


def own_counts(run: EvaluationRun, samples: Sequence[CheckSample], person: User) -> list[int]:
    """Return how many of the run's candidates that each sample is about a person has graded blind.

    Those that a metric looks at; for one of whole queries, and for agreement, any of the run.
    """
    own = Judgment.objects.filter(
        author_kind=AuthorKind.MEMBER,
        member=person,
        scale=run.scale,
        blind_grade__isnull=False,
        query=OuterRef("query_id"),
        document=OuterRef("document_id"),
    )
    ranks = list(Candidate.objects.filter(Exists(own), run=run).order_by().values_list("rank", flat=True))
    return [sum(rank <= _depth(sample) for rank in ranks) for sample in samples]


def _depth(sample: CheckSample) -> float:
    metric = metric_of(sample)
    return metric.cutoff if metric and metric.cutoff and is_additive(metric) else float("inf")
