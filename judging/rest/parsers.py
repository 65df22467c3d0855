"""What is taken in: JSON that the database and the code behind can hold."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

MAX_DEPTH = 100
# More digits than any float has; int() takes time that grows with their square.
_MAX_DIGITS = 300


class TooLarge(APIException):
    status_code = 413
    default_code = "too_large"
    default_detail = "The body is too large."


class LengthRequired(APIException):
    """WSGI knows no body without a length: it would be read as an empty one, and a change as no change."""

    status_code = 411
    default_code = "length_required"
    default_detail = "Send the body with a Content-Length, not in chunks."


class StrictJSONParser(BaseParser):
    """Parse JSON as RFC 8259 has it, in UTF-8: no NaN, no null characters, no lone surrogates, no bottomless nesting."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body = stream.read(settings.MAX_JSON_BYTES + 1)
        if len(body) > settings.MAX_JSON_BYTES:
            raise TooLarge(f"A JSON body has at most {settings.MAX_JSON_BYTES} bytes.")
        try:
            value = json.loads(
                body.decode("utf-8-sig"), parse_constant=_no_constant, parse_float=_float, parse_int=_int
            )
        except UnicodeDecodeError:
            raise ParseError("The body is not valid UTF-8.") from None
        except RecursionError:
            raise ParseError("The body is nested too deeply.") from None
        except ValueError as error:
            raise ParseError(f"The body is not valid JSON: {error}") from None
        _check(value, has_escapes=b"\\u" in body)
        return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"the number {digits[:40]} is too large")
    return value


def _int(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError(f"the number {digits[:40]}… is too large")
    return int(digits)


def _check(value: Any, *, has_escapes: bool) -> None:
    """Raise ParseError for nesting beyond MAX_DEPTH and for text that a database refuses.

    Such text can only come through escapes: raw null characters are no JSON, raw surrogates no UTF-8.
    """
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
                if has_escapes:
                    below.extend(item)
            elif isinstance(item, list):
                below.extend(item)
            elif has_escapes and isinstance(item, str):
                _check_text(item)
        if not below:
            return
        level = below
    raise ParseError(f"The body is nested deeper than {MAX_DEPTH} levels.")


def _check_text(text: str) -> None:
    if "\0" in text:
        raise ParseError("Null characters are not allowed.")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ParseError("The body holds half of a surrogate pair.") from None
