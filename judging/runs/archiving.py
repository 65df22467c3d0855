"""Archive evaluations and runs: out of the lists and choices, everything kept."""

from judging.models import Evaluation, EvaluationRun
from judging.records.lists.archiving import set_archived
from judging.records.roles import Actor


def archive_run(*, actor: Actor, run: EvaluationRun) -> EvaluationRun:
    """Take a run out of the lists; what is under way on it goes on, nothing new starts. Raise Forbidden."""
    return set_archived(run, actor=actor, is_archived=True)


def restore_run(*, actor: Actor, run: EvaluationRun) -> EvaluationRun:
    """Put an archived run back into the lists. Raise Forbidden."""
    return set_archived(run, actor=actor, is_archived=False)


def archive_evaluation(*, actor: Actor, evaluation: Evaluation) -> Evaluation:
    """Take an evaluation and with it all of its runs out of the lists; nothing new starts in it. Raise Forbidden."""
    return set_archived(evaluation, actor=actor, is_archived=True)


def restore_evaluation(*, actor: Actor, evaluation: Evaluation) -> Evaluation:
    """Put an archived evaluation back into the lists; runs that were archived by themselves stay so. Raise Forbidden."""
    return set_archived(evaluation, actor=actor, is_archived=False)
