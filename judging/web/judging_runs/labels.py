"""What judging runs are called where one of many is chosen."""

from judging.models import JudgingRun


def judging_run_label(run: JudgingRun) -> str:
    """Name a judging run so that it can be told from others of its judge."""
    trial = ", trial" if run.trial else ""
    return f"{run.judge_version.label}{trial}, {run.evaluation_run.name}, {run.created_at:%Y-%m-%d %H:%M}"
