"""Waiting for the signal that tells a serving command to end."""

import signal
import socket
from types import TracebackType
from typing import Self


class StopSignals:
    """Waits for SIGTERM or SIGINT, whichever thread the system delivers it to.

    Signals blocked in this thread go to one that a library has started before, and end the process there. So they are
    caught, and the handler in C, which runs in any thread, writes to a socket that `wait` reads: it can't be missed.
    """

    def __enter__(self) -> Self:
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._earlier_fd = signal.set_wakeup_fd(self._writer.fileno())
        self._earlier = {number: signal.signal(number, _note) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def wait(self) -> None:
        self._reader.recv(1)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._earlier_fd)
        self._reader.close()
        self._writer.close()


def _note(number: int, frame: object) -> None:
    """Do nothing: the socket tells."""
