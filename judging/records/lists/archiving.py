"""Archived things: out of the lists and choices, everything kept."""

from typing import TypeVar

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from judging.foundation.errors import Conflict, NotFound
from judging.models import Evaluation, EvaluationRun, QueryTemplate, SearchEndpoint, SearchQuerySet
from judging.records.audit import record_event
from judging.records.roles import Actor, require_member

Subject = TypeVar("Subject", Evaluation, EvaluationRun, SearchEndpoint, SearchQuerySet, QueryTemplate)
_NAMES = {
    Evaluation: "evaluation",
    EvaluationRun: "run",
    SearchEndpoint: "endpoint",
    SearchQuerySet: "query_set",
    QueryTemplate: "query_template",
}

# Of runs: neither they nor their evaluations are archived.
IN_USE = Q(archived_at=None, evaluation__archived_at=None)


def check_in_use(subject: EvaluationRun | Evaluation) -> None:
    """Raise Conflict (archived) where nothing new may start: on an archived run, or in an archived evaluation."""
    evaluation = subject
    if isinstance(subject, EvaluationRun):
        if subject.archived_at is not None:
            raise Conflict("the evaluation run is archived; restore it first", code="archived")
        evaluation = subject.evaluation
    if evaluation.archived_at is not None:
        raise Conflict("the evaluation is archived; restore it first", code="archived")


def set_archived(subject: Subject, *, actor: Actor, is_archived: bool) -> Subject:
    """Archive a thing or put it back into the lists, and return it; the second time nothing changes or is audited.

    Raise Forbidden or NotFound.
    """
    require_member(actor)
    model = type(subject)
    rows = model._default_manager.filter(pk=subject.pk)
    with transaction.atomic():
        if rows.filter(archived_at__isnull=is_archived).update(archived_at=timezone.now() if is_archived else None):
            action = f"{_NAMES[model]}_{'archived' if is_archived else 'restored'}"
            record_event(actor=actor, action=action, subject=subject)
    stored = rows.values_list("archived_at").first()
    if stored is None:
        raise NotFound(f"no such {_NAMES[model].replace('_', ' ')}")
    (subject.archived_at,) = stored
    return subject
