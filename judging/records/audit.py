"""Audit events: who did what. This module is their only writer."""

from collections.abc import Mapping
from typing import Any

from django.db import models

from judging.foundation.limits import MAX_SUBJECT_NAME
from judging.models import AuditEvent
from judging.records.roles import Actor, user_of


def record_event(
    *, actor: Actor, action: str, subject: models.Model, name: str = "", detail: Mapping[str, Any] | None = None
) -> None:
    """Record that `actor` did `action` to `subject`, shown under `name` if given. `detail` must hold no secret.

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
