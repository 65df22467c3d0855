"""Analyses, as every interface reads them."""

from uuid import UUID

from django.db.models import Prefetch, QuerySet

from judging.foundation.errors import NotFound
from judging.models import Analysis, AnalysisRun


def analyses() -> QuerySet[Analysis]:
    """Return the analyses, newest first, each with its evaluation and its runs, the baseline's first."""
    runs = AnalysisRun.objects.select_related("run__search", "run__evaluation__corpus").order_by("position")
    found: QuerySet[Analysis] = (
        Analysis.objects.select_related("evaluation", "created_by")
        .prefetch_related(Prefetch("runs", queryset=runs))
        .order_by("-created_at", "pk")
    )
    return found


def get_analysis(analysis_id: UUID) -> Analysis:
    """Return an analysis as `analyses` does. Raise NotFound."""
    analysis = analyses().filter(pk=analysis_id).first()
    if analysis is None:
        raise NotFound("no such analysis")
    return analysis
