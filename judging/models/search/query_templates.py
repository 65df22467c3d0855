"""Query templates: how a query becomes a request, with immutable versions."""

import uuid
from typing import Any

from django.db import models
from django.utils import timezone

from judging.foundation.limits import MAX_CONTENT_TYPE, MAX_NAME, MAX_QUERY_STRING, MAX_TEXT

DEFAULT_CONTENT_TYPE = "application/json"


class TemplateSettings(models.Model):
    """What a version of a query template pins: Handlebars for the parts of a request."""

    name = models.CharField(max_length=MAX_NAME)
    body = models.TextField(blank=True, max_length=MAX_TEXT)
    # Without a leading "?"; joined with "&" to that of the endpoint's URL.
    query_string = models.TextField(blank=True, max_length=MAX_QUERY_STRING)
    content_type = models.CharField(max_length=MAX_CONTENT_TYPE, default=DEFAULT_CONTENT_TYPE)
    headers = models.JSONField(default=dict, blank=True)

    class Meta:
        abstract = True

    SETTING_NAMES = ("name", "body", "query_string", "content_type", "headers")

    def settings_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.SETTING_NAMES}


class QueryTemplate(TemplateSettings):
    """A named template; every change of it makes a version."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    description = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey("judging.User", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name", "id"]
        verbose_name = "query template"

    def __str__(self) -> str:
        return self.name


class QueryTemplateVersion(TemplateSettings):
    """A query template as it was at one moment."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    template = models.ForeignKey(QueryTemplate, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    created_by = models.ForeignKey("judging.User", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["template", "number"], name="query_template_version_number_unique")
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"
