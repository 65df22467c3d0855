"""Probes: small traps for one judge version, asked apart from all grades. They never become judgments."""

import uuid

from django.db import models

from judging.models.evaluations import Candidate, EvaluationRun, RunQuery
from judging.models.judges import JudgeVersion
from judging.models.judging_runs import ACTIVE_STATUSES, ItemStatus, JudgingRunStatus
from judging.models.work import Job, WorkRow


class Probe(models.TextChoices):
    REPEAT = "repeat", "Asked again"
    SHUFFLE = "shuffle", "In another order"
    PARAPHRASE = "paraphrase", "Asked in other words"
    SWAPPED = "swapped", "Documents of other queries"
    STUFFED_TITLE = "stuffed_title", "Query words in the title"
    STUFFED_TEXT = "stuffed_text", "Query words in the text"
    NONSENSE = "nonsense", "Nonsense with query words"
    INSTRUCTION = "instruction", "A document that asks for a grade"
    PADDED = "padded", "Longer, but no more said"
    EMPTY = "empty", "Empty documents"


# Grades that `repeat`, `shuffle` and `paraphrase` are compared with: a part of these, and no probe of its own.
FIRST = "first"


class ProbeRun(Job):
    """Some probes of one judge version, with queries and documents of one evaluation run. Its states are a judging run's."""

    kind = "probe_run"
    active_statuses = ACTIVE_STATUSES

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    judge_version = models.ForeignKey(JudgeVersion, models.PROTECT, related_name="probe_runs")
    evaluation_run = models.ForeignKey(EvaluationRun, models.CASCADE, related_name="probe_runs")
    status = models.CharField(max_length=10, choices=JudgingRunStatus, default=JudgingRunStatus.QUEUED)
    # The chosen probes with those that they are compared with, and why some of them could not be planned, by name.
    probes = models.JSONField(default=list)
    not_run = models.JSONField(default=dict)
    total_count = models.PositiveIntegerField(default=0)
    judged_count = models.PositiveIntegerField(default=0)
    failed_count = models.PositiveIntegerField(default=0)
    skipped_count = models.PositiveIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    usage_estimated = models.BooleanField(default=False)
    # What each probe came to, once the run has ended.
    results = models.JSONField(null=True, editable=False)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=JudgingRunStatus.values), name="probe_run_status_known"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    total_count__gte=models.F("judged_count") + models.F("failed_count") + models.F("skipped_count")
                ),
                name="probe_run_counts_within_total",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="completed")
                | models.Q(total_count=models.F("judged_count") + models.F("failed_count")),
                name="probe_run_completed_means_nothing_left",
            ),
            models.UniqueConstraint(
                fields=["judge_version"],
                condition=models.Q(status__in=["queued", "running"]),
                name="probe_run_one_at_a_time",
            ),
        ]
        indexes = [models.Index(fields=["judge_version", "-created_at"], name="probe_run_by_version")]

    def __str__(self) -> str:
        return f"probes of {self.judge_version_id}"

    @property
    def pending_count(self) -> int:
        return self.total_count - self.judged_count - self.failed_count - self.skipped_count

    @property
    def done_count(self) -> int:
        return self.total_count - self.pending_count


class ProbeItem(WorkRow):
    """One question of a probe and what was said: a grade and reasoning, or a failure.

    What was asked follows from the probe, the query, and the document of the candidate, which may be another query's.
    """

    probe_run = models.ForeignKey(ProbeRun, models.CASCADE, related_name="items", db_index=False)
    probe = models.CharField(max_length=20)
    run_query = models.ForeignKey(RunQuery, models.CASCADE, related_name="+", db_index=False)
    candidate = models.ForeignKey(Candidate, models.CASCADE, related_name="+")
    # Items of one prompt, which are of one probe and query, share a number; `place` is their order in it.
    prompt_number = models.PositiveIntegerField()
    place = models.PositiveSmallIntegerField(default=0)
    status = models.CharField(max_length=8, choices=ItemStatus, default=ItemStatus.PENDING)
    grade = models.PositiveSmallIntegerField(null=True, blank=True)
    reasoning = models.TextField(blank=True)
    failure_code = models.CharField(max_length=20, blank=True)
    failure_message = models.TextField(blank=True)
    call = models.ForeignKey("judging.Call", models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["probe_run", "probe", "run_query", "candidate"], name="probe_item_unique"),
            models.CheckConstraint(condition=models.Q(probe__in=[FIRST, *Probe.values]), name="probe_item_probe_known"),
            models.CheckConstraint(condition=models.Q(status__in=ItemStatus.values), name="probe_item_status_known"),
            models.CheckConstraint(
                condition=models.Q(status="judged", grade__isnull=False, failure_code="")
                | (models.Q(status="failed", grade__isnull=True) & ~models.Q(failure_code=""))
                | models.Q(status__in=["pending", "skipped"], grade__isnull=True, failure_code=""),
                name="probe_item_grade_or_failure",
            ),
        ]
        indexes = [
            models.Index(
                fields=["probe_run", "prompt_number"],
                condition=models.Q(status="pending", claim_token__isnull=True),
                name="probe_item_claimable",
            ),
            models.Index(
                fields=["probe_run", "claim_token"],
                condition=models.Q(status="pending", claim_token__isnull=False),
                name="probe_item_in_flight",
            ),
        ]
