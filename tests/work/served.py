"""`manage.py serve` and its like as processes, with a data directory and a database of their own."""

import http.client
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.conf import settings

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
PROC = Path("/proc")
# Ten by design: children that have not ended after eight are killed. Here other tests share the machine.
ENDS_WITHIN = 40.0


@contextmanager
def new_database(directory: Path) -> Iterator[str]:
    """Yield the URL of a database without tables: a file in a directory, or one on the PostgreSQL of these tests."""
    if settings.IS_SQLITE:
        yield f"sqlite:///{directory / 'releval.sqlite3'}"
        return
    server = urlsplit(os.environ["DATABASE_URL"])
    name = f"served_{uuid.uuid4().hex}"
    with psycopg.connect(server.geturl(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield server._replace(path=f"/{name}").geturl()
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


class Served:
    """A `manage.py` command that serves."""

    def __init__(
        self,
        data_dir: Path,
        *command: str,
        database: str = "",
        port: int = 0,
        before_exec: Callable[[], None] | None = None,
        **environment: str,
    ) -> None:
        self.data_dir, self.port, self.log = data_dir, port or free_port(), data_dir / "output.log"
        self.database = database or f"sqlite:///{data_dir / 'releval.sqlite3'}"
        data_dir.mkdir(exist_ok=True)
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RELEVAL_", "DATABASE_URL", "PYTEST_"))
        }
        own = {
            "RELEVAL_DATA_DIR": str(data_dir),
            "DATABASE_URL": self.database,
            "PORT": str(self.port),
            # Collects no static files: a second or two of CPU each time.
            "RELEVAL_DEBUG": "1",
        }
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", *command],
                cwd=ROOT,
                env={**inherited, **own, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=before_exec,
            )

    def wait_for(self, condition: Callable[[], Any], seconds: float = 180) -> Any:
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < deadline, f"timed out; it said:\n{self.said()}"
            time.sleep(0.1)
        return found

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_until_ready(self) -> None:
        self.wait_for(lambda: re.search(" serves at |Running: ", self.said()) or self.process.poll() is not None)
        assert self.process.poll() is None, self.said()

    def processes(self) -> list[int]:
        """Return every living process with this data directory in its environment."""
        mark = f"RELEVAL_DATA_DIR={self.data_dir}\0".encode()
        found = []
        for entry in PROC.glob("[0-9]*"):
            try:
                is_ours = mark in (entry / "environ").read_bytes() + b"\0"
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except (OSError, IndexError):
                continue
            if is_ours and state not in "ZX":
                found.append(int(entry.name))
        return found

    def web(self) -> list[int]:
        """Return the processes of the web server, its master first."""
        found = []
        for process in self.processes():
            with suppress(OSError):
                if b"gunicorn" in (PROC / str(process) / "cmdline").read_bytes():
                    found.append(process)
        return sorted(found, key=lambda process: (os.getpgid(process) != process, process))

    def ask(self, path: str, *, token: str = "", body: dict[str, Any] | None = None) -> int:
        """Return the status that the web server answers with, 0 when the process that took the request died of it."""
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code
        except http.client.RemoteDisconnected:
            return 0

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        if self.database.startswith("sqlite"):
            with closing(sqlite3.connect(self.database.removeprefix("sqlite:///"))) as file:
                return file.execute(sql).fetchall()
        with psycopg.connect(self.database) as server:
            return server.execute(sql).fetchall()

    def workers(self) -> set[int]:
        return {int(name.rpartition(":")[2]) for (name,) in self.rows("SELECT worker FROM judging_workerheartbeat")}

    def end(self, number: signal.Signals) -> tuple[int, float]:
        """Send a signal to the supervisor alone; return its exit code and the seconds it took to end."""
        started = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(60), time.monotonic() - started

    def kill_what_is_left(self) -> None:
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(60)
