from collections.abc import Iterator

import pytest

from judging.demo_search.server import Server
from tests.engines.scripted_engine import ScriptedEngine, engine_server
from tests.search.runs.searching import engine

__all__ = ["engine_server"]


@pytest.fixture
def search_engine() -> Iterator[Server]:
    with engine() as server:
        yield server


@pytest.fixture
def scripted(engine_server: ScriptedEngine) -> ScriptedEngine:
    """An engine that answers as it is told, in the shape that the mapping of `api` reads."""
    engine_server.reset()
    return engine_server
