"""Archive evaluations and runs: out of the lists and choices, everything kept."""

from typing import TypeVar

from django.db import transaction
from django.utils import timezone

from judging.models import Evaluation, EvaluationRun
from judging.records.audit import record_event
from judging.records.roles import Actor, require_member

Subject = TypeVar("Subject", Evaluation, EvaluationRun)


def archive_run(*, actor: Actor, run: EvaluationRun) -> EvaluationRun:
    """Take a run out of the lists; what is under way on it goes on, nothing new starts. Raise Forbidden."""
    require_member(actor)
    return _set_archived(actor, run, is_archived=True)


def restore_run(*, actor: Actor, run: EvaluationRun) -> EvaluationRun:
    """Put an archived run back into the lists. Raise Forbidden."""
    require_member(actor)
    return _set_archived(actor, run, is_archived=False)


def archive_evaluation(*, actor: Actor, evaluation: Evaluation) -> Evaluation:
    """Take an evaluation and with it all of its runs out of the lists; nothing new starts in it. Raise Forbidden."""
    require_member(actor)
    return _set_archived(actor, evaluation, is_archived=True)


def restore_evaluation(*, actor: Actor, evaluation: Evaluation) -> Evaluation:
    """Put an archived evaluation back into the lists; runs that were archived by themselves stay so. Raise Forbidden."""
    require_member(actor)
    return _set_archived(actor, evaluation, is_archived=False)


def _set_archived(actor: Actor, subject: Subject, *, is_archived: bool) -> Subject:
    """Change it where it is otherwise; once more changes nothing and leaves no second line in the audit log."""
    rows = type(subject).objects.filter(pk=subject.pk, archived_at__isnull=is_archived)
    with transaction.atomic():
        if rows.update(archived_at=timezone.now() if is_archived else None):
            word = "evaluation" if isinstance(subject, Evaluation) else "run"
            record_event(actor=actor, action=f"{word}_{'archived' if is_archived else 'restored'}", subject=subject)
    subject.refresh_from_db(fields=["archived_at"])
    return subject
