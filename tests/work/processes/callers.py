"""Who calls the stub: whose connection it is tells which process, and so which host."""

import os
from pathlib import Path

from tests.stub.fixtures import Stub
from tests.work.cluster import Cluster


class Callers:
    """Counts the stub's calls by the cluster whose process holds the connection; `look()` while connections are open."""

    def __init__(self, stub: Stub, *clusters: Cluster) -> None:
        self._stub, self._clusters = stub, clusters
        self._cluster_of: dict[int, int] = {}

    def look(self) -> None:
        ports = _ports_by_inode()
        for number, cluster in enumerate(self._clusters):
            for process in cluster.processes():
                for inode in _sockets(process):
                    if inode in ports:
                        self._cluster_of[ports[inode]] = number

    def shares(self) -> list[float]:
        """Return the part of all calls that each cluster made."""
        counts = [0] * len(self._clusters)
        for port, calls in self._stub.calls_by_port.items():
            if port in self._cluster_of:
                counts[self._cluster_of[port]] += calls
        return [count / self._stub.calls for count in counts]


def _ports_by_inode() -> dict[str, int]:
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[9]: int(row[1].rpartition(":")[2], 16) for row in rows}


def _sockets(process: int) -> list[str]:
    found = []
    try:
        for link in Path(f"/proc/{process}/fd").iterdir():
            target = os.readlink(link)
            if target.startswith("socket:["):
                found.append(target[8:-1])
    except OSError:
        pass  # it has ended, or closed the file a moment ago
    return found
