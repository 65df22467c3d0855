"""Hand candidates to human judges one at a time, so that no two get the same one."""

from itertools import chain

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from judging.foundation.limits import HANDED_OUT_FOR
from judging.models import Abstention, Candidate, EvaluationRun, GradingHold, User
from judging.records.grading import check_open, store_abstention
from judging.records.roles import require_person
from judging.review.own_grades import after_place, free_candidates, not_leased, open_candidates

# How many candidates are tried before giving up: each failure means that someone else has just taken it.
_TRIES = 20


def next_candidate(*, run: EvaluationRun, actor: User, after: Candidate | None = None) -> Candidate | None:
    """Choose what `actor` grades next, hold it for five minutes, and release what they held in this run before.

    Goes in their order (`open_candidates`) from `after`, then from the start: skipped ones come back last. Candidates that others
    hold come when nothing else is left, those leased of a check sample not even then. None: nothing is open. Raise
    Forbidden or Conflict (run_locked, run_not_completed).
    """
    require_person(actor)
    check_open(run)
    free = free_candidates(run, actor, now=timezone.now())
    passes = [free] if after is None else [after_place(free, after, actor), free]
    # Others may have taken the first ones by now, so several are read at a time. The one just left comes last.
    candidates = chain.from_iterable(found[:_TRIES] for found in passes)
    left_over: Candidate | None = None
    for candidate in candidates:
        if after is not None and candidate.pk == after.pk:
            left_over = candidate
        elif _take(run, candidate, actor):
            return candidate
    if left_over is not None and _take(run, left_over, actor):
        return left_over
    release_holds(run=run, actor=actor)
    unleased = open_candidates(run, actor).filter(not_leased(run, now=timezone.now()))
    return unleased.order_by("hold__until", "position", F("place")).first()


def hold(*, candidate: Candidate, actor: User) -> bool:
    """Keep a candidate for `actor` alone for five minutes from now. Raise Forbidden.

    False when someone else holds it, or the actor as part of a check sample.
    """
    require_person(actor)
    now = timezone.now()
    mine = {"user": actor, "until": now + HANDED_OUT_FOR, "sample": None, "place": None}
    # Free to take: the actor's own hold, or an expired one. The row count tells who was first.
    free = Q(user=actor, sample=None) | Q(until__lte=now)
    taken = GradingHold.objects.filter(free, candidate=candidate).update(**mine)
    if not taken:
        try:
            with transaction.atomic():
                GradingHold.objects.create(candidate=candidate, **mine)
        except IntegrityError:
            return False
    held = GradingHold.objects.filter(user=actor, sample=None, candidate__run_id=candidate.run_id)
    held.exclude(candidate=candidate).delete()
    return True


def _take(run: EvaluationRun, candidate: Candidate, actor: User) -> bool:
    # Since it was read as free, someone may have taken and graded it.
    return hold(candidate=candidate, actor=actor) and open_candidates(run, actor).filter(pk=candidate.pk).exists()


def release_holds(*, run: EvaluationRun, actor: User) -> None:
    """Release what `actor` holds in a run, but for leases of check samples. Raise Forbidden."""
    require_person(actor)
    GradingHold.objects.filter(user=actor, sample=None, candidate__run=run).delete()


def abstain(*, candidate: Candidate, actor: User, reason: str) -> Abstention:
    """Record that `actor` can't tell how relevant a candidate is; they are not asked again.

    Raise Forbidden, Invalid or Conflict.
    """
    require_person(actor)
    check_open(candidate.of_run)
    return store_abstention(candidate, actor, reason)
