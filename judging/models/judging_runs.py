"""AI judging runs: one judge version applied to one evaluation run, in lanes, one item per candidate in scope."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from judging.foundation.limits import MAX_CONCURRENCY, MAX_NAME, MAX_URL
from judging.models.evaluations import Candidate, EvaluationRun, RunQuery
from judging.models.judge_work.jobs import JudgeItem, JudgeJob, item_constraints, item_indexes, job_constraints
from judging.models.judges import JudgeVersion

# The error code of a run whose evaluation run was locked meanwhile.
RUN_LOCKED = "run_locked"


class Scope(models.TextChoices):
    ALL = "all", "All candidates"
    UNJUDGED = "unjudged", "Candidates nobody has judged"
    FAILED = "failed", "What an earlier judging run failed on"
    REMAINING = "remaining", "What an earlier judging run left undone"


class Throttle(models.TextChoices):
    """Why a run is slower than its concurrency would let it be."""

    PROVIDER_LIMIT = "provider_limit", "Provider limit"
    RATE_LIMITED = "rate_limited", "Rate limited by the provider"


@dataclass(frozen=True, slots=True)
class Slowness:
    """What holds a run up: a cause, since when (None: not known), and both as a title and a sentence for people."""

    cause: str
    title: str
    message: str
    since: datetime | None = None


class JudgingRun(JudgeJob):
    """One judge version x one evaluation run."""

    kind = "judging_run"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    evaluation_run = models.ForeignKey(EvaluationRun, models.CASCADE, related_name="judging_runs")
    judge_version = models.ForeignKey(JudgeVersion, models.PROTECT, related_name="judging_runs")
    # As used: the provider itself is not pinned.
    provider_name = models.CharField(max_length=MAX_NAME)
    provider_type = models.CharField(max_length=20)
    provider_address = models.CharField(max_length=MAX_URL, blank=True)

    scope = models.CharField(max_length=10, choices=Scope, default=Scope.ALL)
    source_run = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="+")
    depth = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    query_limit = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    sample_seed = models.PositiveIntegerField(default=0)
    # Its grades stay with its items and never become judgments, unless somebody makes them count.
    trial = models.BooleanField(default=False)
    # When somebody made its grades count: takes the place of created_at where the run created last wins.
    made_current_at = models.DateTimeField(null=True, blank=True, editable=False)
    max_concurrency = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(MAX_CONCURRENCY)]
    )
    max_total_tokens = models.PositiveBigIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])

    reask_count = models.PositiveIntegerField(default=0)
    # Prompts of which the service read far fewer tokens than were sent, and the two counts of the longest of them.
    cut_prompt_count = models.PositiveIntegerField(default=0)
    cut_read_tokens = models.PositiveIntegerField(default=0)
    cut_sent_tokens = models.PositiveIntegerField(default=0)
    # As a lane saw it last, and since when. Means something while the run is active.
    throttle = models.CharField(max_length=20, choices=Throttle, blank=True, default="")
    throttle_changed_at = models.DateTimeField(null=True, blank=True, editable=False)

    # What holds it up at present, where `judging.judging_runs.slowness` has read it.
    slowness: Slowness | None = None

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            *job_constraints("judging"),
            models.UniqueConstraint(
                fields=["created_by", "idempotency_key"],
                condition=~models.Q(idempotency_key=""),
                name="judging_idempotency_key_unique",
            ),
        ]
        indexes = [
            models.Index(fields=["evaluation_run", "-created_at"], name="judging_by_evaluation_run"),
            models.Index(
                fields=["status"], condition=models.Q(status__in=["queued", "running"]), name="judging_active"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.judge_version_id} {self.status}"

    @property
    def throttled_by(self) -> str | None:
        """Return what holds the run up at present, a Throttle, None when nothing does."""
        return (self.throttle or None) if self.is_active else None

    @property
    def throttled_since(self) -> datetime | None:
        return self.throttle_changed_at if self.throttled_by else None

    @property
    def counts_from(self) -> datetime:
        """When its grades began to count: of the grades for a pair, those of the run with the latest moment do."""
        return self.made_current_at or self.created_at

    @property
    def is_only_trial(self) -> bool:
        """Whether its grades stay with its items: a trial that nobody made count."""
        return self.trial and self.made_current_at is None

    @property
    def progress(self) -> float:
        return (self.judged_count + self.failed_count) / self.total_count if self.total_count else 1.0

    @property
    def is_usage_unknown(self) -> bool:
        """Whether replies came and no token was counted: versions before this one took unknown for zero."""
        has_replies = self.judged_count > 0 or self.last_success_at is not None
        return has_replies and not (self.input_tokens or self.output_tokens)

    @property
    def warnings(self) -> list[dict[str, str]]:
        """Return what people should know of how the run went, each with a code and a message."""
        if not self.cut_prompt_count:
            return []
        prompts = "prompt" if self.cut_prompt_count == 1 else "prompts"
        message = (
            f"the service read {self.cut_read_tokens:,} tokens of about {_rounded(self.cut_sent_tokens):,} "
            f"({self.cut_prompt_count:,} {prompts} so far): it cuts prompts without a word; "
            "raise its context length, or lower the judge's batch size or document length"
        )
        return [{"code": "prompt_cut", "message": message}]

    @property
    def cost(self) -> float | None:
        """Return the price of all tokens so far, None where the judge has no prices or the tokens are not known."""
        return None if self.is_usage_unknown else self.judge_version.cost_of(self.input_tokens, self.output_tokens)


def _rounded(tokens: int) -> int:
    """Round to two digits that count: an estimate is no better."""
    return int(round(tokens, 2 - len(str(tokens))))


class JudgingItem(JudgeItem):
    """What one judging run said about one candidate, kept for good: a grade and reasoning, or a failure."""

    judging_run = models.ForeignKey(JudgingRun, models.CASCADE, related_name="items", db_index=False)
    candidate = models.ForeignKey(Candidate, models.CASCADE, related_name="items")
    run_query = models.ForeignKey(RunQuery, models.CASCADE, related_name="+", db_index=False)
    call = models.ForeignKey("judging.Call", models.SET_NULL, null=True, blank=True, related_name="items")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["judging_run", "candidate"], name="judging_item_unique"),
            *item_constraints("judging_item"),
        ]
        indexes = [
            *item_indexes("judging_run", "judging_item"),
            models.Index(fields=["judging_run", "status", "id"], name="judging_item_by_status"),
        ]
