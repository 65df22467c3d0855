"""The `stub` fixture: a provider on the loopback, in a thread of the test process; and the same as a process."""

import asyncio
import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port
from tests.stub.script import Script
from tests.stub.server import StubServer

_ROOT = Path(__file__).parents[2]


class Stub:
    """A handle on the stub in a thread."""

    def __init__(self, server: StubServer | None = None) -> None:
        self._server = server or StubServer()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="stub", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._server.start(), self._loop).result(60)

    def script(self, **fields: Any) -> None:
        """Behave from now on as Script(**fields) says; counters and connections stay."""
        script = Script(**fields)
        self._in_loop(lambda: self._server.behave(script))

    def reset(self) -> None:
        """Forget all calls and behave well."""
        self._in_loop(self._server.reset)

    def drop_connections(self) -> None:
        """Close all connections, those that wait for their next request too."""
        self._in_loop(self._server.drop_connections)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._server.stop(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    def _in_loop(self, function: Callable[[], None]) -> None:
        async def call() -> None:
            function()

        asyncio.run_coroutine_threadsafe(call(), self._loop).result(60)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}/v1"

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The last 500 calls: path, head (bytes), body, query, candidate_ids."""
        return list(self._server.requests)

    @property
    def calls(self) -> int:
        return self._server.calls

    @property
    def calls_by_port(self) -> dict[int, int]:
        """How many calls came from each port of a caller."""
        return dict(self._server.calls_by_port)

    @property
    def repeated_calls(self) -> int:
        """How many calls asked what an earlier one had asked."""
        return int(self._server.stats()["repeated_calls"])

    @property
    def faults(self) -> dict[str, int]:
        return dict(self._server.faults)

    @property
    def in_flight(self) -> int:
        return self._server.in_flight

    @property
    def max_in_flight(self) -> int:
        return self._server.max_in_flight

    @property
    def accepted_connections(self) -> int:
        return self._server.accepted_connections

    @property
    def last_call_at(self) -> float:
        """time.monotonic() of the newest call, 0 before the first."""
        return self._server.last_call_at

    @property
    def last_call_wall_at(self) -> float:
        return self._server.last_call_wall_at


class StubProcess:
    """The stub as a process of its own: for benches, and tests whose workers must not share a GIL with it.

    >>> with StubProcess("--delay-ms", "100") as stub: stub.base_url, stub.script(fault="401"), stub.stats()["calls"]
    """

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "tests.stub.server", "--port", str(free_port()), *arguments]
        self._process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def script(self, **fields: Any) -> None:
        self._control("script", fields)

    def reset(self) -> None:
        self._control("reset", {})

    def stats(self) -> dict[str, Any]:
        stats: dict[str, Any] = self._control("stats")
        return stats

    def requests(self) -> list[dict[str, Any]]:
        kept: list[dict[str, Any]] = self._control("requests")
        return kept

    def _control(self, name: str, fields: dict[str, Any] | None = None) -> Any:
        body = None if fields is None else json.dumps(fields).encode()
        with self._opener.open(f"http://127.0.0.1:{self.port}/_stub/{name}", data=body, timeout=60) as answer:
            return json.load(answer)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(60)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)
        if self._process.stdout:
            self._process.stdout.close()

    def __enter__(self) -> "StubProcess":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()


@pytest.fixture(scope="session")
def stub_server() -> Iterator[Stub]:
    server = Stub()
    yield server
    server.stop()


@pytest.fixture
def stub(stub_server: Stub) -> Stub:
    """A provider that behaves well until `stub.script(...)` says otherwise."""
    stub_server.reset()
    return stub_server
