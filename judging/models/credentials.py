"""Keys to other services, encrypted at rest. Models that hold one inherit this; nothing else encrypts or decrypts."""

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
