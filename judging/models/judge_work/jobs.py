"""What all work that asks a judge for grades has: states, counters, and items with a grade or a failure."""

from django.db import models

from judging.models.work import Job, WorkRow


class JudgingRunStatus(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


ACTIVE_STATUSES = (JudgingRunStatus.QUEUED, JudgingRunStatus.RUNNING)


class JudgeJob(Job):
    """A judge asked about a planned number of things. Counters only grow; pending is what they leave of the total."""

    active_statuses = ACTIVE_STATUSES

    status = models.CharField(max_length=10, choices=JudgingRunStatus, default=JudgingRunStatus.QUEUED)
    total_count = models.PositiveIntegerField(default=0)
    judged_count = models.PositiveIntegerField(default=0)
    failed_count = models.PositiveIntegerField(default=0)
    skipped_count = models.PositiveIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    # Some of them were counted from characters, as the provider counted none.
    usage_estimated = models.BooleanField(default=False)

    class Meta:
        abstract = True

    @property
    def pending_count(self) -> int:
        return self.total_count - self.judged_count - self.failed_count - self.skipped_count

    @property
    def is_settled(self) -> bool:
        """Whether its counters stand still: it has ended, and each reply in flight at its end has landed."""
        return not self.is_active and self.pending_count <= 0

    @property
    def done_count(self) -> int:
        return self.total_count - self.pending_count


def job_constraints(prefix: str) -> list[models.CheckConstraint]:
    """Return the constraints of a table of such jobs, named by `prefix`."""
    status_known = models.Q(status__in=JudgingRunStatus.values)
    within_total = models.Q(
        total_count__gte=models.F("judged_count") + models.F("failed_count") + models.F("skipped_count")
    )
    nothing_left = ~models.Q(status="completed") | models.Q(
        total_count=models.F("judged_count") + models.F("failed_count")
    )
    return [
        models.CheckConstraint(condition=status_known, name=f"{prefix}_status_known"),
        models.CheckConstraint(condition=within_total, name=f"{prefix}_counts_within_total"),
        models.CheckConstraint(condition=nothing_left, name=f"{prefix}_completed_means_nothing_left"),
    ]


class ItemStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    JUDGED = "judged", "Judged"
    FAILED = "failed", "Failed"
    SKIPPED = "skipped", "Skipped"


class JudgeItem(WorkRow):
    """What a judge said about one thing: a grade and reasoning, or a failure."""

    # Items of one query that are asked about in one prompt share a number, counted over the job.
    prompt_number = models.PositiveIntegerField()
    status = models.CharField(max_length=8, choices=ItemStatus, default=ItemStatus.PENDING)
    grade = models.PositiveSmallIntegerField(null=True, blank=True)
    reasoning = models.TextField(blank=True)
    failure_code = models.CharField(max_length=20, blank=True)
    failure_message = models.TextField(blank=True)

    class Meta:
        abstract = True


def item_constraints(prefix: str) -> list[models.CheckConstraint]:
    """Return the constraints of a table of such items, named by `prefix`."""
    grade_or_failure = (
        models.Q(status="judged", grade__isnull=False, failure_code="")
        | (models.Q(status="failed", grade__isnull=True) & ~models.Q(failure_code=""))
        | models.Q(status__in=["pending", "skipped"], grade__isnull=True, failure_code="")
    )
    return [
        models.CheckConstraint(condition=models.Q(status__in=ItemStatus.values), name=f"{prefix}_status_known"),
        models.CheckConstraint(condition=grade_or_failure, name=f"{prefix}_grade_or_failure"),
    ]


def item_indexes(job: str, prefix: str) -> list[models.Index]:
    """Return the indexes by which items are claimed and given back; `job` is the field of their job."""
    return [
        models.Index(
            fields=[job, "prompt_number"],
            condition=models.Q(status="pending", claim_token__isnull=True),
            name=f"{prefix}_claimable",
        ),
        models.Index(
            fields=[job, "claim_token"],
            condition=models.Q(status="pending", claim_token__isnull=False),
            name=f"{prefix}_in_flight",
        ),
    ]
