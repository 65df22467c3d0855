"""Secrets taken out of what is kept and shown, in every spelling that they come in."""

import html
import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

MARK = "[secret]"
# Nothing shorter is a secret, and taking it out would only garble texts.
_SHORTEST = 4
# Headers that carry credentials, also where people typed them among the plain ones.
_SECRET_HEADER = re.compile(
    r"(?i)(proxy-)?authorization|cookie|set-cookie|x-amz-security-token|.*(api-?key|secret|token|password).*"
)
_SECRET_PARAMETER = re.compile(r"(?i)(?<=[?&])([^=&#]*(?:api[-_]?key|secret|token|password|signature)[^=&#]*=)[^&#]*")


class Redaction:
    """Takes given secrets out of texts and bytes."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = tuple(dict.fromkeys(secret for secret in secrets if len(secret) >= _SHORTEST))
        spellings = {spelling for secret in self._secrets for spelling in _spellings(secret)}
        # The longest first: a shorter one may be part of it.
        self._texts = sorted(spellings, key=len, reverse=True)
        self._bytes = [text.encode("utf-8") for text in self._texts]

    def with_more(self, secrets: Iterable[str]) -> "Redaction":
        """Return one that knows more secrets. Of tokens that come and go, the newest hundred are enough."""
        return Redaction([*self._secrets[:10], *self._secrets[10:][-90:], *secrets])

    def text(self, text: str) -> str:
        for secret in self._texts:
            text = text.replace(secret, MARK)
        return text

    def content(self, content: bytes) -> bytes:
        for secret in self._bytes:
            content = content.replace(secret, b"[secret]")
        return content

    def url(self, url: str) -> str:
        """Blank secrets in an address, and every parameter that is named like one."""
        return _SECRET_PARAMETER.sub(rf"\1{MARK}", self.text(url))

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Blank secrets in headers, and every header that is named like one."""
        return {name: MARK if _SECRET_HEADER.fullmatch(name) else self.text(value) for name, value in headers.items()}


def _spellings(secret: str) -> set[str]:
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1].replace("/", "\\/"),
        html.escape(secret),
        quote(secret, safe=""),
        quote(secret, safe="/"),
        quote_plus(secret),
    }
