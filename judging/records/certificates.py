"""Certificates as every subject sees them: which metrics of which runs are certified, and how one becomes void."""

from collections.abc import Collection, Mapping
from typing import Literal
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from judging.metrics import parse_metric
from judging.models import Certificate, CertificateStatus
from judging.statistics.estimates.additive import depth_of_estimate

VoidReason = Literal["relevant_from_changed", "judge_of_record_changed", "candidates_changed", "run_deleted"]


def void_certificates(run_id: UUID, reason: VoidReason) -> None:
    """Mark the valid certificates of a run void, for good."""
    _void(Certificate.objects.filter(evaluation_run_id=run_id), reason)


def void_regraded(best_ranks: Mapping[UUID, int]) -> None:
    """Mark void what rests on AI grades or judges of record that change now, by run the best rank of such a candidate.

    Whoever changes them says so at once: set back before the next look, it would go unseen. One statement where no run
    is certified.
    """
    certified = Certificate.objects.filter(evaluation_run_id__in=best_ranks, status=CertificateStatus.VALID)
    regraded = [
        pk
        for pk, run_id, metric in certified.order_by().values_list("pk", "evaluation_run_id", "metric")
        if best_ranks[run_id] <= depth_of_estimate(parse_metric(metric))
    ]
    if regraded:
        _void(Certificate.objects.filter(pk__in=regraded), "judge_of_record_changed")


def _void(certificates: QuerySet[Certificate], reason: VoidReason) -> None:
    valid = certificates.filter(status=CertificateStatus.VALID)
    valid.update(status=CertificateStatus.VOID, voided_at=timezone.now(), void_reason=reason)


def valid_certificates(run_ids: Collection[UUID]) -> dict[tuple[UUID, str], UUID]:
    """Return the newest valid certificate by run and metric."""
    rows = Certificate.objects.filter(evaluation_run_id__in=run_ids, status=CertificateStatus.VALID)
    return {
        (run_id, metric): pk
        for run_id, metric, pk in rows.order_by("created_at").values_list("evaluation_run_id", "metric", "pk")
    }
