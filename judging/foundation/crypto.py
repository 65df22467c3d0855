"""Encryption of what is secret at rest: authenticated, with keys that can be rotated."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from judging.foundation.errors import DomainError


class Undecryptable(DomainError):
    code = "undecryptable"


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])


def encrypt(value: str) -> str:
    """Return `value` encrypted under the first key; an empty value stays empty."""
    return _keys().encrypt(value.encode()).decode() if value else ""


def decrypt(value: str) -> str:
    """Return what was encrypted under any of the keys. Raise Undecryptable when none of them fits."""
    if not value:
        return ""
    try:
        return _keys().decrypt(value.encode()).decode()
    except InvalidToken:
        raise Undecryptable(
            "the stored credential can't be decrypted: RELEVAL_ENCRYPTION_KEYS lacks the key it was written with"
        ) from None
