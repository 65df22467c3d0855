"""Pick up work that was left behind: every few seconds by the supervisor, or by hand."""

from django.conf import settings

from judging.judging_runs.finishing_current import finish_forgotten_current
from judging.judging_runs.stale_metrics import renew_forgotten_metrics
from judging.operations.retention import prune_search_evidence
from judging.records.roles import SYSTEM
from judging.runs.importing.interrupted import fail_interrupted_imports
from judging.trust.certificates import check_certificates
from judging.work.rescue import rescue_lanes


def rescue_all() -> int:
    """Queue stalled work, renew forgotten metrics, end interrupted imports, drop old evidence; return how many lanes were queued.

    Harmless at any moment.
    """
    rescued = rescue_lanes()
    finish_forgotten_current()
    renew_forgotten_metrics()
    fail_interrupted_imports()
    check_certificates()
    prune_search_evidence(actor=SYSTEM, older_than_days=settings.EVIDENCE_DAYS)
    return rescued
