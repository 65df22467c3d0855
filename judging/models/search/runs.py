"""Search runs: how an evaluation run is executed against an endpoint, search by search, with evidence."""

from typing import Any

from django.db import models

from judging.foundation.limits import (
    MAX_CONTENT_TYPE,
    MAX_IDEMPOTENCY_KEY,
    MAX_MAPPING,
    MAX_NAME,
    MAX_QUERY_STRING,
    MAX_TEXT,
    MAX_URL,
)
from judging.models.evaluations import EvaluationRun, RunQuery
from judging.models.judging_runs import Throttle
from judging.models.search.endpoints import EndpointMethod, EndpointType, SearchEndpoint
from judging.models.search.query_sets import SearchQuerySet
from judging.models.search.query_templates import QueryTemplate
from judging.models.work import Job, WorkRow


class SearchRunStatus(models.TextChoices):
    """An evaluation run's status, as far as it is executed: the two change together."""

    PENDING = "pending", "Pending"
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class SearchStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    ANSWERED = "answered", "Answered"
    EMPTY = "empty", "No results"
    FAILED = "failed", "Failed"
    SKIPPED = "skipped", "Skipped"


class SearchFailureCode(models.TextChoices):
    """Why a search of a run has no list: what judging.engines says, and of another fault CONNECTION."""

    TIMEOUT = "timeout", "Timed out"
    CONNECTION = "connection", "No connection"
    HTTP_STATUS = "http_status", "Refused by the engine"
    RATE_LIMITED = "rate_limited", "Rate limited"
    INVALID_RESPONSE = "invalid_response", "Unreadable answer"
    MAPPING_FAILED = "mapping_failed", "Mapping failed"
    DUPLICATE_IDS = "duplicate_ids", "Repeated ids"
    TEMPLATE_INVALID = "template_invalid", "Template failed"
    TOO_LARGE = "too_large", "Answer too large"
    REFUSED_ADDRESS = "refused_address", "Address refused"


class SearchRun(Job):
    """The execution of one evaluation run. Its inputs are pinned when it starts; credentials and limits are not.

    `status` is the evaluation run's, written with it. Counters leave what is pending of the total.
    """

    kind = "search_run"
    active_statuses = (SearchRunStatus.QUEUED, SearchRunStatus.RUNNING)

    evaluation_run = models.OneToOneField(
        EvaluationRun, models.CASCADE, primary_key=True, related_name="search", editable=False
    )
    status = models.CharField(max_length=10, choices=SearchRunStatus, default=SearchRunStatus.PENDING)

    # Where the inputs come from; gone when those were deleted since.
    endpoint = models.ForeignKey(SearchEndpoint, models.SET_NULL, null=True, related_name="search_runs")
    query_set = models.ForeignKey(SearchQuerySet, models.SET_NULL, null=True, related_name="search_runs")
    query_template = models.ForeignKey(QueryTemplate, models.SET_NULL, null=True, related_name="search_runs")
    query_limit = models.PositiveIntegerField(null=True, blank=True)
    # What differs from the template, by the names of its settings, as long as nothing is pinned.
    overrides = models.JSONField(default=dict)

    # Pinned at the start; a clone has them from its original.
    pinned_at = models.DateTimeField(null=True, blank=True, editable=False)
    endpoint_name = models.CharField(max_length=MAX_NAME, blank=True)
    endpoint_type = models.CharField(max_length=20, choices=EndpointType, blank=True)
    endpoint_url = models.CharField(max_length=MAX_URL, blank=True)
    endpoint_method = models.CharField(max_length=4, choices=EndpointMethod, blank=True)
    endpoint_headers = models.JSONField(default=dict)
    candidates_mapping = models.TextField(blank=True, max_length=MAX_MAPPING)
    paging = models.JSONField(default=dict)
    query_set_name = models.CharField(max_length=MAX_NAME, blank=True)
    query_template_name = models.CharField(max_length=MAX_NAME, blank=True)
    query_template_version = models.PositiveIntegerField(null=True, blank=True)
    body = models.TextField(blank=True, max_length=MAX_TEXT)
    query_string = models.TextField(blank=True, max_length=MAX_QUERY_STRING)
    content_type = models.CharField(max_length=MAX_CONTENT_TYPE, blank=True)
    headers = models.JSONField(default=dict)
    # The idempotency key with which somebody started it, not always who made it.
    start_key = models.CharField(max_length=MAX_IDEMPOTENCY_KEY, blank=True, default="", editable=False)
    # Whether TLS went unverified in any turn of it.
    was_unverified = models.BooleanField(default=False)

    total_count = models.PositiveIntegerField(default=0)
    answered_count = models.PositiveIntegerField(default=0)
    empty_count = models.PositiveIntegerField(default=0)
    failed_count = models.PositiveIntegerField(default=0)
    skipped_count = models.PositiveIntegerField(default=0)
    # Answered ones with fewer candidates than asked for.
    short_count = models.PositiveIntegerField(default=0)
    # Of answered and empty searches, once the run has ended.
    latency_p50_ms = models.PositiveIntegerField(null=True, blank=True)
    latency_p95_ms = models.PositiveIntegerField(null=True, blank=True)
    throttle = models.CharField(max_length=20, choices=Throttle, blank=True, default="")
    throttle_changed_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=SearchRunStatus.values), name="search_run_status_known"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    total_count__gte=models.F("answered_count")
                    + models.F("empty_count")
                    + models.F("failed_count")
                    + models.F("skipped_count")
                ),
                name="search_run_counts_within_total",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="completed")
                | models.Q(total_count=models.F("answered_count") + models.F("empty_count") + models.F("failed_count")),
                name="search_run_completed_means_nothing_left",
            ),
            models.UniqueConstraint(
                fields=["created_by", "idempotency_key"],
                condition=~models.Q(idempotency_key=""),
                name="search_run_idempotency_key_unique",
            ),
        ]

    def __str__(self) -> str:
        return f"search of {self.evaluation_run_id}"

    @property
    def pending_count(self) -> int:
        return self.total_count - self.done_count - self.skipped_count

    @property
    def done_count(self) -> int:
        return self.answered_count + self.empty_count + self.failed_count

    @property
    def throttled_by(self) -> str | None:
        """Return why it is slower than it could be at present."""
        return (self.throttle or None) if self.is_active else None


class SearchItem(WorkRow):
    """One search: a run query asked of the endpoint, and what came of it. A failed one is never an empty list."""

    search_run = models.ForeignKey(SearchRun, models.CASCADE, related_name="items", db_index=False)
    run_query = models.OneToOneField(RunQuery, models.CASCADE, related_name="search")
    status = models.CharField(max_length=8, choices=SearchStatus, default=SearchStatus.PENDING)
    failure_code = models.CharField(max_length=20, choices=SearchFailureCode, blank=True)
    failure_message = models.TextField(blank=True)
    # As the engine counts all that match; candidates kept; requests that brought them.
    total = models.PositiveBigIntegerField(null=True, blank=True)
    returned = models.PositiveIntegerField(null=True, blank=True)
    page_count = models.PositiveSmallIntegerField(default=0)
    latency_ms = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(status__in=SearchStatus.values), name="search_item_status_known"),
            models.CheckConstraint(
                condition=models.Q(status="failed", returned__isnull=True) & ~models.Q(failure_code="")
                | models.Q(status="answered", returned__gte=1, failure_code="")
                | models.Q(status="empty", returned=0, failure_code="")
                | models.Q(status__in=["pending", "skipped"], returned__isnull=True, failure_code=""),
                name="search_item_list_or_failure",
            ),
        ]
        indexes = [
            models.Index(
                fields=["search_run", "id"],
                condition=models.Q(status="pending", claim_token__isnull=True),
                name="search_item_claimable",
            ),
            models.Index(
                fields=["search_run", "claim_token"],
                condition=models.Q(status="pending", claim_token__isnull=False),
                name="search_item_in_flight",
            ),
            models.Index(fields=["search_run", "status"], name="search_item_by_status"),
        ]

    def __str__(self) -> str:
        return f"search {self.pk}"

    @property
    def label(self) -> str:
        return self.run_query.label


class SearchExchange(models.Model):
    """One request of a search and its answer, kept as evidence with secrets blanked. The body is compressed."""

    id = models.BigAutoField(primary_key=True)
    item = models.ForeignKey(SearchItem, models.CASCADE, related_name="exchanges")
    page = models.PositiveSmallIntegerField(default=1)
    method = models.CharField(max_length=4)
    url = models.TextField()
    request_headers: "models.JSONField[Any, Any]" = models.JSONField(default=dict)
    request_body = models.TextField(blank=True)
    # None: no answer came.
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    response_headers: "models.JSONField[Any, Any]" = models.JSONField(default=dict)
    compressed_body = models.BinaryField(default=b"")
    is_truncated = models.BooleanField(default=False)
    latency_ms = models.PositiveIntegerField(null=True, blank=True)
    received_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["item", "id"]

    def __str__(self) -> str:
        return f"{self.method} {self.url}"
