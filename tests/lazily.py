"""Libraries that few tests compare with or send with, imported when the first of them does.

Each process of the tests reads every file of tests, so what stands at the top of one is paid for six times.
"""

from importlib import import_module
from typing import Any


class Lazily:
    """A module. `scipy_stats = Lazily("scipy.stats")` in place of `from scipy import stats`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_"):
            # pytest looks whether it is a fixture.
            raise AttributeError(attribute)
        return getattr(import_module(self._name), attribute)
