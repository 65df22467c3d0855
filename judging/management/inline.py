"""Work on a job in the process of a command, where no worker runs."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from django.db import connections

from judging.management.progress import follow
from judging.management.rescuing import rescue_all
from judging.models import JudgeJob
from judging.work.slices import work_slice

POLL_SECONDS = 0.5


def work_inline(job: JudgeJob, out: Any) -> None:
    """Work on a job's lanes one slice after the other until it has ended, and show how far it is."""
    is_ended, stop_requested = threading.Event(), threading.Event()

    def current() -> JudgeJob:
        return type(job)._default_manager.get(pk=job.pk)

    def show() -> None:
        follow(current(), out, tick=lambda: not is_ended.wait(POLL_SECONDS))
        connections.close_all()

    watcher = threading.Thread(target=show, name="progress")
    watcher.start()
    try:
        while not stop_requested.is_set() and current().is_active:
            lane = job.lanes.filter(is_done=False).order_by("enqueued_at").first()
            if lane is None:
                rescue_all()
            else:
                with _interrupting_slice(stop_requested):
                    work_slice(lane.pk)
            time.sleep(0.05)  # a worker may hold the lane
    except (KeyboardInterrupt, SystemExit):
        pass  # interrupted: the slice has given back what it held
    finally:
        is_ended.set()
        watcher.join()


@contextmanager
def _interrupting_slice(stop_requested: threading.Event) -> Iterator[None]:
    """Make Ctrl-C end a slice as SIGTERM does: it gives back what it holds, then ends."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    def end(number: int, frame: FrameType | None) -> None:
        stop_requested.set()
        signal.raise_signal(signal.SIGTERM)

    # While it calls the provider, the slice has a SIGTERM handler of its own.
    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, interrupt)}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
