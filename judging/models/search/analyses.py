"""Analyses: how much the lists of several query templates differ from a baseline's, without any judgment."""

import uuid

from django.db import models

from judging.models.evaluations import Evaluation, EvaluationRun, EvaluationRunStatus
from judging.models.work import Requested


class Analysis(Requested):
    """An evaluation whose runs ask one endpoint the same queries, with another template each.

    It has no status of its own, nor inputs: its runs have pinned them.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    evaluation = models.OneToOneField(Evaluation, models.CASCADE, related_name="analysis")

    class Meta:
        ordering = ["-created_at", "id"]
        verbose_name_plural = "analyses"
        constraints = [
            models.UniqueConstraint(
                fields=["created_by", "idempotency_key"],
                condition=~models.Q(idempotency_key=""),
                name="analysis_idempotency_key_unique",
            )
        ]

    def __str__(self) -> str:
        return self.evaluation.name

    @property
    def status(self) -> EvaluationRunStatus:
        """Return what its runs come to: under way while one is, else the worst of their ends."""
        of_runs = {each.run.status for each in self.runs.all()}
        if EvaluationRunStatus.RUNNING in of_runs:
            return EvaluationRunStatus.RUNNING
        if EvaluationRunStatus.QUEUED in of_runs:
            began = of_runs - {EvaluationRunStatus.QUEUED, EvaluationRunStatus.PENDING}
            return EvaluationRunStatus.RUNNING if began else EvaluationRunStatus.QUEUED
        for status in (EvaluationRunStatus.PENDING, EvaluationRunStatus.FAILED, EvaluationRunStatus.CANCELLED):
            if status in of_runs:
                return status
        return EvaluationRunStatus.COMPLETED

    @property
    def is_active(self) -> bool:
        return self.status in (EvaluationRunStatus.QUEUED, EvaluationRunStatus.RUNNING)


class AnalysisRun(models.Model):
    """A run of an analysis. That at position 0 is the baseline, with which the others are compared."""

    id = models.BigAutoField(primary_key=True)
    analysis = models.ForeignKey(Analysis, models.CASCADE, related_name="runs", db_index=False)
    run = models.OneToOneField(EvaluationRun, models.CASCADE, related_name="analysis_run")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["analysis", "position"], name="analysis_run_position_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.run}"
