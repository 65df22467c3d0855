"""What checks of golden sets came to, in words."""

from judging.models import CheckOutcome, GoldenCheck
from judging.statistics.drift import ALARM_AT

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
    moved = f"{changed}; {_shift(check.shift or 0.0)} than at the baseline, {_sigmas(check.z)} of chance"
    if check.outcome == CheckOutcome.ALARM:
        return f"{moved}. More than {ALARM_AT:.0f} are an alarm."
    if check.outcome == CheckOutcome.WATCH:
        return f"{moved}. Small shifts the same way have added up over several checks."
    return f"{moved}."


def _shift(shift: float) -> str:
    """Say by how many steps of the scale grades have moved, and which way."""
    size = f"{abs(shift):.2f}"
    if float(size) == 0:
        return "on average no higher and no lower"
    return f"on average {size} grades {'higher' if shift > 0 else 'lower'}"


def _sigmas(z: float) -> str:
    return f"{abs(z):.1f} standard deviations"
