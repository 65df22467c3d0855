"""What is done every few seconds about whatever was left behind: by the supervisor, or by hand."""

from judging.judging_runs.stale_metrics import renew_forgotten_metrics
from judging.runs.importing.interrupted import fail_interrupted_imports
from judging.work.rescue import rescue_lanes


def rescue_all() -> int:
    """Set work going again, renew forgotten metrics, end interrupted imports; return how many lanes were queued.

    Harmless at any moment.
    """
    rescued = rescue_lanes()
    renew_forgotten_metrics()
    fail_interrupted_imports()
    return rescued
