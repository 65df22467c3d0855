"""What archived evaluations and runs are left out of."""

from django.db.models import Q

from judging.foundation.errors import Conflict
from judging.models import Evaluation, EvaluationRun

# Of runs: neither they nor their evaluations are archived.
IN_USE = Q(archived_at=None, evaluation__archived_at=None)


def check_in_use(subject: EvaluationRun | Evaluation) -> None:
    """Raise Conflict (archived) where nothing new may start: on an archived run, or in an archived evaluation."""
    evaluation = subject
    if isinstance(subject, EvaluationRun):
        if subject.archived_at is not None:
            raise Conflict("the evaluation run is archived; restore it first", code="archived")
        evaluation = subject.evaluation
    if evaluation.archived_at is not None:
        raise Conflict("the evaluation is archived; restore it first", code="archived")
