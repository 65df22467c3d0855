"""Lanes: the shares of a job's concurrency that processes work on."""

from typing import Any

from judging.foundation.clock import shared_now
from judging.models import Lane

MAX_LANES = 4
LANE_CONCURRENCY = 32


def make_lanes(concurrency: int, **owner: Any) -> list[Lane]:
    """Make the lanes of a judging run or batch (`owner`, as a field of Lane) that share its concurrency."""
    count = min(MAX_LANES, -(-concurrency // LANE_CONCURRENCY))
    share, rest = divmod(concurrency, count)
    now = shared_now()
    return Lane.objects.bulk_create(
        [
            Lane(number=number, concurrency=share + (1 if number < rest else 0), enqueued_at=now, **owner)
            for number in range(count)
        ]
    )
