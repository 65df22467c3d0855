"""Background work: jobs, the lanes that work on them, rows claimed by token, and who is alive to do it."""

from collections.abc import Sequence
from typing import ClassVar

from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from judging.foundation.limits import MAX_IDEMPOTENCY_KEY


class Requested(models.Model):
    """What somebody's request made, once for each idempotency key of theirs (judging.records.idempotency)."""

    idempotency_key = models.CharField(max_length=MAX_IDEMPOTENCY_KEY, blank=True)
    request_hash = models.CharField(max_length=64, blank=True)
    created_by = models.ForeignKey("judging.User", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True


class Job(Requested):
    """A piece of background work, split into rows, one per thing to ask. `kind` names its kind (judging.kinds)."""

    kind: ClassVar[str]
    active_statuses: ClassVar[Sequence[str]]

    status: "models.CharField[str, str]"
    error = models.TextField(blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    call_count = models.PositiveIntegerField(default=0)
    # Re-asking is given up for the job after 20 re-asks without one success.
    fruitless_reask_count = models.PositiveIntegerField(default=0)
    last_success_at = models.DateTimeField(null=True, blank=True)
    rescued_at = models.DateTimeField(null=True, blank=True)
    # Prompts of the plan (None: not counted), and how many of them the service refused; of what each refused one is
    # about: the first's key, and whether others differ.
    prompt_count = models.PositiveIntegerField(null=True, blank=True)
    refused_prompt_count = models.PositiveIntegerField(default=0)
    refused_subject = models.CharField(max_length=40, blank=True, default="")
    has_refused_others = models.BooleanField(default=False)

    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def is_active(self) -> bool:
        return self.status in self.active_statuses

    @property
    def is_settled(self) -> bool:
        """Whether nothing of it changes any more."""
        return not self.is_active

    @property
    def lanes(self) -> "models.QuerySet[Lane]":
        return Lane.objects.filter(kind=self.kind, job_id=self.pk)


class Lane(models.Model):
    """A share of a job's concurrency with a lease of its own, so that several processes can work on one job.

    No foreign key holds it to its job, which can be of any kind: `judging.work` deletes the lanes of a deleted job.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=40)
    job_id = models.UUIDField()
    number = models.PositiveSmallIntegerField()
    concurrency = models.PositiveSmallIntegerField(validators=[MinValueValidator(1)])
    # Held: a token and an end in the future. Waiting for a worker: no token. An end in the past: the worker died.
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    enqueued_at = models.DateTimeField(default=timezone.now)
    slice_count = models.PositiveIntegerField(default=0)
    # What a slice passes to the next: the lowered concurrency, and a current outage.
    current_concurrency = models.PositiveSmallIntegerField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    failing_count = models.PositiveIntegerField(default=0)
    is_done = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "job_id", "number"], name="lane_number_unique_in_job"),
            models.CheckConstraint(condition=models.Q(concurrency__gte=1), name="lane_concurrency_from_1"),
        ]


class ProviderShare(models.Model):
    """What a lane holds of a resource that is limited, such as an AI provider. It counts as long as the lane's lease."""

    id = models.BigAutoField(primary_key=True)
    # As the kind of work names it: "ai_provider:<id>".
    resource = models.CharField(max_length=100)
    lane = models.ForeignKey(Lane, models.CASCADE, related_name="provider_shares")
    # Calls that could be in flight, and that may be.
    wanted = models.PositiveSmallIntegerField(default=0)
    granted = models.PositiveSmallIntegerField(default=0)
    # Under a limit of requests per minute: it asked for starts of calls and got none; when it got some last.
    is_waiting = models.BooleanField(default=False)
    served_at = models.DateTimeField()
    began_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["resource", "lane"], name="provider_share_unique")]

    def values(self) -> tuple[object, ...]:
        """Return what changes from one flush to the next."""
        return self.wanted, self.granted, self.is_waiting, self.served_at


class WorkRow(models.Model):
    """A unit of work. In flight: pending with a claim token. The token names the slice that holds it.

    A concrete one has a `status` that begins as "pending", a `failure_code` and a `failure_message`.
    """

    id = models.BigAutoField(primary_key=True)
    claim_token = models.UUIDField(null=True, blank=True, editable=False)
    # Transient failures so far, and not before when it may be asked again.
    attempt_count = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


class WorkerHeartbeat(models.Model):
    """A worker process as last seen alive."""

    worker = models.CharField(max_length=200, primary_key=True)
    seen_at = models.DateTimeField(db_index=True)
