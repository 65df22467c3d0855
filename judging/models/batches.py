"""Batch executions: a judge applied to up to 100 inputs, one row per input and evaluator, and what they leave."""

import uuid
from collections.abc import Sequence

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from judging.foundation.limits import (
    MAX_CONCURRENCY,
    MAX_ID_CHARS,
    MAX_MODEL,
    MAX_NAME,
    MAX_PREVIEW_CHARS,
    MAX_RESPONSE_JUDGE_NAME,
    MAX_TAG_CHARS,
    MAX_URL,
)
from judging.models.evaluators import EvaluatorVersion, ResponseJudgeVersion
from judging.models.judges import AIProvider, JudgeVersion
from judging.models.work import Job, WorkRow


class BatchStatus(models.TextChoices):
    """The vendor's words: its SDK refuses any other."""

    PENDING = "pending", "Pending"
    PROCESSING = "processing", "Processing"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"


ACTIVE_BATCH_STATUSES = (BatchStatus.PENDING, BatchStatus.PROCESSING)


class BatchExecution(Job):
    """A judge, or a choice of evaluators, applied to inputs. Counters count items; once ended nothing changes."""

    kind = "batch"
    active_statuses = ACTIVE_BATCH_STATUSES

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # At most one; none of them when evaluators were chosen without a judge.
    response_judge_version = models.ForeignKey(
        ResponseJudgeVersion, models.PROTECT, null=True, blank=True, related_name="batches"
    )
    relevance_judge_version = models.ForeignKey(
        JudgeVersion, models.PROTECT, null=True, blank=True, related_name="batches"
    )
    # The judge that either version is of.
    judge_id = models.UUIDField(null=True, blank=True)
    status = models.CharField(max_length=10, choices=BatchStatus, default=BatchStatus.PENDING)
    tags = models.JSONField(default=list, blank=True)
    project_id = models.CharField(max_length=MAX_ID_CHARS, blank=True)
    max_concurrency = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(MAX_CONCURRENCY)]
    )
    retried_from = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="retries")
    # Somebody waits for the answer: it runs in the request, and lists leave it out.
    is_immediate = models.BooleanField(default=False)

    total_count = models.PositiveIntegerField()
    completed_count = models.PositiveIntegerField(default=0)
    failed_count = models.PositiveIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    # Some of them were counted from characters, as the provider counted none.
    usage_estimated = models.BooleanField(default=False)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(status__in=BatchStatus.values), name="batch_status_known"),
            models.CheckConstraint(
                condition=models.Q(response_judge_version__isnull=True)
                | models.Q(relevance_judge_version__isnull=True),
                name="batch_of_at_most_one_judge",
            ),
            models.CheckConstraint(
                condition=models.Q(total_count__gte=models.F("completed_count") + models.F("failed_count")),
                name="batch_counts_within_total",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["pending", "processing"])
                | models.Q(total_count=models.F("completed_count") + models.F("failed_count")),
                name="batch_ended_means_nothing_left",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="completed") | models.Q(completed_count__gte=1),
                name="batch_completed_means_some_item_did",
            ),
            models.UniqueConstraint(
                fields=["created_by", "idempotency_key"],
                condition=~models.Q(idempotency_key=""),
                name="batch_idempotency_key_unique",
            ),
        ]
        indexes = [
            models.Index(
                fields=["-created_at", "-id"], condition=models.Q(is_immediate=False), name="batch_by_creation"
            ),
            models.Index(fields=["judge_id", "-created_at", "-id"], name="batch_by_judge"),
            models.Index(fields=["status", "-created_at", "-id"], name="batch_by_status"),
        ]

    def __str__(self) -> str:
        return f"batch {self.pk} {self.status}"

    @property
    def is_usage_unknown(self) -> bool:
        """Whether replies came and no token was counted: versions before this one took unknown for zero."""
        has_replies = self.completed_count > 0 or self.last_success_at is not None
        return has_replies and not (self.input_tokens or self.output_tokens)

    @property
    def progress(self) -> float:
        return (self.completed_count + self.failed_count) / self.total_count if self.total_count else 1.0


class BatchEvaluator(models.Model):
    """One evaluator of a batch as it began: its version, and the provider and model that it was to call."""

    id = models.BigAutoField(primary_key=True)
    batch = models.ForeignKey(BatchExecution, models.CASCADE, related_name="evaluators", db_index=False)
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=MAX_RESPONSE_JUDGE_NAME)
    evaluator_version = models.ForeignKey(
        EvaluatorVersion, models.PROTECT, null=True, blank=True, related_name="batch_evaluators"
    )
    judge_version = models.ForeignKey(
        JudgeVersion, models.PROTECT, null=True, blank=True, related_name="batch_evaluators"
    )
    ai_provider = models.ForeignKey(AIProvider, models.SET_NULL, null=True, blank=True, related_name="+")
    provider_name = models.CharField(max_length=MAX_NAME)
    provider_type = models.CharField(max_length=20)
    provider_address = models.CharField(max_length=MAX_URL, blank=True)
    model = models.CharField(max_length=MAX_MODEL)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["batch", "position"], name="batch_evaluator_position_unique"),
            models.CheckConstraint(
                condition=models.Q(evaluator_version__isnull=False, judge_version__isnull=True)
                | models.Q(evaluator_version__isnull=True, judge_version__isnull=False),
                name="batch_evaluator_of_one_version",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def settings(self) -> EvaluatorVersion | JudgeVersion:
        """Return the version that says how to ask and what tokens cost."""
        version = self.evaluator_version or self.judge_version
        assert version is not None  # a constraint
        return version


def name_of_evaluators(evaluators: Sequence[BatchEvaluator]) -> str:
    """Name what was executed where evaluators were chosen without a judge."""
    first = evaluators[0].name
    return first if len(evaluators) == 1 else f"{first} and more"


class BatchItemStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    PROCESSING = "processing", "Processing"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"


class BatchItem(models.Model):
    """One input of a batch and how it fared. `input` holds what the prompts are made of, absent members left out."""

    id = models.BigAutoField(primary_key=True)
    batch = models.ForeignKey(BatchExecution, models.CASCADE, related_name="items", db_index=False)
    index = models.PositiveSmallIntegerField()
    input = models.JSONField()
    user_id = models.CharField(max_length=MAX_ID_CHARS, blank=True)
    session_id = models.CharField(max_length=MAX_ID_CHARS, blank=True)
    status = models.CharField(max_length=10, choices=BatchItemStatus, default=BatchItemStatus.PENDING)
    error_message = models.TextField(blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["index"]
        constraints = [
            models.UniqueConstraint(fields=["batch", "index"], name="batch_item_index_unique"),
            models.CheckConstraint(
                condition=models.Q(status__in=BatchItemStatus.values), name="batch_item_status_known"
            ),
            models.CheckConstraint(
                condition=(models.Q(status="failed") & ~models.Q(error_message=""))
                | (~models.Q(status="failed") & models.Q(error_message="")),
                name="batch_item_failed_says_why",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["pending", "processing"], completed_at__isnull=True)
                | models.Q(status__in=["completed", "failed"], completed_at__isnull=False),
                name="batch_item_ended_has_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id} {self.index}"


class ResultStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    SCORED = "scored", "Scored"
    FAILED = "failed", "Failed"
    SKIPPED = "skipped", "Skipped"


class EvaluatorResult(WorkRow):
    """What one evaluator said about one item: a score in 0..1 and why, or a failure. Skipped: the batch ended first."""

    batch = models.ForeignKey(BatchExecution, models.CASCADE, related_name="results", db_index=False)
    item = models.ForeignKey(BatchItem, models.CASCADE, related_name="results", db_index=False)
    evaluator = models.ForeignKey(BatchEvaluator, models.CASCADE, related_name="results", db_index=False)
    status = models.CharField(max_length=8, choices=ResultStatus, default=ResultStatus.PENDING)
    score = models.FloatField(null=True, blank=True)
    justification = models.TextField(blank=True)
    failure_code = models.CharField(max_length=20, blank=True)
    failure_message = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "evaluator"], name="evaluator_result_unique"),
            models.CheckConstraint(
                condition=models.Q(status__in=ResultStatus.values), name="evaluator_result_status_known"
            ),
            models.CheckConstraint(
                condition=models.Q(status="scored", score__gte=0, score__lte=1, failure_code="")
                | (models.Q(status="failed", score__isnull=True) & ~models.Q(failure_code=""))
                | models.Q(status__in=["pending", "skipped"], score__isnull=True, failure_code=""),
                name="evaluator_result_score_or_failure",
            ),
        ]
        indexes = [
            models.Index(
                fields=["batch", "id"],
                condition=models.Q(status="pending", claim_token__isnull=True),
                name="evaluator_result_claimable",
            ),
            models.Index(
                fields=["batch", "claim_token"],
                condition=models.Q(status="pending", claim_token__isnull=False),
                name="evaluator_result_in_flight",
            ),
            models.Index(fields=["batch", "status"], name="evaluator_result_by_status"),
        ]


class ExecutionLog(models.Model):
    """What an executed item leaves: its score, tags, tokens, cost and latency, as people look them up."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    item = models.OneToOneField(BatchItem, models.CASCADE, related_name="execution_log")
    executed_item_id = models.UUIDField(null=True, blank=True)
    executed_item_name = models.CharField(max_length=MAX_RESPONSE_JUDGE_NAME)
    executed_item_version_id = models.UUIDField(null=True, blank=True)
    execution_type = models.CharField(max_length=20)
    # The mean of the scores there are.
    score = models.FloatField(null=True, blank=True)
    tags = models.JSONField(default=list, blank=True)
    user_id = models.CharField(max_length=MAX_ID_CHARS, blank=True)
    session_id = models.CharField(max_length=MAX_ID_CHARS, blank=True)
    project_id = models.CharField(max_length=MAX_ID_CHARS, blank=True)
    request_preview = models.CharField(max_length=MAX_PREVIEW_CHARS, blank=True)
    response_preview = models.CharField(max_length=MAX_PREVIEW_CHARS, blank=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    usage_estimated = models.BooleanField(default=False)
    cost = models.FloatField(null=True, blank=True)
    # All calls together; they may have been under way at the same time.
    latency_ms = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey("judging.User", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="execution_log_by_creation"),
            models.Index(fields=["executed_item_id", "-created_at", "-id"], name="execution_log_by_executed_item"),
            models.Index(fields=["session_id"], condition=~models.Q(session_id=""), name="execution_log_by_session"),
            models.Index(fields=["user_id"], condition=~models.Q(user_id=""), name="execution_log_by_user"),
        ]

    @property
    def is_usage_unknown(self) -> bool:
        """Whether a reply came and no token was counted: versions before this one took unknown for zero."""
        return self.score is not None and not (self.input_tokens or self.output_tokens)

    @property
    def known_cost(self) -> float | None:
        """Return the cost, None where the tokens are not known."""
        return None if self.is_usage_unknown else self.cost

    def __str__(self) -> str:
        return f"{self.executed_item_name} {self.created_at:%Y-%m-%d %H:%M}"


class ExecutionLogTag(models.Model):
    """A tag of an execution log, to filter by: not every database can look inside the list."""

    id = models.BigAutoField(primary_key=True)
    log = models.ForeignKey(ExecutionLog, models.CASCADE, related_name="tag_rows")
    tag = models.CharField(max_length=MAX_TAG_CHARS)

    class Meta:
        indexes = [models.Index(fields=["tag", "log"], name="execution_log_by_tag")]

    def __str__(self) -> str:
        return self.tag
