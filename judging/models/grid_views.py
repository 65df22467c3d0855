"""Views of the review grid that people keep."""

import uuid

from django.db import models
from django.utils import timezone

from judging.foundation.limits import MAX_VIEW_NAME, MAX_VIEW_QUERY


class GridView(models.Model):
    """A filter and an order that a person keeps under a name, for whatever run they review."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey("judging.User", models.CASCADE, related_name="grid_views")
    name = models.CharField(max_length=MAX_VIEW_NAME)
    # As in the grid's address.
    query = models.CharField(max_length=MAX_VIEW_QUERY)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="grid_view_name_unique")]

    def __str__(self) -> str:
        return self.name
