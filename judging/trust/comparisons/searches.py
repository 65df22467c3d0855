"""What is known of the searches behind a run's lists. Runs were imported so far: none of theirs failed."""

from judging.models import EvaluationRun
from judging.statistics.tables import Integers, integers


def failed_queries(run: EvaluationRun) -> Integers:
    """Return the corpus's queries whose search failed in a run: their lists are not what the engine would answer."""
    del run
    return integers([])


def search_depth(run: EvaluationRun) -> int | None:
    """Return how deep a run's lists were asked for; None where nobody said, as of imported ones."""
    del run
    return None


def is_same_configuration(a: EvaluationRun, b: EvaluationRun) -> bool:
    """Tell whether two different runs asked the same engine the same: what differs is its own noise."""
    del a, b
    return False
