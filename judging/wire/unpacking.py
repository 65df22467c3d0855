"""Bodies of replies that a gateway compressed, unpacked up to a bound."""

import zlib
from collections.abc import Sequence

# gzip and zlib by their headers, then deflate without one, as some servers send it.
_WINDOWS = {"gzip": (47,), "x-gzip": (47,), "deflate": (47, -15)}
_MOST_LAYERS = 2
_MOST_MEMBERS = 100


class UnusableReply(Exception):
    """The body of a reply is too large, or can't be unpacked. The message is for people."""

    def __init__(self, message: str, *, is_too_large: bool = False) -> None:
        super().__init__(message)
        self.is_too_large = is_too_large


def size_words(size: int) -> str:
    return f"{size / 1_000_000:g} MB" if size >= 100_000 else f"{size:,} bytes"


def unpacked(body: bytes, encodings: Sequence[str], *, limit: int) -> bytes:
    """Undo the encodings of a body, the last one first. Raise UnusableReply: over the limit, unknown or broken."""
    if len(encodings) > _MOST_LAYERS:
        raise UnusableReply("the reply is compressed many times over")
    for encoding in reversed(encodings):
        if encoding not in _WINDOWS:
            raise UnusableReply(f"the reply is compressed with {encoding[:20]!r}, which was not asked for")
        # An empty body is often labelled, too.
        body = _inflated(body, _WINDOWS[encoding], limit) if body else body
    return body


def _inflated(body: bytes, windows: Sequence[int], limit: int) -> bytes:
    for window in windows:
        try:
            return _inflate(body, window, limit)
        except zlib.error:
            continue
    raise UnusableReply("the reply says that it is compressed, but can't be unpacked")


def _inflate(body: bytes, window: int, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    # A gzip file may have several members.
    while body:
        if len(parts) == _MOST_MEMBERS:
            raise UnusableReply(f"the reply is compressed in more than {_MOST_MEMBERS} pieces")
        unpacker = zlib.decompressobj(window)
        part = unpacker.decompress(body, limit - size + 1)
        size += len(part)
        if size > limit:
            raise UnusableReply(f"the reply is larger than {size_words(limit)} when unpacked", is_too_large=True)
        parts.append(part)
        if not unpacker.eof:
            raise zlib.error("the end is missing")
        body = unpacker.unused_data.lstrip(b"\0")
    return b"".join(parts)
