"""The evidence of searches: each exchange with an endpoint, compressed, for as long as a setting says."""

import zlib
from typing import Any

from judging.engines.answers import Exchange
from judging.foundation.limits import MAX_EVIDENCE_BYTES
from judging.models import SearchExchange


def exchange_row(item_id: int, exchange: Exchange) -> SearchExchange:
    """Return the row that keeps an exchange."""
    body = exchange.response_body[:MAX_EVIDENCE_BYTES]
    return SearchExchange(
        item_id=item_id,
        page=exchange.page,
        method=exchange.method,
        url=exchange.url,
        request_headers=exchange.headers,
        request_body=exchange.body,
        status=exchange.status,
        response_headers=exchange.response_headers,
        # Level 1: a tenth of the time of level 9 for nearly the same size, as answers repeat their keys.
        compressed_body=zlib.compress(body, 1) if body else b"",
        is_truncated=exchange.is_truncated or len(exchange.response_body) > MAX_EVIDENCE_BYTES,
        latency_ms=exchange.latency_ms,
        received_at=exchange.received_at,
    )


def body_of(row: SearchExchange) -> bytes:
    """Return the body of an answer as it was kept."""
    compressed: Any = row.compressed_body
    return zlib.decompress(bytes(compressed), bufsize=MAX_EVIDENCE_BYTES) if compressed else b""
