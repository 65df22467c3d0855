"""Golden sets: documents that a judge is asked about again from time to time, to see whether it is still the same."""

import uuid

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from judging.foundation.limits import MAX_GOLDEN_INTERVAL_DAYS, MAX_NAME
from judging.models.corpora import DocumentVersion
from judging.models.evaluations import EvaluationRun, RunQuery
from judging.models.judge_work.jobs import JudgeItem, JudgeJob, item_constraints, item_indexes, job_constraints
from judging.models.judges import AIJudge, JudgeVersion


class GoldenSet(models.Model):
    """Some queries of an evaluation run with some documents each, pinned by version, and the judge that is watched."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=MAX_NAME)
    evaluation_run = models.ForeignKey(EvaluationRun, models.CASCADE, related_name="golden_sets")
    judge = models.ForeignKey(AIJudge, models.PROTECT, related_name="golden_sets")
    query_count = models.PositiveSmallIntegerField()
    per_query = models.PositiveSmallIntegerField()
    # None: checked by hand alone.
    every_days = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(MAX_GOLDEN_INTERVAL_DAYS)]
    )
    created_by = models.ForeignKey("judging.User", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(every_days__isnull=True) | models.Q(every_days__gte=1),
                name="golden_set_every_days_from_1",
            )
        ]
        indexes = [models.Index(fields=["judge", "-created_at"], name="golden_set_by_judge")]

    def __str__(self) -> str:
        return self.name

    @property
    def pair_count(self) -> int:
        return self.query_count * self.per_query


class GoldenPair(models.Model):
    """A query of a golden set and a document as it was then. `position` counts from 0, query after query."""

    id = models.BigAutoField(primary_key=True)
    golden_set = models.ForeignKey(GoldenSet, models.CASCADE, related_name="pairs", db_index=False)
    position = models.PositiveIntegerField()
    run_query = models.ForeignKey(RunQuery, models.CASCADE, related_name="+")
    document_version = models.ForeignKey(DocumentVersion, models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["golden_set", "position"], name="golden_pair_position_unique"),
            models.UniqueConstraint(fields=["golden_set", "run_query", "document_version"], name="golden_pair_unique"),
        ]


class CheckOutcome(models.TextChoices):
    """What an ended check came to."""

    BASELINE = "baseline", "Baseline"
    QUIET = "quiet", "No drift seen"
    WATCH = "watch", "Small shifts add up"
    ALARM = "alarm", "Drift"
    MODEL_CHANGED = "model_changed", "Another model answered"
    INCOMPLETE = "incomplete", "Too few answers"


class BaselineReason(models.TextChoices):
    """Why a baseline began."""

    FIRST = "first", "The first one"
    VERSION_CHANGED = "version_changed", "The judge has a new version"
    MODEL_CHANGED = "model_changed", "The service names another model"
    INCOMPLETE = "incomplete", "The one before lacks answers"


class GoldenCheck(JudgeJob):
    """A judging of a golden set: a check beside its baseline, or a baseline of several judgings.

    What it came to stands here once it has ended.
    """

    kind = "golden_check"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    golden_set = models.ForeignKey(GoldenSet, models.CASCADE, related_name="checks")
    judge_version = models.ForeignKey(JudgeVersion, models.PROTECT, related_name="golden_checks")
    is_baseline = models.BooleanField()
    baseline_reason = models.CharField(max_length=20, choices=BaselineReason, blank=True)
    # What a check is compared with.
    baseline = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="compared")

    outcome = models.CharField(max_length=20, choices=CheckOutcome, blank=True, default="")
    # The models' names as the service returned them, sorted.
    models_returned = models.JSONField(default=list)
    # Pairs that count: graded now, and each time in the baseline.
    compared_count = models.PositiveIntegerField(default=0)
    shift = models.FloatField(null=True, blank=True)
    z = models.FloatField(null=True, blank=True)
    flip_count = models.PositiveIntegerField(null=True, blank=True)
    cusum_up = models.FloatField(default=0)
    cusum_down = models.FloatField(default=0)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            *job_constraints("golden_check"),
            models.CheckConstraint(
                condition=models.Q(outcome__in=["", *CheckOutcome.values]), name="golden_check_outcome_known"
            ),
            models.CheckConstraint(
                condition=models.Q(is_baseline=True, baseline_reason__in=BaselineReason.values)
                | models.Q(is_baseline=False, baseline_reason=""),
                name="golden_check_baseline_with_reason",
            ),
            models.UniqueConstraint(
                fields=["golden_set"],
                condition=models.Q(status__in=["queued", "running"]),
                name="golden_check_one_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["created_by", "idempotency_key"],
                condition=~models.Q(idempotency_key=""),
                name="golden_check_idempotency_key_unique",
            ),
        ]
        indexes = [
            models.Index(fields=["golden_set", "-created_at"], name="golden_check_by_set"),
            models.Index(fields=["created_at"], condition=models.Q(outcome=""), name="golden_check_unread"),
        ]

    def __str__(self) -> str:
        return f"check of {self.golden_set_id}"


class GoldenItem(JudgeItem):
    """A pair asked about once: in each of a baseline's judgings (`repeat`, from 0), once in a check."""

    golden_check = models.ForeignKey(GoldenCheck, models.CASCADE, related_name="items", db_index=False)
    pair = models.ForeignKey(GoldenPair, models.CASCADE, related_name="+")
    repeat = models.PositiveSmallIntegerField(default=0)
    call = models.ForeignKey("judging.Call", models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["golden_check", "pair", "repeat"], name="golden_item_unique"),
            *item_constraints("golden_item"),
        ]
        indexes = item_indexes("golden_check", "golden_item")
