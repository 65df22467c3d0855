"""Addresses of the query lab: they hold the query, and for each side whom it asks and with what."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from judging.foundation.limits import MAX_LAB_SIDES
from judging.models import canonical_json, query_text

LETTERS = "abcdefgh"[:MAX_LAB_SIDES]
# What an address holds of a side.
SHARED = ("endpoint", "template", "depth")
# Longer ones don't pass every server between here and a browser.
LONGEST_ADDRESS = 3_000


def lab_address(query: str, properties: str = "", sides: Sequence[Mapping[str, Any]] = ()) -> str:
    """Return the address that opens the lab with all of this; `properties` is JSON."""
    parameters = {"query": query, **({"properties": properties} if properties.strip() else {})}
    for letter, values in zip(LETTERS, sides, strict=False):
        parameters |= {f"{letter}-{name}": str(values[name]) for name in SHARED if values[name]}
    return f"{reverse('query_lab')}?{urlencode(parameters)}"


def address_of_query(body: Any) -> str:
    """Return the address that opens the lab with a query; "" where it would be too long."""
    others = {name: value for name, value in body.items() if name != "query"} if isinstance(body, dict) else {}
    address = lab_address(query_text(body), canonical_json(others) if others else "")
    return address if len(address) <= LONGEST_ADDRESS else ""
