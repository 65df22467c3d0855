"""How fast to ask: concurrency that adapts to rate limits, and the delay before a retry. Pure."""

import random
from collections import deque
from collections.abc import Sequence

_LEAST_WINDOW = 20
_TOLERATED_SHARE = 0.25
_DECREASE = 0.7

_BASE_SECONDS = 0.5
_LONGEST_SECONDS = 60.0
_LONGEST_RETRY_AFTER = 120.0
_RETRY_AFTER_JITTER = 0.1


class AdaptiveConcurrency:
    """How many calls may be in flight: x 0.7 when more than 25 % of the recent replies were 429, +1 per clean round.

    Recent are the last max(20, current) replies, a round is `current` of them. After a decrease the replies to calls
    that were in flight say nothing about the new pace, so they count for nothing: at most one decrease per round.
    `start` is the value that an earlier slice had reached.
    """

    def __init__(self, limit: int, *, start: int | None = None) -> None:
        if limit < 1:
            raise ValueError("the limit must be at least 1")
        self.limit = limit
        self.current = min(limit, max(1, start or limit))
        self._recent: deque[bool] = deque()
        self._recent_limited = 0
        self._clean_count = 0
        self._stale_count = 0

    def note(self, *, rate_limited: bool) -> None:
        """Note a reply: whether it was a 429."""
        if self._stale_count:
            self._stale_count -= 1
            return
        self._recent.append(rate_limited)
        self._recent_limited += rate_limited
        window = max(_LEAST_WINDOW, self.current)
        while len(self._recent) > window:
            self._recent_limited -= self._recent.popleft()
        self._clean_count = 0 if rate_limited else self._clean_count + 1
        if len(self._recent) >= window and self._recent_limited > _TOLERATED_SHARE * len(self._recent):
            self._decrease()
        elif self._clean_count >= self.current and self.current < self.limit:
            self.current += 1
            self._clean_count = 0

    def _decrease(self) -> None:
        # This reply's call has ended; the other calls of the round are still in flight.
        self._stale_count = self.current - 1
        self.current = max(1, int(self.current * _DECREASE))
        self._recent.clear()
        self._recent_limited = self._clean_count = 0


def fair_shares(limit: int, wanted: Sequence[int]) -> list[int]:
    """Divide a limit among those who want parts of it: nobody gets more than wanted, nor more than others who want more.

    What does not divide goes to the first (max-min fairness in whole numbers).
    """
    shares = [0] * len(wanted)
    unsatisfied = [index for index, want in enumerate(wanted) if want > 0]
    while limit and unsatisfied:
        each = min(limit // len(unsatisfied), min(wanted[index] - shares[index] for index in unsatisfied))
        for index in unsatisfied if each else unsatisfied[:limit]:
            shares[index] += each or 1
            limit -= each or 1
        unsatisfied = [index for index in unsatisfied if shares[index] < wanted[index]]
    return shares


def backoff(attempt: int, *, rng: random.Random, retry_after: float | None = None) -> float:
    """Return how many seconds to wait after the failure of attempt (from 1).

    Full jitter over 0.5 s doubled per attempt, at most 60 s. What the provider asked for (`retry_after`, s) counts
    instead, up to 120 s, with up to 0.1 s more, so that calls refused together are not retried together.
    """
    if retry_after is not None:
        return min(max(retry_after, 0.0), _LONGEST_RETRY_AFTER) + rng.uniform(0.0, _RETRY_AFTER_JITTER)
    doublings = min(max(attempt - 1, 0), 10)
    return rng.uniform(0.0, min(_LONGEST_SECONDS, _BASE_SECONDS * 2**doublings))
