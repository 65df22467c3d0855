"""The evidence of searches: each exchange with an endpoint, compressed, for as long as a setting says."""

import zlib
from collections.abc import Sequence
from typing import Any

from judging.engines.answers import Exchange
from judging.foundation.columns import insert_rows
from judging.foundation.limits import MAX_EVIDENCE_BYTES
from judging.models import SearchExchange

_NAMES = (
    "item_id",
    "page",
    "method",
    "url",
    "request_headers",
    "request_body",
    "status",
    "response_headers",
    "compressed_body",
    "is_truncated",
    "latency_ms",
    "received_at",
)


def keep_exchanges(kept: Sequence[tuple[int, Exchange]]) -> None:
    """Keep the exchanges of searches, each with the key of its search."""
    insert_rows(SearchExchange, _NAMES, [_row(item_id, exchange) for item_id, exchange in kept])


def _row(item_id: int, exchange: Exchange) -> tuple[Any, ...]:
    body = exchange.response_body[:MAX_EVIDENCE_BYTES]
    return (
        item_id,
        exchange.page,
        exchange.method,
        exchange.url,
        exchange.headers,
        exchange.body,
        exchange.status,
        exchange.response_headers,
        # Level 1: a tenth of the time of level 9 for nearly the same size, as answers repeat their keys.
        zlib.compress(body, 1) if body else b"",
        exchange.is_truncated or len(exchange.response_body) > MAX_EVIDENCE_BYTES,
        exchange.latency_ms,
        exchange.received_at,
    )


def body_of(row: SearchExchange) -> bytes:
    """Return the body of an answer as it was kept."""
    compressed: Any = row.compressed_body
    return zlib.decompress(bytes(compressed), bufsize=MAX_EVIDENCE_BYTES) if compressed else b""
