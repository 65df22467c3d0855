"""What checks of golden sets came to, in words."""

from judging.models import CheckOutcome, GoldenCheck
from judging.statistics.drift import ALARM_AT
from judging.trust.figure_words import signed_number

LOOKS = {
    CheckOutcome.BASELINE: "neutral",
    CheckOutcome.QUIET: "success",
    CheckOutcome.WATCH: "warning",
    CheckOutcome.ALARM: "danger",
    CheckOutcome.MODEL_CHANGED: "warning",
    CheckOutcome.INCOMPLETE: "neutral",
}


def check_words(check: GoldenCheck) -> str:
    """Say in a sentence or two what a check came to, or what a baseline is for."""
    if check.is_active:
        return "Under way."
    if check.outcome == CheckOutcome.BASELINE:
        return f"{check.get_baseline_reason_display()}: four judgings that checks are compared with."
    if check.outcome == CheckOutcome.MODEL_CHANGED:
        return (
            "The service names another model than at the baseline, so the two are not compared. A new baseline begins."
        )
    if check.outcome == CheckOutcome.INCOMPLETE:
        wanted = "Four judgings with a grade for nine documents in ten" if check.is_baseline else "Nine answers in ten"
        return f"{wanted} are needed; a call that failed is no grade. Nothing is said of the judge."
    changed = f"{check.flip_count} of {check.compared_count} grades changed"
    if check.z is None:
        steady = "The judge graded alike four times, so any change is drift."
        return f"{changed}. {steady}" if check.flip_count else f"{changed}."
    moved = f"{changed}; on average {signed_number(check.shift or 0.0, 2)}, {_sigmas(check.z)}"
    if check.outcome == CheckOutcome.ALARM:
        return f"{moved}. More than {ALARM_AT:.0f} are an alarm."
    if check.outcome == CheckOutcome.WATCH:
        return f"{moved}. Small shifts the same way have added up over several checks."
    return f"{moved}."


def _sigmas(z: float) -> str:
    return f"{abs(z):.1f} standard deviations"
