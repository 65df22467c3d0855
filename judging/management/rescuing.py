"""Pick up work that was left behind: every few seconds by the supervisor, or by hand."""

from django.conf import settings

from judging.golden.acts import start_due_checks
from judging.golden.conclusions import conclude_forgotten_checks
from judging.judging_runs.finishing_current import finish_forgotten_current
from judging.judging_runs.stale_metrics import renew_forgotten_metrics
from judging.operations.retention import prune_search_evidence
from judging.records.roles import SYSTEM
from judging.runs.importing.interrupted import fail_interrupted_imports
from judging.trust.certificates import check_certificates
from judging.work.rescue import rescue_lanes


def rescue_all() -> int:
    """Queue stalled work, renew metrics, end interrupted imports, begin golden checks that are due, drop old evidence.

    Harmless at any moment. Return how many lanes were queued again.
    """
    rescued = rescue_lanes()
    finish_forgotten_current()
    renew_forgotten_metrics()
    fail_interrupted_imports()
    check_certificates()
    prune_search_evidence(actor=SYSTEM, older_than_days=settings.EVIDENCE_DAYS)
    conclude_forgotten_checks()
    start_due_checks(actor=SYSTEM)
    return rescued
