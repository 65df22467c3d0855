"""What is versioned: the thing as it is now, and each of its versions as it was at one moment."""

import uuid
from functools import cache
from typing import Any

from django.db import models
from django.utils import timezone


class Pinned(models.Model):
    """The base of an abstract class whose fields a version pins; every change of one of these makes a version."""

    class Meta:
        abstract = True

    @classmethod
    @cache
    def setting_names(cls) -> tuple[str, ...]:
        """Return the columns of the abstract class: its own, then those that it inherits."""
        pinned: Any = next(base for base in cls.__mro__ if Pinned in base.__bases__)
        inherited = {field.name for base in pinned.__bases__ for field in base._meta.local_fields}
        return tuple(
            field.attname for field in sorted(pinned._meta.local_fields, key=lambda each: each.name in inherited)
        )

    def settings_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.setting_names()}


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
