"""Ports for servers that must be told one before they start, or that come back on the one they had."""

import itertools
import os
import random
import socket
from collections.abc import Iterator
from functools import cache

# Below what systems give to outgoing connections (Linux from 32768, others from 49152): one of those, of any process,
# could take a port between the look and the start, or while its server is down.
_FIRST, _PART, _PARTS = 20_000, 300, 40
# A server's own, the local judge's, the demo's search.
_TOGETHER = 3


def free_port() -> int:
    """Return a port that is free, and so are the next two, which the local judge and the demo's search take."""
    return next(port for port in _own_ports() if all(_is_free(port + place) for place in range(_TOGETHER)))


@cache
def _own_ports() -> Iterator[int]:
    """Return the ports of this process's own part in turn: one that was given out may not be listened at yet.

    Holding the first port of a part makes it this process's, or two would look at the same moment and find the same.
    """
    for number in range(_PARTS):
        first = _FIRST + (os.getpid() + number) % _PARTS * _PART
        if claim := _bound(first):
            _claims.append(claim)
            starts = list(range(first + 1, first + _PART - _TOGETHER, _TOGETHER))
            random.SystemRandom().shuffle(starts)
            return itertools.cycle(starts)
    raise RuntimeError("all parts of the ports are taken")


# Until the process ends.
_claims: list[socket.socket] = []


def _is_free(port: int) -> bool:
    if taken := _bound(port):
        taken.close()
    return taken is not None


def _bound(port: int) -> socket.socket | None:
    bound = socket.socket()
    try:
        bound.bind(("127.0.0.1", port))
    except OSError:
        bound.close()
        return None
    return bound
