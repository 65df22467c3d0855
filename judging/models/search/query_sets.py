"""Query sets: named lists of queries that runs are made from."""

import uuid

from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from judging.foundation.limits import MAX_LABEL, MAX_NAME


class QueryKind(models.TextChoices):
    TEXT = "text", "Text"
    OBJECT = "object", "Objects"


class QuerySource(models.TextChoices):
    MANUAL = "manual", "Typed or sent"
    UPLOAD = "upload", "Uploaded"
    SAMPLE = "sample", "Sampled from a log"


class SearchQuerySet(models.Model):
    """A named list of queries: all strings, or all objects with a `query` whose like-named properties have one type."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=MAX_NAME)
    description = models.TextField(blank=True)
    kind = models.CharField(max_length=6, choices=QueryKind)
    # Of objects, by name: string, number, boolean, array or object.
    property_types = models.JSONField(default=dict)
    query_count = models.PositiveIntegerField(default=0)
    # Of the queries in their order: two sets with the same hash ask the same.
    content_hash = models.CharField(max_length=64)
    source = models.CharField(max_length=6, choices=QuerySource, default=QuerySource.MANUAL)
    # Of a sample: method, seed, inclusion probabilities, share of the traffic.
    sample_report = models.JSONField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey("judging.User", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name", "id"]
        verbose_name = "query set"
        constraints = [
            models.CheckConstraint(condition=models.Q(kind__in=QueryKind.values), name="query_set_kind_known"),
            models.CheckConstraint(condition=models.Q(source__in=QuerySource.values), name="query_set_source_known"),
        ]

    def __str__(self) -> str:
        return self.name


class SetQuery(models.Model):
    """A query of a set."""

    id = models.BigAutoField(primary_key=True)
    query_set = models.ForeignKey(SearchQuerySet, models.CASCADE, related_name="queries", db_index=False)
    position = models.PositiveIntegerField()
    label = models.CharField(max_length=MAX_LABEL, blank=True)
    body = models.JSONField()
    # How often it is asked, or how much it matters, in any unit.
    weight = models.FloatField(null=True, blank=True, validators=[MinValueValidator(0)])
    tags = models.JSONField(default=list)

    class Meta:
        ordering = ["position"]
        verbose_name_plural = "set queries"
        constraints = [
            models.UniqueConstraint(fields=["query_set", "position"], name="set_query_position_unique"),
            models.UniqueConstraint(
                fields=["query_set", "label"], condition=~models.Q(label=""), name="set_query_label_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position}"
