"""Background work driven inline: what a qcluster would do, in this process, one task after the other."""

import pydoc
from collections.abc import Callable
from typing import Any

from django_q.models import OrmQ

from judging.management.rescuing import rescue_all


def next_task() -> tuple[Callable[..., Any], tuple[Any, ...]] | None:
    """Take the oldest task off the queue."""
    row = OrmQ.objects.order_by("pk").first()
    if row is None:
        return None
    package = row.task
    row.delete()
    function = pydoc.locate(package["func"])
    assert callable(function), package["func"]
    return function, package["args"]


def drain(most: int = 500) -> int:
    """Run queued tasks until none is left; return how many ran."""
    for count in range(most):
        task = next_task()
        if task is None:
            return count
        function, arguments = task
        function(*arguments)
    raise AssertionError(f"the queue is not empty after {most} tasks")


def rescue_and_drain() -> None:
    """Do what another worker would with the work of one that was killed, as far as its leases have run out."""
    rescue_all()
    drain()
