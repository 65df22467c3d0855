"""Idempotency keys: a repeated request returns what the first one made, even if its answer was lost."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import IntegrityError

from judging.foundation.errors import Conflict, Invalid
from judging.foundation.limits import MAX_IDEMPOTENCY_KEY
from judging.models import Requested, canonical_json
from judging.records.roles import Actor, user_of

MadeT = TypeVar("MadeT", bound=Requested)


@dataclass(frozen=True, slots=True)
class Once:
    """A request's idempotency key, and the hash of what it asks for. What it makes stores both."""

    key: str = ""
    request_hash: str = ""


def once_of(key: str, asked_for: Mapping[str, Any]) -> Once:
    """Return a key with the hash of the request's own values: they stay the same when a judge is edited in between.

    Raise Invalid for a key that can't be. "" is no key: then nothing is looked up.
    """
    if len(key) > MAX_IDEMPOTENCY_KEY or not key.isprintable():
        message = f"up to {MAX_IDEMPOTENCY_KEY} printable characters"
        raise Invalid(f"Idempotency-Key takes {message}", errors={"Idempotency-Key": [message]})
    if not key:
        return Once()  # a batch's inputs can be megabytes: nobody asks for their hash
    return Once(key, hashlib.sha256(canonical_json(asked_for).encode()).hexdigest())


def find_earlier(kind: type[MadeT], *, actor: Actor, once: Once) -> MadeT | None:
    """Return what the same request of `actor` made. Raise Conflict (idempotency_key_reused) for another."""
    if not once.key:
        return None
    earlier = kind._default_manager.filter(created_by=user_of(actor), idempotency_key=once.key).first()
    if earlier is not None and earlier.request_hash != once.request_hash:
        raise Conflict("this Idempotency-Key was used for another request", code="idempotency_key_reused")
    return earlier


def make_once(kind: type[MadeT], make: Callable[[], MadeT], *, actor: Actor, once: Once) -> MadeT:
    """Make something in a transaction of its own, or return what the same request made concurrently.

    A unique constraint on creator and key tells who was first. Raise Conflict (idempotency_key_reused).
    """
    try:
        return make()
    except IntegrityError:
        earlier = find_earlier(kind, actor=actor, once=once)
        if earlier is None:
            raise  # it was about something else
        return earlier
