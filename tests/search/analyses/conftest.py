from collections.abc import Iterator

import pytest

from judging.demo_search.server import Server
from tests.search.runs.searching import engine


@pytest.fixture
def search_engine() -> Iterator[Server]:
    with engine() as server:
        yield server
