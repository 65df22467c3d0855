"""Evaluations, as every interface lists them."""

from uuid import UUID

from django.db.models import Count, Max, QuerySet

from judging.foundation.errors import NotFound
from judging.models import Corpus, Evaluation


def evaluations(*, is_archived: bool = False) -> QuerySet[Evaluation]:
    """Return the evaluations in use, or those that are archived, newest first, with `run_count` and `newest_run_at`."""
    found: QuerySet[Evaluation] = (
        Evaluation.objects.filter(archived_at__isnull=not is_archived)
        .select_related("corpus", "created_by")
        .annotate(run_count=Count("runs"), newest_run_at=Max("runs__created_at"))
        .order_by("-created_at", "pk")
    )
    return found


def get_evaluation(evaluation_id: UUID) -> Evaluation:
    """Return an evaluation with its corpus and what its runs are executed with. Raise NotFound."""
    evaluation = (
        Evaluation.objects.select_related("corpus", "endpoint", "query_set", "query_template")
        .filter(pk=evaluation_id)
        .first()
    )
    if evaluation is None:
        raise NotFound("no such evaluation")
    return evaluation


def corpora() -> QuerySet[Corpus]:
    """Return the corpora by name."""
    return Corpus.objects.order_by("name", "pk")
