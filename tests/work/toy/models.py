"""The tables of a third kind of work: numbers that a slow service squares, all but hundreds."""

import uuid

from django.db import models

from judging.models import Job, WorkRow


class Sum(Job):
    """Adds the squares of its numbers."""

    kind = "toy"
    active_statuses = ("waiting", "working")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    status = models.CharField(max_length=10, default="waiting")
    number_count = models.PositiveIntegerField()
    done_count = models.PositiveIntegerField(default=0)
    failed_count = models.PositiveIntegerField(default=0)
    dropped_count = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)


class Number(WorkRow):
    """One number of a sum."""

    sum = models.ForeignKey(Sum, models.CASCADE)
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=10, default="pending")
    square = models.PositiveIntegerField(null=True)
    failure_code = models.CharField(max_length=20, blank=True)
    failure_message = models.TextField(blank=True)
