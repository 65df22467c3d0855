"""What an answer with an error status means for the search, and what it says."""

import contextlib
import json
import re
from collections.abc import Mapping
from typing import Any

from judging.engines.answers import SearchFailed
from judging.engines.redaction import Redaction
from judging.foundation.answers import Fault
from judging.foundation.text import clean_text
from judging.providers.failures import retry_after_of

# What a judging run fails with, too, when its provider refuses the key.
AUTHENTICATION = "authentication"
_MAX_SAID = 500
_TROUBLE = frozenset({502, 503, 504})
_HOST = re.compile(r"https?://(?:[^/?#@]*@)?([A-Za-z0-9.\-:\[\]]{1,200})")


def refused(status: int | None, headers: Mapping[str, str], said: str) -> SearchFailed:
    """Return the failure. Header names in lower case; `said` holds no secret. None: the status tells nothing."""
    words = f": {said}" if said else "."
    if status is None:
        return SearchFailed("invalid_response", said, Fault.RUN)
    if status == 429:
        return SearchFailed(
            "rate_limited",
            f"The engine limits the rate of requests (HTTP 429){words}",
            Fault.TRANSIENT,
            retry_after=retry_after_of(headers),
        )
    if status in _TROUBLE:
        return SearchFailed(
            "http_status",
            f"The engine has trouble (HTTP {status}){words}",
            Fault.TRANSIENT,
            retry_after=retry_after_of(headers),
        )
    if status in (401, 403):
        message = f"Authentication refused: the engine refuses the credentials (HTTP {status}){words}"
        return SearchFailed("http_status", message, Fault.RUN, code_of_run=AUTHENTICATION)
    if 300 <= status < 400:
        host = _HOST.match(headers.get("location", ""))
        where = f" to {host[1]}" if host else ""
        return SearchFailed("http_status", f"The address leads elsewhere{where} (HTTP {status}): enter where it leads.")
    return SearchFailed("http_status", f"The engine answered HTTP {status}{words}")


def said_in(content: bytes, redaction: Redaction) -> str:
    """Return what a body says, in one line of at most 500 characters and without secrets."""
    text = content[:100_000].decode("utf-8", "replace")
    if re.match(r"\s*<", text):
        title = re.search(r"<title[^>]*>([^<]{1,200})", text, re.IGNORECASE)
        text = f"a web page titled {title[1].strip()!r}" if title else "a web page"
    else:
        with contextlib.suppress(ValueError, RecursionError):
            text = _message_in(json.loads(text)) or text
    text = re.sub(r"[\s\x00-\x1f\x7f]+", " ", redaction.text(clean_text(text))).strip()
    return text if len(text) <= _MAX_SAID else f"{text[: _MAX_SAID - 1]}…"


def _message_in(value: Any, depth: int = 3) -> str:
    """Find the message: Elasticsearch's error.reason, Solr's error.msg, Vespa's root.errors, a plain message."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and depth:
        return _message_in(value[0], depth - 1)
    if isinstance(value, dict) and depth:
        for name in ("error", "reason", "message", "msg", "detail", "errors", "root"):
            if found := _message_in(value.get(name), depth - 1):
                return found
    return ""
