"""A request as a line for a shell."""

import re
import shlex
from typing import Protocol

from judging.engines.redaction import MARK


class Sent(Protocol):
    """A request with secrets blanked, such as an Exchange."""

    @property
    def method(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def headers(self) -> dict[str, str]: ...
    @property
    def body(self) -> str: ...


def curl_line(request: Sent, *, tls_verify: bool = True) -> str:
    """Write a request as one command. Secrets are variables, named after the header or parameter that they stand in."""
    # Without --globoff, curl would read brackets and braces in an address as patterns.
    words = ["curl", "--globoff", "--request", shlex.quote(request.method)]
    if not tls_verify:
        words.append("--insecure")
    words.append(_url(request.url))
    for name, value in request.headers.items():
        # curl drops a header without a value unless it ends in a semicolon.
        words += ["--header", _quoted(f"{name}: {value}" if value else f"{name};", _variable(name))]
    if request.body:
        words += ["--data-raw", _quoted(request.body, "SECRET")]
    return " ".join(words)


def _url(url: str) -> str:
    name = re.search(r"[?&]([^=&]*)=" + re.escape(MARK), url)
    return _quoted(url, _variable(name[1]) if name else "SECRET")


def _quoted(text: str, variable: str) -> str:
    parts = text.split(MARK)
    return f'"${variable}"'.join(shlex.quote(part) if part or len(parts) == 1 else "" for part in parts)


def _variable(name: str) -> str:
    word = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
    return word if word and not word[0].isdigit() else "SECRET"
