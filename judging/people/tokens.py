"""API tokens: made, revoked, and told from any other text."""

import logging
from datetime import datetime, timedelta

from django.db import OperationalError
from django.utils import timezone

from judging.foundation.validation import clean
from judging.models import ApiToken, User, hash_secret, new_secret
from judging.records.roles import Actor, require_account, require_own

logger = logging.getLogger(__name__)

TOKEN_PREFIX = "rlv_"  # noqa: S105  (how every token begins, no secret)
# last_used_at is for people to look at: no write per request.
TOKEN_USE_NOTED_EVERY = timedelta(minutes=1)


def create_token(*, actor: Actor, user: User, name: str, expires_at: datetime | None = None) -> tuple[ApiToken, str]:
    """Make an API token of a user; return it with its secret, which is shown once and kept as a hash only.

    Raise Forbidden (a token is made by its owner) or Invalid.
    """
    require_own(actor, user)
    secret = new_secret(TOKEN_PREFIX)
    token = ApiToken(
        user=user, name=name.strip(), prefix=secret[:12], token_hash=hash_secret(secret), expires_at=expires_at
    )
    problems: dict[str, list[str]] = {}
    if expires_at is not None and expires_at <= timezone.now():
        problems["expires_at"] = ["This moment has passed."]
    clean(token, errors=problems)
    token.save(force_insert=True)
    return token, secret


def revoke_token(*, actor: Actor, token: ApiToken) -> None:
    """Make a token stop working at once; again is fine. It stays in its owner's list. Raise Forbidden."""
    require_account(actor)
    if not actor.is_admin:
        require_own(actor, token.user)
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())


def authenticate_token(secret: str) -> ApiToken | None:
    """Return the token that `secret` opens, its user with it; None when unknown, expired, revoked or inactive."""
    now = timezone.now()
    try:
        token = ApiToken.objects.select_related("user").get(token_hash=hash_secret(secret))
    except ApiToken.DoesNotExist:
        return None
    is_expired = token.expires_at is not None and token.expires_at <= now
    # Every request of the API asks this: a statement with these conditions takes twice the time.
    if is_expired or token.revoked_at is not None or not token.user.is_active:
        return None
    if token.last_used_at is None or token.last_used_at <= now - TOKEN_USE_NOTED_EVERY:
        try:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        except OperationalError:
            # A busy database must not refuse a request over this.
            logger.warning("the use of a token could not be noted")
    return token
