"""What is versioned: the thing as it is now, and each of its versions as it was at one moment."""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone


class Pinned(models.Model):
    """The fields that a version pins; every change of one of these makes a version."""

    SETTING_NAMES: ClassVar[tuple[str, ...]]

    class Meta:
        abstract = True

    def settings_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.SETTING_NAMES}


class Versioned(models.Model):
    """A thing people make, change and archive. The class that joins it to what is pinned has a `name`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey("judging.User", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True
        ordering = ["name", "id"]

    name: str

    def __str__(self) -> str:
        return self.name


class Version(models.Model):
    """A thing as it was at one moment. Never updated, never deleted while something names it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.PositiveIntegerField()
    created_by = models.ForeignKey("judging.User", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True
        ordering = ["-number"]

    name: str

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """Name it and its number: "Name v3"."""
        return f"{self.name} v{self.number}"
