"""Certificates as every subject sees them: which metrics of which runs are certified, and how one becomes void."""

from collections.abc import Collection
from typing import Literal
from uuid import UUID

from django.utils import timezone

from judging.models import Certificate, CertificateStatus

VoidReason = Literal["relevant_from_changed", "judge_of_record_changed", "candidates_changed", "run_deleted"]


def void_certificates(run_id: UUID, reason: VoidReason) -> None:
    """Mark the valid certificates of a run void, for good."""
    valid = Certificate.objects.filter(evaluation_run_id=run_id, status=CertificateStatus.VALID)
    valid.update(status=CertificateStatus.VOID, voided_at=timezone.now(), void_reason=reason)


def valid_certificates(run_ids: Collection[UUID]) -> dict[tuple[UUID, str], UUID]:
    """Return the newest valid certificate by run and metric."""
    rows = Certificate.objects.filter(evaluation_run_id__in=run_ids, status=CertificateStatus.VALID)
    return {
        (run_id, metric): pk
        for run_id, metric, pk in rows.order_by("created_at").values_list("evaluation_run_id", "metric", "pk")
    }
