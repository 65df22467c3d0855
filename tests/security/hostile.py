"""Text that does something wherever it is taken for more than text, and what sees that it does nothing."""

import html
import re
from html.parser import HTMLParser

MARK = "pwned"
HOSTILE = f""" <script {MARK}>alert(1)</script>"'><img {MARK} src=x onerror=alert(1)></textarea></title>{{{{7*7}}}}{{% now 'Y' %}} ‮"""
KEYS = [f"d{number}{HOSTILE}" for number in (1, 2)]


def graded(key: str, reasoning: str) -> str:
    """Return what a model replies of a document."""
    return f'<candidate id="{html.escape(key)}"><grade>1</grade><reasoning>{html.escape(reasoning)}</reasoning></candidate>'


class Inspector(HTMLParser):
    """Notes what in a page could run: elements that the hostile text made, handlers, scripts, addresses that run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        shown = f"<{tag} {attrs}>"
        if MARK in names or any(name.startswith("on") or name in ("style", "srcdoc") for name in names):
            self.found.append(shown)
        if tag in ("script", "style", "iframe", "object", "embed") and "src" not in names:
            self.found.append(shown)
        for name, value in attrs:
            if name in ("href", "src", "action", "formaction", "hx-get", "hx-post") and re.match(
                r"\s*(javascript|vbscript|data:(?!image/))", value or "", re.IGNORECASE
            ):
                self.found.append(shown)


def assert_inert(page: str, where: object) -> bool:
    """Check that nothing in a page could run; tell whether the hostile text stands in it."""
    inspector = Inspector()
    inspector.feed(page)
    assert inspector.found == [], where
    assert len(page) < 1_500_000, where
    unescaped = html.unescape(page)
    is_shown = "{{7*7}}" in unescaped
    assert is_shown or "49{% now" not in unescaped, where
    return is_shown
