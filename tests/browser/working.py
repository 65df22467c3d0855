"""A worker beside the browser: takes tasks off the queue in a thread of the test process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections

from judging.models import WorkerHeartbeat
from judging.work import workers
from tests.draining import next_task


@contextmanager
def working() -> Iterator[None]:
    """Do what is queued until the block ends."""
    stopped = threading.Event()

    def work() -> None:
        try:
            workers.beat("browser-test")
            while not stopped.is_set():
                task = next_task()
                if task is None:
                    stopped.wait(0.05)
                else:
                    function, arguments = task
                    function(*arguments)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(60)
        WorkerHeartbeat.objects.all().delete()
        assert not thread.is_alive()
