"""What grading one by one and grading check samples share: open runs, "I can't tell", and leases that end."""

from collections.abc import Collection

from django.utils import timezone

from judging.foundation.errors import Conflict, Invalid
from judging.foundation.limits import LEASED_FOR, MAX_SKIP_REASON
from judging.models import Abstention, Candidate, EvaluationRun, EvaluationRunStatus, GradingHold, User


def check_open(run: EvaluationRun) -> None:
    """Raise Conflict (run_locked, run_not_completed) unless people can grade the run."""
    if run.is_locked:
        raise Conflict("the evaluation run is locked: no judgment on it can change", code="run_locked")
    if not run.takes_grades:
        raise _not_completed(run)


def check_open_to_samples(run: EvaluationRun) -> None:
    """Raise Conflict (run_locked, run_not_completed) unless a check sample of the run can be graded."""
    check_open(run)
    if run.status != EvaluationRunStatus.COMPLETED:
        raise _not_completed(run)


def _not_completed(run: EvaluationRun) -> Conflict:
    return Conflict(f"the evaluation run is {run.status}; only a completed one is judged", code="run_not_completed")


def store_abstention(candidate: Candidate, person: User, reason: str) -> Abstention:
    """Store that a person can't tell how relevant a candidate is. Raise Invalid for a missing or unstorable reason."""
    reason = reason.strip()
    if not reason:
        raise Invalid("say in a few words why you can't tell", errors={"reason": ["say in a few words why"]})
    if "\x00" in reason or len(reason) > MAX_SKIP_REASON:
        raise Invalid(
            "the reason can't be stored", errors={"reason": [f"at most {MAX_SKIP_REASON} characters of text"]}
        )
    abstention, _ = Abstention.objects.update_or_create(candidate=candidate, user=person, defaults={"reason": reason})
    return abstention


def end_leases(person: User, candidate_pks: Collection[int]) -> None:
    """End a person's leases of what they have just graded or skipped, and renew the others of the same samples."""
    leases = GradingHold.objects.filter(user=person, sample__isnull=False)
    done = set(candidate_pks)
    ended = [row for row in leases.values_list("pk", "sample_id", "candidate_id") if row[2] in done]
    if not ended:
        return
    GradingHold.objects.filter(pk__in=[pk for pk, _, _ in ended]).delete()
    leases.filter(sample__in={sample for _, sample, _ in ended}).update(until=timezone.now() + LEASED_FOR)
