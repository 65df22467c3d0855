"""A real qcluster on the test database, in a process group of its own."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from releval.process_groups import end_groups

_ROOT = Path(__file__).parents[2]


class Cluster:
    """`with Cluster(): …`. Kill it with `kill()`, or one of its processes."""

    def __init__(self, workers: int = 2) -> None:
        environment = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "RELEVAL_WORKERS": str(workers),
            "RELEVAL_DATA_DIR": str(settings.DATA_DIR),
            "RELEVAL_LOG_LEVEL": "WARNING",
        }
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "worker"],
            cwd=_ROOT,
            env=environment,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        """SIGKILL every process of the cluster at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(60)

    def terminate(self) -> None:
        """End every process of the cluster as the supervisor does."""
        assert not end_groups([self.process.pid], kill_after=4)

    def processes(self) -> list[int]:
        """Return the ids of the group's processes that are alive."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except (OSError, IndexError):
                continue
            if int(fields[2]) == self.process.pid and fields[0] != "Z":
                found.append(int(entry.name))
        return sorted(found)

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *error: Any) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            self.process.wait(60)


def database_url() -> str:
    config = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{config['NAME']}"
    return (
        f"postgres://{config['USER']}:{config['PASSWORD']}@{config['HOST'] or 'localhost'}:{config['PORT'] or 5432}"
        f"/{config['NAME']}"
    )
