"""Whether grades can be believed: stored figures, check samples, certificates. Grades themselves are judgments."""

import uuid

from django.db import models
from django.utils import timezone

from judging.foundation.limits import MAX_METRIC_NAME
from judging.models.evaluations import EvaluationRun


class TrustReport(models.Model):
    """The figures of a run's Trust tab as they were computed last: they take too long for a request."""

    run = models.OneToOneField(EvaluationRun, models.CASCADE, primary_key=True, related_name="trust_report")
    figures = models.JSONField(null=True)
    # The run's judgments_at and relevant_from that they belong to: others mean that they are out of date.
    judgments_at = models.DateTimeField(null=True)
    relevant_from = models.PositiveSmallIntegerField(default=0)
    computed_at = models.DateTimeField(null=True)
    # When somebody who looked had them computed anew, until they are.
    requested_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"figures of {self.run_id}"


class Goal(models.TextChoices):
    CERTIFY = "certify", "Certify a metric"
    PRECISION = "precision", "A metric to a chosen precision"
    AGREEMENT = "agreement", "Agreement of judge and people"
    COMPARE = "compare", "Compare two runs"


class CheckSample(models.Model):
    """What people grade blind, in a fixed random order of which any beginning is a valid sample.

    Only the question is stored. The order follows from the corpus's seed, counts and estimate from the judgments.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(EvaluationRun, models.CASCADE, related_name="check_samples")
    # The run it is compared with: the sample is of what differs.
    other_run = models.ForeignKey(EvaluationRun, models.CASCADE, null=True, blank=True, related_name="+")
    goal = models.CharField(max_length=10, choices=Goal)
    metric = models.CharField(max_length=MAX_METRIC_NAME, blank=True)
    half_width = models.FloatField(null=True, blank=True)
    # Hash of the runs' candidates and ranks at the start; with others the sample is void.
    ranking_hash = models.CharField(max_length=64)
    created_by = models.ForeignKey("judging.User", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at", "id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(goal__in=Goal.values), name="check_sample_goal_known"),
            models.CheckConstraint(
                condition=models.Q(goal="compare", other_run__isnull=False)
                | (~models.Q(goal="compare") & models.Q(other_run__isnull=True)),
                name="check_sample_other_run_when_compared",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.goal} {self.metric}".strip()


class CertificateStatus(models.TextChoices):
    VALID = "valid", "Valid"
    VOID = "void", "Void"


class Certificate(models.Model):
    """That a metric was certified: a record that never changes, but for becoming void once and for good.

    Plain ids: it outlives the run and the sample.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    evaluation_run_id = models.UUIDField(db_index=True)
    check_sample_id = models.UUIDField()
    metric = models.CharField(max_length=MAX_METRIC_NAME)
    record = models.JSONField()
    # Hashes of what it rests on: the sample's candidates with their ranks, and the AI's grades of them.
    ranking_hash = models.CharField(max_length=64)
    grades_hash = models.CharField(max_length=64)
    relevant_from = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=5, choices=CertificateStatus, default=CertificateStatus.VALID)
    voided_at = models.DateTimeField(null=True, blank=True)
    void_reason = models.CharField(max_length=30, blank=True)
    # The run's judgments_at when it was looked at last: while that stands, no grade has changed.
    checked_judgments_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey("judging.User", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status="valid", voided_at__isnull=True, void_reason="")
                | (models.Q(status="void", voided_at__isnull=False) & ~models.Q(void_reason="")),
                name="certificate_void_with_reason",
            )
        ]
        indexes = [
            models.Index(fields=["evaluation_run_id"], condition=models.Q(status="valid"), name="certificate_valid")
        ]

    def __str__(self) -> str:
        return f"{self.metric} {self.status}"
