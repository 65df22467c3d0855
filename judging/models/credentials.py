"""Keys to other services, encrypted at rest. Models that hold one inherit this; nothing else encrypts or decrypts."""

import json
from typing import Any

from django.db import models

from judging.foundation import crypto


class WithApiKey(models.Model):
    """A model with a key that goes in and never comes out, but to the call that needs it."""

    encrypted_api_key = models.TextField(blank=True, editable=False)

    class Meta:
        abstract = True

    @property
    def has_api_key(self) -> bool:
        return bool(self.encrypted_api_key)

    def set_api_key(self, api_key: str) -> None:
        """Encrypt a key, "" takes it away; the caller saves."""
        self.encrypted_api_key = crypto.encrypt(api_key)

    def api_key(self) -> str:
        """Return the decrypted key. Raise Undecryptable when no configured key fits."""
        return crypto.decrypt(self.encrypted_api_key)


class AuthenticationType(models.TextChoices):
    NONE = "none", "None"
    BEARER = "bearer", "Bearer token"
    BASIC = "basic", "User name and password"
    API_KEY = "api_key", "API key"
    HEADERS = "headers", "Secret headers"
    AWS = "aws", "AWS signature"
    OAUTH2 = "oauth2", "OAuth 2 client credentials"


class WithAuthentication(models.Model):
    """A model with one of several ways to prove who asks. What goes with it never comes out, but to the request."""

    authentication_type = models.CharField(
        max_length=10, choices=AuthenticationType, default=AuthenticationType.NONE, editable=False
    )
    encrypted_authentication = models.TextField(blank=True, editable=False)

    class Meta:
        abstract = True

    @property
    def has_credentials(self) -> bool:
        return bool(self.encrypted_authentication)

    def set_authentication(self, authentication: dict[str, Any]) -> None:
        """Encrypt a checked authentication, `{"type": ..., ...}`; the caller saves."""
        secrets = {name: value for name, value in authentication.items() if name != "type"}
        self.authentication_type = authentication.get("type", AuthenticationType.NONE)
        self.encrypted_authentication = crypto.encrypt(json.dumps(secrets)) if secrets else ""

    def authentication(self) -> dict[str, Any]:
        """Return the authentication with its secrets. Raise Undecryptable when no configured key fits."""
        secrets = crypto.decrypt(self.encrypted_authentication)
        return {"type": self.authentication_type, **(json.loads(secrets) if secrets else {})}
