"""Members who ask to see the grades of a blind run. The switch itself is a setting of the run."""

from django.db import transaction

from judging.foundation.errors import Conflict, Forbidden
from judging.models import BlindnessLift, EvaluationRun
from judging.records.audit import record_event
from judging.records.roles import Actor, require_member, user_of


def lift_blindness(*, run: EvaluationRun, actor: Actor) -> None:
    """Show `actor` the grades of a blind run, for good; their later grades there count as given with the AI's in sight.

    Nothing happens the second time. Raise Forbidden or Conflict (run_not_blind).
    """
    require_member(actor)
    person = user_of(actor)
    if person is None:
        raise Forbidden("commands see every grade already")
    if not run.blind:
        raise Conflict("this run is not judged blind: its grades are shown already", code="run_not_blind")
    with transaction.atomic():
        _, is_new = BlindnessLift.objects.get_or_create(run=run, user=person)
        if is_new:
            record_event(actor=actor, action="run_grades_shown", subject=run)
