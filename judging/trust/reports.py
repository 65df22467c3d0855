"""The figures of a run's Trust tab: computed at once for small runs, stored and renewed off the request for large."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from judging.models import EvaluationRun, TrustReport
from judging.trust.agreement import compare_sides, people_among_themselves
from judging.trust.certificates import certificate_dict, certificates_of
from judging.trust.estimates import run_estimates, state_dict
from judging.trust.grades import check_completed, read_run_grades
from judging.work import queue
from judging.work.rescue import LOST_AFTER

# Runs of so many candidates are computed while one waits, in about a third of a second.
COMPUTED_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Report:
    """A run's figures by block (`agreement`, `people`, `estimates`), and of when they are.

    `is_stale`: judgments have changed since, and newer figures are on their way.
    """

    figures: dict[str, Any]
    computed_at: datetime
    is_stale: bool = False


def run_report(run: EvaluationRun, *, is_waited_for: bool = True) -> Report | None:
    """Return what a completed run's Trust tab says.

    A large run answers what is stored and has it renewed in the background. Where nothing is stored yet: None, or
    with `is_waited_for` the figures, computed now. Raise Conflict (run_not_completed).
    """
    check_completed(run)
    if run.candidate_count <= COMPUTED_AT_ONCE:
        return Report(compute_report(run), timezone.now())
    stored = TrustReport.objects.filter(run=run).first()
    if stored is None or stored.figures is None or stored.computed_at is None:
        if is_waited_for:
            return renew_report(run.pk)
        _request(run)
        return None
    is_stale = (stored.judgments_at, stored.relevant_from) != (run.judgments_at, run.relevant_from)
    if is_stale:
        _request(run)
    return Report(stored.figures, stored.computed_at, is_stale)


def run_answer(run: EvaluationRun) -> dict[str, Any]:
    """Return all that scripts are told of a run. Raise Conflict (run_not_completed)."""
    report = run_report(run)
    assert report is not None
    certificates = [certificate_dict(each) for each in certificates_of(run.pk)]
    return {
        **report.figures,
        "certificates": certificates,
        "as_of": report.computed_at.isoformat(),
        "is_stale": report.is_stale,
    }


def _request(run: EvaluationRun) -> None:
    """Queue the renewal, unless somebody's request is under way."""
    TrustReport.objects.get_or_create(run=run)
    now = timezone.now()
    is_free = Q(requested_at=None) | Q(requested_at__lt=now - LOST_AFTER)
    if TrustReport.objects.filter(is_free, run=run).update(requested_at=now):
        queue.enqueue_trust(run.pk)


def renew_report(run_id: UUID) -> Report | None:
    """Compute and store a run's figures; None where the run is gone. May be run again at any time."""
    run = EvaluationRun.objects.select_related("evaluation__corpus").filter(pk=run_id).first()
    if run is None:
        return None
    now = timezone.now()
    figures = compute_report(run)
    TrustReport.objects.update_or_create(
        run=run,
        defaults={
            "figures": figures,
            # As read before the grades were: what changed meanwhile makes the report stale.
            "judgments_at": run.judgments_at,
            "relevant_from": run.relevant_from,
            "computed_at": now,
            "requested_at": None,
        },
    )
    return Report(figures, now)


def compute_report(run: EvaluationRun) -> dict[str, Any]:
    """Compute a run's figures from the grades that count now."""
    grades = read_run_grades(run)
    estimates, states = run_estimates(run, grades)
    return {
        "agreement": compare_sides(run, grades, a="ai", b="people").as_dict(),
        "people": people_among_themselves(grades),
        "estimates": {name: estimate.as_dict() for name, estimate in estimates.items()},
        "check_samples": [state_dict(state) for state in states],
    }
