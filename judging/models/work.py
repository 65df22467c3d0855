"""Rows of background work: claimed by token, at most one outcome each."""

from django.db import models


class WorkRow(models.Model):
    """A unit of work. In flight: pending with a claim token. The token names the slice that holds it."""

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
