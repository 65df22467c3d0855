"""The AI's grades of everything that a filter leaves, confirmed at once, and taken back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from judging import ledger
from judging.foundation.errors import Conflict, Invalid
from judging.foundation.limits import MAX_CONFIRMED
from judging.models import AuditEvent, Candidate, EvaluationRun, User
from judging.records.audit import record_event
from judging.records.blindness import sight_of
from judging.records.grading import check_open, end_leases
from judging.records.roles import require_member
from judging.review.grid_filter import GridFilter, condition, hidden_from_blind
from judging.review.judgments import renew_stale

_CHUNK = 500
_CONFIRMED, _TAKEN_BACK = "ai_grades_confirmed", "confirmed_grades_taken_back"
# How long a page offers to take back what was confirmed last.
_OFFERED_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ConfirmedMatching:
    """What was confirmed: `confirmed_at` names it to take it back. The others that match were left alone."""

    confirmed_at: datetime
    confirmed_count: int
    left_alone_count: int


def confirm_matching_ai_grades(
    *, run: EvaluationRun, grid_filter: GridFilter, expected_count: int, actor: User
) -> ConfirmedMatching:
    """Make the AI's grade `actor`'s own for every candidate that a filter leaves, but for those they have graded.

    `expected_count` is how many candidates were said to match. Raise Forbidden, Invalid (more than MAX_CONFIRMED; blind),
    Conflict (count_changed with both counts, run_locked, run_not_completed). When the run is locked in the midst, what
    was confirmed before stays.
    """
    require_member(actor)
    check_open(run)
    if sight_of(run, actor).is_blind:
        raise hidden_from_blind("ai_grade")
    matching = Candidate.objects.filter(condition(run, grid_filter, actor))
    count = matching.count()
    if count != expected_count:
        raise Conflict(
            f"{count:,} candidates match now, not {expected_count:,} as shown: look again",
            code="count_changed",
            details={"expected_count": expected_count, "matching_count": count},
        )
    if count > MAX_CONFIRMED:
        raise Invalid(f"at most {MAX_CONFIRMED:,} at once; narrow the filter")
    rows = matching.order_by("pk").values_list("pk", "ai_grade")
    seen = [(pk, grade) for pk, grade in rows if grade is not None]
    at = timezone.now()
    stale: set[UUID] = set()
    try:
        for start in range(0, len(seen), _CHUNK):
            chunk = seen[start : start + _CHUNK]
            stale.update(ledger.confirm_chunk(dict(chunk), run=run, member_id=actor.pk, at=at))
            end_leases(actor, [pk for pk, _ in chunk])
    finally:
        confirmed = ledger.confirmed_at(run, actor.pk, at).count()
        if confirmed:
            detail = {"count": confirmed, "confirmed_at": at.isoformat()}
            record_event(actor=actor, action=_CONFIRMED, subject=run, name=run.name, detail=detail)
            renew_stale(run, sorted(stale))
    return ConfirmedMatching(at, confirmed, count - confirmed)


def take_back_confirmed_grades(*, run: EvaluationRun, confirmed_at: datetime, actor: User) -> int:
    """Take back the grades that `actor` confirmed at that moment, where they have not changed them since.

    Return how many. Raise Forbidden, Conflict (nothing_to_take_back, run_locked, run_not_completed).
    """
    require_member(actor)
    check_open(run)
    pks = list(ledger.confirmed_at(run, actor.pk, confirmed_at).order_by("pk").values_list("pk", flat=True))
    if not pks:
        raise Conflict("there is nothing to take back", code="nothing_to_take_back")
    taken_back = 0
    stale: set[UUID] = set()
    try:
        for start in range(0, len(pks), _CHUNK):
            chunk = pks[start : start + _CHUNK]
            removed, runs = ledger.take_back_chunk(chunk, run=run, member_id=actor.pk, at=confirmed_at)
            taken_back += removed
            stale.update(runs)
    finally:
        if taken_back:
            detail = {"count": taken_back, "confirmed_at": confirmed_at.isoformat()}
            record_event(actor=actor, action=_TAKEN_BACK, subject=run, name=run.name, detail=detail)
            renew_stale(run, sorted(stale))
    return taken_back


def last_confirmed(run: EvaluationRun, viewer: User) -> AuditEvent | None:
    """Return what `viewer` confirmed last in a run by a filter, while it is fresh and not taken back."""
    events = AuditEvent.objects.filter(
        subject_type="evaluation_run", subject_id=str(run.pk), actor=viewer, action__in=(_CONFIRMED, _TAKEN_BACK)
    )
    event = events.first()
    is_offered = event is not None and event.action == _CONFIRMED and event.created_at > timezone.now() - _OFFERED_FOR
    return event if is_offered else None
