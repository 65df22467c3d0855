"""What comparisons have read of runs and need again at the next click: a few tables of numbers, in this process.

A key names the state of the runs that its value was made from; what has changed since is not found, and read anew.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

from judging.models import EvaluationRun

V = TypeVar("V")

# Tables by query: a megabyte or two each for runs of 10,000 queries.
_MOST = 24

_known: OrderedDict[Hashable, Any] = OrderedDict()
_lock = Lock()


def remembered(key: Hashable, make: Callable[[], V]) -> V:
    """Return what `make` made for this key before, or has it made. The value is shared: nobody changes it."""
    with _lock:
        if key in _known:
            _known.move_to_end(key)
            found: V = _known[key]
            return found
    # Not under the lock: two who ask at once both read it, and nobody waits for another's runs.
    made = make()
    with _lock:
        _known[key] = made
        while len(_known) > _MOST:
            _known.popitem(last=False)
    return made


def lists_of(run: EvaluationRun) -> Hashable:
    """Name the state of a run's queries and ranked lists."""
    return run.pk, run.status, run.completed_at, run.written_at, run.query_count, run.candidate_count


def grades_of(run: EvaluationRun) -> Hashable:
    """Name the state of a run's lists, of the grades that count for it, and of what was computed from them."""
    stands = (run.is_locked, run.locked_at, run.judgments_at, run.metrics_at, run.judged_count)
    return lists_of(run), run.scale, run.relevant_from, tuple(run.metrics), stands
