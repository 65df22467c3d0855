"""Ports for servers that must be told one before they start, or that come back on the one they had."""

import os
import random
import socket

# Below what systems give to outgoing connections (Linux from 32768, others from 49152): one of those, of any process,
# could take a port between the look and the start, or while its server is down.
# Each process takes from a part of them, so that two that look at the same moment find different ones.
_PART = 300
_FIRST = 20_000 + os.getpid() % 40 * _PART
_rng = random.SystemRandom()


def free_port() -> int:
    """Return a port that is free, and so is the next one, which the local judge takes."""
    while True:
        port = _FIRST + _rng.randrange(_PART)
        with socket.socket() as one, socket.socket() as two:
            try:
                one.bind(("127.0.0.1", port))
                two.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
