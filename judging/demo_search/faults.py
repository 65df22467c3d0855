"""Misbehave on purpose: which fault meets which request, repeatable by its seed."""

import random
import threading
from dataclasses import dataclass, field
from typing import Any

RATED = (
    "401", "429", "429-silent", "500", "500-burst", "html", "broken-json", "cut", "repeated-ids", "null-ids", "huge", "drip",
)  # fmt: skip
MAX_LATENCY_MS = 60_000
BURST_LENGTH = 10


class BadFault(ValueError):
    """A fault that can't be read. The message is one line."""


@dataclass
class Faults:
    """Latency in ms for every search, and at most one further fault, drawn by its rate (0 to 1).

    A `500-burst` drawn lasts for the next searches, too, `BURST_LENGTH` in all.
    """

    rates: dict[str, float] = field(default_factory=dict)
    latency_ms: float = 0
    seed: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._lock = threading.Lock()
        self._left_of_burst = 0

    def draw(self) -> str | None:
        with self._lock:
            if self._left_of_burst:
                self._left_of_burst -= 1
                return "500-burst"
            point = self._random.random()
            for name, rate in self.rates.items():
                if point < rate:
                    self._left_of_burst = BURST_LENGTH - 1 if name == "500-burst" else 0
                    return name
                point -= rate
        return None


def read_faults(text: str, *, seed: int = 0) -> Faults:
    """Read e.g. `500:0.2,latency:50`. Raise BadFault."""
    rates: dict[str, float] = {}
    latency = 0.0
    for part in filter(None, text.split(",")):
        name, _, stated = part.strip().partition(":")
        try:
            value = float(stated or "1")
        except ValueError:
            raise BadFault(f"{part[:50]}: a fault is NAME:NUMBER") from None
        if name == "latency" and 0 <= value <= MAX_LATENCY_MS:
            latency = value
        elif name in RATED and 0 <= value <= 1:
            rates[name] = value
        else:
            raise BadFault(f"{part[:50]}: there are latency:MILLISECONDS and, with a rate to 1, {', '.join(RATED)}")
    if sum(rates.values()) > 1 + 1e-9:
        raise BadFault("The rates add up to more than 1")
    return Faults(rates, latency, seed)


def break_rows(rows: list[dict[str, Any]], key: str, fault: str | None) -> None:
    """Give the rows of an answer repeated or null ids, in place."""
    if rows and fault in ("null-ids", "repeated-ids"):
        same = rows[0][key] if fault == "repeated-ids" else None
        for row in rows:
            row[key] = same
