"""A search engine that answers as it is told, on the server of the stub provider."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.stub.fixtures import Stub
from tests.stub.script import Answer, Script
from tests.stub.server import StubServer, headers_of


@dataclass(frozen=True)
class Received:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query_string(self) -> str:
        return self.target.partition("?")[2]


class _Server(StubServer):
    def reset(self, script: Script | None = None) -> None:
        super().reset(script)
        self.received: list[Received] = []
        self.plan: Callable[[Received], Answer] = lambda _: hits()

    def respond(self, head: bytes, body: bytes) -> tuple[Answer, bool]:
        method, target = head.decode("latin-1").split(" ", 2)[:2]
        request = Received(method, target, headers_of(head), body)
        self.received.append(request)
        return self.plan(request), True


class ScriptedEngine(Stub):
    """A handle on the engine in a thread."""

    def __init__(self) -> None:
        self._engine = _Server()
        super().__init__(self._engine)

    def answers(self, *answers: Answer) -> None:
        """Answer from now on with these, one after the other; the last one again and again."""
        left = list(answers)
        self.acts(lambda _: left.pop(0) if len(left) > 1 else left[0])

    def acts(self, plan: Callable[[Received], Answer]) -> None:
        self._in_loop(lambda: setattr(self._engine, "plan", plan))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._engine.port}"

    @property
    def received(self) -> list[Received]:
        return list(self._engine.received)


def hits(*keys: str, total: int | None = None, **more: Any) -> Answer:
    """Answer in the shape that the mapping of `api` reads."""
    results = [{"id": key, "title": f"Title {key}"} for key in keys]
    return Answer(
        body=json.dumps({"total": len(keys) if total is None else total, "results": results, **more}).encode()
    )


@pytest.fixture(scope="session")
def engine_server() -> Iterator[ScriptedEngine]:
    server = ScriptedEngine()
    yield server
    server.stop()


@pytest.fixture
def engine(engine_server: ScriptedEngine) -> ScriptedEngine:
    """An engine that finds nothing until it is told what to answer."""
    engine_server.reset()
    return engine_server
