"""The list of who did what, for others to look up. Nothing else writes it."""

from collections.abc import Mapping
from typing import Any

from django.db import models

from judging.foundation.limits import MAX_SUBJECT_NAME
from judging.models import AuditEvent
from judging.records.roles import Actor, user_of


def record_event(
    *, actor: Actor, action: str, subject: models.Model, name: str = "", detail: Mapping[str, Any] | None = None
) -> None:
    """Write who did what to which thing; `name` where the thing is known by another than its own. `detail` holds no secret.

    In the transaction of the act, so that there is no change without its line and no line without its change.
    """
    AuditEvent.objects.create(
        actor=user_of(actor),
        action=action,
        subject_type=str(subject._meta.verbose_name).lower().replace(" ", "_"),
        subject_id=str(subject.pk),
        subject_name=(name or str(subject))[:MAX_SUBJECT_NAME],
        detail=dict(detail or {}),
    )
