"""Bound how many threads of a web process wait for other services at once; the others stay free for everything else."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from judging.foundation.errors import Busy

_places = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 2))


@contextmanager
def waiting_for_a_service() -> Iterator[None]:
    """Take one of the slots, half of the process's threads. Raise Busy when all are taken."""
    if not _places.acquire(blocking=False):
        raise Busy("too many calls of other services are being waited for at once; try again in a few seconds")
    try:
        yield
    finally:
        _places.release()
